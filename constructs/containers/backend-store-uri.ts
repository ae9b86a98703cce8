/** What the containers need to reach the backend store. */
export interface BackendStoreConnection {
  /** The database user. */
  readonly user: string;
  /** The ARN of the secret that holds the password. */
  readonly passwordSecretArn: string;
  /** The password's version: another one makes a new task definition, and its tasks read the secret anew. */
  readonly passwordVersion: number;
  /** The host of the database. */
  readonly endpoint: string;
  /** The TCP port of the database. */
  readonly port: number;
  /** The database's name. */
  readonly databaseName: string;
}

/**
 * Shell lines that compose `MLFLOW_BACKEND_STORE_URI` from the secret in `DB_PASSWORD` and export it: ECS cannot put a
 * secret into a string, and on the command line every process of the task could read it.
 *
 * The password is percent-encoded, so it may hold any character. It is decoded as latin-1 first because pymysql encodes
 * it so again: the server then gets the bytes that Secrets Manager holds. The database may be resuming from its pause,
 * which takes longer than pymysql's ten seconds.
 *
 * @param connection how to reach the backend store
 */
export function exportBackendStoreUri({
  user,
  endpoint,
  port,
  databaseName,
}: BackendStoreConnection): string {
  return [
    "set -eu",
    `password=$(python -c 'import os, urllib.parse; print(urllib.parse.quote(os.environb[b"DB_PASSWORD"].decode("latin-1"), safe=""))')`,
    `export MLFLOW_BACKEND_STORE_URI="mysql+pymysql://${user}:$password@${endpoint}:${port}/${databaseName}?charset=utf8mb4&connect_timeout=60"`,
    "unset DB_PASSWORD password",
  ].join("\n");
}
