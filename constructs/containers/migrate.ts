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

/**
 * A schema that no MLflow has worked with yet holds no rows but a default workspace: if it is not finished, it is made
 * anew. A used one that an upgrade has left half-way needs the operator, who has to know the time from before: the
 * comment of alembic's table keeps it. It stays when an older MLflow comes back meanwhile.
 */
const UPGRADE = `\
import datetime, os, sys, traceback
import alembic.script, mlflow, sqlalchemy
from mlflow.db import upgrade
from mlflow.store.db.utils import create_sqlalchemy_engine_with_retry

uri = os.environ["MLFLOW_BACKEND_STORE_URI"]
revisions = alembic.script.ScriptDirectory(os.path.join(os.path.dirname(mlflow.__file__), "store", "db_migrations"))
engine = create_sqlalchemy_engine_with_retry(uri)
with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
    def run(statement):
        return connection.execute(sqlalchemy.text(statement))

    if run("SELECT GET_LOCK(CONCAT(DATABASE(), '.schema'), ${LOCK_TIMEOUT})").scalar() != 1:
        sys.exit("another task has been changing the schema for ${LOCK_TIMEOUT} seconds: look at its migrate log")
    schema, head, revision, note = sqlalchemy.inspect(connection), revisions.get_current_head(), None, ""
    tables = schema.get_table_names()
    if "alembic_version" in tables:
        revision = run("SELECT version_num FROM alembic_version").scalar()
        note = schema.get_table_comment("alembic_version")["text"] or ""
    data = (run(f"SELECT EXISTS (SELECT * FROM \`{one}\`)").scalar() for one in {*tables} - {"alembic_version", "workspaces"})
    if revision == head or not tables:
        pass
    elif not any(data):
        print("the schema was neither finished nor used: it is made anew", flush=True)
        run("SET FOREIGN_KEY_CHECKS = 0")
        run("DROP TABLE " + ", ".join(f"\`{one}\`" for one in tables))
    elif revision not in {one.revision for one in revisions.walk_revisions()}:
        sys.exit(f"the schema ({revision}) is that of a newer MLflow: deploy that one again, or restore the database")
    else:
        if not note:
            note = f"{head} since {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
            run(f"ALTER TABLE alembic_version COMMENT = '{note}'")
        print(f"upgrading the schema from {revision} to {note}", flush=True)
    try:
        upgrade.callback(uri)
    except Exception:
        if not note:
            raise
        traceback.print_exc()
        sys.exit(
            "an upgrade of the schema has stopped half-way, and MySQL cannot take that back: restore the database as it "
            f"was before, with scripts/restore-database.sh ENVIRONMENT --time {note.split()[-1]}"
        )
    if note and (revision != head or note.startswith(head)):
        run("ALTER TABLE alembic_version COMMENT = ''")
print("the schema is that of this MLflow")
`;
