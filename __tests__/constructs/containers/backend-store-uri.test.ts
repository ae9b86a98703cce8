import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ContainerDefinition } from "../../../constructs/containers/container-definition";
import { migrateContainer } from "../../../constructs/containers/migrate";
import { mlflowContainer } from "../../../constructs/containers/mlflow";

const SHARED = {
  image: "mlflow:test",
  backendStore: {
    user: "ecs_task",
    passwordSecretArn: "arn:password",
    passwordVersion: 1,
    endpoint: "mlflow.cluster-1.eu-west-1.rds.amazonaws.com",
    port: 3306,
    databaseName: "mlflow",
  },
  logConfiguration: { logDriver: "awslogs" as const, options: {} },
};
const MLFLOW = mlflowContainer({
  ...SHARED,
  memory: 1024,
  workers: 1,
  jobs: false,
  periodicJobs: false,
  autoPause: true,
  artifactsDestination: "s3://bucket/",
  proxyArtifacts: true,
  publicHost: "mlflow.example.com",
  serverOptions: "",
  region: "eu-west-1",
});
const MIGRATE = migrateContainer(SHARED);
const URI = "mysql+pymysql://ecs_task:PASSWORD@mlflow.cluster-1.eu-west-1.rds.amazonaws.com:3306/mlflow";

/** Runs a container's command as ECS would, with `python` and `mlflow` from `support/bin`. */
function run({ entryPoint = [], command }: ContainerDefinition, variables: Record<string, string>) {
  const [program = "", ...words] = [...entryPoint, ...command];
  const env = { PATH: `${join(__dirname, "../../support/bin")}:${process.env.PATH}`, ...variables };
  return new Promise<{ stdout: string; stderr: string; status: unknown }>((resolve) =>
    execFile(program, words, { env }, (error, stdout, stderr) =>
      resolve({ stdout, stderr, status: error?.code ?? 0 }),
    ),
  );
}

describe("the container mlflow", () => {
  test.concurrent.each([
    "MARK",
    "it's 'MARK'",
    '"MARK"',
    "$HOME${HOME}MARK$",
    "`id`MARK$(id)",
    "MARK;id|id&id>x<y",
    "@MARK/%:#?&+=%41%",
    "  MARK  with spaces  ",
    "\\MARK\\n\\\\",
    "\nMARK\nlines\n",
    "\tMARK\r",
    "*MARK?[a-z]~!{a,b}",
    "-n MARK",
    "é€漢字🚀MARK",
    `MARK${"0123456789'\"$@/%é".repeat(20)}`.slice(0, 200),
  ])("hands the database the password %j, byte by byte", async (password) => {
    // WHEN
    const { stdout, stderr, status } = await run(MLFLOW, { DB_PASSWORD: password });
    // THEN
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    const [uri = "", ...rest] = stdout.split("\n");
    const [, start, encoded = "", end] = /^(.*ecs_task:)([\w.~%-]*)(@mlflow.*)$/.exec(uri) ?? [];
    expect(`${start}PASSWORD${end}`).toBe(`${URI}?charset=utf8mb4&connect_timeout=60`);
    // SQLAlchemy decodes the password, and pymysql sends the server its latin-1 bytes.
    expect(Buffer.from(decodeURIComponent(encoded), "latin1").toString()).toBe(password);
    // No command line and no other variable holds it.
    expect(rest.find((line) => line.endsWith("mlflow server"))).toBeDefined();
    expect(rest.filter((line) => line.includes("MARK"))).toEqual([]);
    expect(rest).not.toContain("DB_PASSWORD");
    expect(rest).not.toContain("password");
  });

  test("does not start without a password", async () => {
    const { stdout, stderr, status } = await run(MLFLOW, {});
    expect(status).not.toBe(0);
    expect(stderr).toContain("DB_PASSWORD");
    expect(stdout).toBe("");
  });
});

describe("the container migrate", () => {
  let modules: string;

  // What the migration imports, as stand-ins that say in which order they are used.
  beforeAll(() => {
    modules = mkdtempSync(join(tmpdir(), "modules-"));
    const files = {
      "sqlalchemy.py": [
        "import types",
        "text = str",
        "def inspect(connection):",
        "    comment = lambda table: {'text': None}",
        "    return types.SimpleNamespace(get_table_names=lambda: ['alembic_version'], get_table_comment=comment)",
      ].join("\n"),
      "alembic/script.py":
        "class ScriptDirectory:\n    __init__ = lambda self, folder: None\n    get_current_head = lambda self: 'head'",
      "mlflow/__init__.py": "",
      "mlflow/db.py":
        "class upgrade:\n    @staticmethod\n    def callback(uri):\n        print('upgrade', uri)",
      "mlflow/store/db/utils.py": [
        "import contextlib, os, types",
        "def create_sqlalchemy_engine_with_retry(uri):",
        "    def execute(statement):",
        "        print(statement)",
        "        answer = {'1': 1, '0': 0}.get(os.environ['LOCK']) if 'LOCK' in statement else 'head'",
        "        return types.SimpleNamespace(scalar=lambda: answer)",
        "    @contextlib.contextmanager",
        "    def connect():",
        "        print('connect', uri)",
        "        yield types.SimpleNamespace(execute=execute)",
        "        print('disconnect')",
        "    engine = types.SimpleNamespace(connect=connect)",
        "    engine.execution_options = lambda isolation_level: engine",
        "    return engine",
      ].join("\n"),
    };
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(modules, file)), { recursive: true });
      writeFileSync(join(modules, file), `${text}\n`);
    }
  });
  afterAll(() => rmSync(modules, { recursive: true }));

  const migrate = (lock: string) =>
    run(MIGRATE, { DB_PASSWORD: "p'w €", PYTHONPATH: modules, PYTHONDONTWRITEBYTECODE: "1", LOCK: lock });

  test("upgrades the schema while it holds the lock", async () => {
    const uri = URI.replace("PASSWORD", "p%27w%20%C3%A2%C2%82%C2%AC");
    const { stdout, stderr, status } = await migrate("1");
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    expect(stdout.trim().split("\n")).toEqual([
      `connect ${uri}?charset=utf8mb4&connect_timeout=60`,
      "SELECT GET_LOCK(CONCAT(DATABASE(), '.schema'), 3600)",
      "SELECT version_num FROM alembic_version",
      `upgrade ${uri}?charset=utf8mb4&connect_timeout=60`,
      "disconnect",
      "the schema is that of this MLflow",
    ]);
  });

  test.each([
    ["another task keeps the lock", "0"],
    ["the server gives no lock", "NULL"],
  ])("fails without touching the schema when %s", async (_, lock) => {
    const { stdout, stderr, status } = await migrate(lock);
    expect(status).toBe(1);
    expect(stderr).toContain(
      "another task has been changing the schema for 3600 seconds: look at its migrate log",
    );
    expect(stdout).not.toContain("upgrade");
  });
});
