import { type BackendStoreConnection, exportBackendStoreUri } from "./backend-store-uri";
import type { ContainerDefinition, LogConfiguration } from "./container-definition";

/** What the migration needs. */
export interface MigrateContainerProps {
  /** MLflow's image: the schema must be the one that this version expects. */
  readonly image: string;
  /** How to reach the backend store. */
  readonly backendStore: BackendStoreConnection;
  /** Where its output goes. */
  readonly logConfiguration: LogConfiguration;
}

/** How long a task waits for another one's migration, in seconds. */
const LOCK_TIMEOUT = 3600;

/**
 * Creates or upgrades the database schema, then exits. MySQL cannot roll back a schema change, so no two tasks may do
 * this at once (an advisory lock sees to it) and no health check may kill it half-way (mlflow issues 23721, 19943).
 */
export function migrateContainer({
  image,
  backendStore,
  logConfiguration,
}: MigrateContainerProps): ContainerDefinition {
  return {
    name: "migrate",
    image,
    essential: false,
    entryPoint: ["sh", "-c"],
    command: [`${exportBackendStoreUri(backendStore)}\nexec python - <<'PYTHON'\n${UPGRADE}PYTHON\n`],
    secrets: [{ name: "DB_PASSWORD", valueFrom: backendStore.passwordSecretArn }],
    logConfiguration,
  };
}

const UPGRADE = `\
import os, sys
import sqlalchemy
from mlflow.db import upgrade
from mlflow.store.db.utils import create_sqlalchemy_engine_with_retry

uri = os.environ["MLFLOW_BACKEND_STORE_URI"]
with create_sqlalchemy_engine_with_retry(uri).connect() as connection:
    lock = sqlalchemy.text("SELECT GET_LOCK(CONCAT(DATABASE(), '.schema'), ${LOCK_TIMEOUT})")
    if connection.scalar(lock) != 1:
        sys.exit("another task has been changing the schema for ${LOCK_TIMEOUT} seconds: look at its migrate log")
    upgrade.callback(uri)
print("the schema is that of this MLflow")
`;
