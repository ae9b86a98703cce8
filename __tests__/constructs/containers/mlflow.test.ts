import { mlflowContainer, type MlflowContainerProps } from "../../../constructs/containers/mlflow";

const PROPS: MlflowContainerProps = {
  image: "mlflow:test",
  memory: 1024,
  workers: 2,
  jobs: false,
  periodicJobs: false,
  backendStore: {
    user: "u",
    passwordSecretArn: "arn:p",
    passwordVersion: 3,
    endpoint: "db",
    port: 3306,
    databaseName: "d",
  },
  autoPause: true,
  artifactsDestination: "s3://bucket/",
  proxyArtifacts: true,
  publicHost: "mlflow.example.com",
  serverOptions: "",
  region: "eu-west-1",
  logConfiguration: { logDriver: "awslogs", options: {} },
};

function environment(props: Partial<MlflowContainerProps> = {}): Record<string, string> {
  const pairs = mlflowContainer({ ...PROPS, ...props }).environment ?? [];
  return Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
}

describe("the container mlflow", () => {
  test("listens on loopback only, accepts MLflow's own name only, and passes artifacts on", () => {
    expect(environment()).toEqual({
      AWS_DEFAULT_REGION: "eu-west-1",
      DB_PASSWORD_VERSION: "3",
      HOME: "/tmp",
      MLFLOW_HOST: "127.0.0.1",
      MLFLOW_PORT: "4180",
      MLFLOW_WORKERS: "2",
      MLFLOW_UVICORN_OPTS: "--timeout-keep-alive 120 --timeout-worker-healthcheck 30",
      MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE: "virtual",
      MLFLOW_ARTIFACTS_DESTINATION: "s3://bucket/",
      MLFLOW_SERVER_ALLOWED_HOSTS: "mlflow.example.com,localhost:4180,127.0.0.1:4180",
      MLFLOW_SERVER_CORS_ALLOWED_ORIGINS: "https://mlflow.example.com",
      MLFLOW_SQLALCHEMYSTORE_POOLCLASS: "NullPool",
      MLFLOW_SERVER_ENABLE_JOB_EXECUTION: "false",
      MLFLOW_DISABLE_TELEMETRY: "true",
    });
  });

  test("tells clients the bucket when they have access of their own", () => {
    const direct = environment({ proxyArtifacts: false });
    expect(direct).toMatchObject({
      MLFLOW_SERVE_ARTIFACTS: "false",
      MLFLOW_DEFAULT_ARTIFACT_ROOT: "s3://bucket/",
    });
    expect(direct).not.toHaveProperty("MLFLOW_ARTIFACTS_DESTINATION");
  });

  test("keeps connections to a database that does not pause", () => {
    const awake = environment({ autoPause: false });
    expect(awake).toMatchObject({ MLFLOW_SQLALCHEMYSTORE_POOL_RECYCLE: "3600" });
    expect(awake).not.toHaveProperty("MLFLOW_SQLALCHEMYSTORE_POOLCLASS");
  });

  test.each([true, false])("runs background jobs, and by itself: %s", (periodicJobs) => {
    expect(environment({ jobs: true, periodicJobs })).toMatchObject({
      MLFLOW_SERVER_ENABLE_JOB_EXECUTION: "true",
      MLFLOW_SERVER_JOB_ENABLE_PERIODIC_TASKS: String(periodicJobs),
    });
  });

  test("hands options to uvicorn, after its own", () => {
    expect(environment({ serverOptions: "--timeout-keep-alive 300" }).MLFLOW_UVICORN_OPTS).toBe(
      "--timeout-keep-alive 120 --timeout-worker-healthcheck 30 --timeout-keep-alive 300",
    );
  });

  test("has the password from its secret, not in its environment", () => {
    expect(mlflowContainer(PROPS).secrets).toEqual([{ name: "DB_PASSWORD", valueFrom: "arn:p" }]);
  });

  test("is healthy when it answers on its own port", () => {
    expect(mlflowContainer(PROPS).healthCheck).toEqual({
      command: [
        "CMD",
        "python",
        "-c",
        'import urllib.request; urllib.request.urlopen("http://127.0.0.1:4180/health", timeout=4)',
      ],
      interval: 10,
      timeout: 5,
      retries: 3,
      startPeriod: 120,
    });
  });
});
