import { type BackendStoreConnection, exportBackendStoreUri } from "./backend-store-uri";
import {
  CONFINED,
  type ContainerDefinition,
  type LogConfiguration,
  TEMPORARY_FILES_MOUNT,
} from "./container-definition";

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
 * As process 1 it does not die of SIGTERM, so a task that is stopped leaves it its time; an init would pass that on.
 */
export function migrateContainer({
  image,
  backendStore,
  logConfiguration,
}: MigrateContainerProps): ContainerDefinition {
  return {
    ...CONFINED,
    name: "migrate",
    image,
    essential: false,
    user: "0:0",
    mountPoints: [TEMPORARY_FILES_MOUNT],
    entryPoint: ["sh", "-c"],
    command: [
      `${exportBackendStoreUri(backendStore)}\n${OPEN_TEMPORARY_FILES}\nexec python - <<'PYTHON'\n${UPGRADE}PYTHON\n`,
    ],
    secrets: [{ name: "DB_PASSWORD", valueFrom: backendStore.passwordSecretArn }],
    logConfiguration,
  };
}

/**
 * A volume on Fargate belongs to root, who alone may write it (containers-roadmap issue 938); mlflow is not root.
 * Root needs no capability to open what is its own.
 */
const OPEN_TEMPORARY_FILES = "test -k /tmp || chmod 1777 /tmp";

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
