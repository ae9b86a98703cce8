import { TIMEOUTS } from "../timeouts";
import { type BackendStoreConnection, exportBackendStoreUri } from "./backend-store-uri";
import {
  CONFINED,
  type ContainerDefinition,
  type LogConfiguration,
  TEMPORARY_FILES_MOUNT,
} from "./container-definition";

/** The port that MLflow listens on, on the task's loopback interface only. */
export const MLFLOW_PORT = 4180;

/** "nobody" in Debian, which MLflow's image is made from. */
const NOBODY = "65534:65534";

/** What MLflow's tracking server needs. */
export interface MlflowContainerProps {
  /** MLflow's image. */
  readonly image: string;
  /** Memory in MiB. */
  readonly memory: number;
  /** Number of server processes. */
  readonly workers: number;
  /** Whether it runs background jobs. */
  readonly jobs: boolean;
  /** Whether it also starts jobs by itself, each minute; only one task may, and they keep the database awake. */
  readonly periodicJobs: boolean;
  /** How to reach the backend store. */
  readonly backendStore: BackendStoreConnection;
  /** Whether the database may pause when nobody is connected to it. */
  readonly autoPause: boolean;
  /** Where artifacts are kept: `s3://bucket/path`. */
  readonly artifactsDestination: string;
  /** Whether the server passes artifacts on; otherwise clients need their own access to the bucket. */
  readonly proxyArtifacts: boolean;
  /** The Host of requests: what stands after `https://` in the browser's address bar. */
  readonly publicHost: string;
  /** Options of uvicorn, such as `--log-level warning`; empty for none. */
  readonly serverOptions: string;
  /** The AWS region. */
  readonly region: string;
  /** Where its output goes. */
  readonly logConfiguration: LogConfiguration;
}

/** MLflow's tracking server, after the migration. */
export function mlflowContainer(props: MlflowContainerProps): ContainerDefinition {
  return {
    ...CONFINED,
    // MLflow starts processes that start others.
    linuxParameters: { ...CONFINED.linuxParameters, initProcessEnabled: true },
    name: "mlflow",
    image: props.image,
    essential: true,
    user: NOBODY,
    mountPoints: [TEMPORARY_FILES_MOUNT],
    memory: props.memory,
    entryPoint: ["sh", "-c"],
    command: [`${exportBackendStoreUri(props.backendStore)}\nexec mlflow server\n`],
    environment: Object.entries(mlflowEnvironment(props)).map(([name, value]) => ({ name, value })),
    secrets: [{ name: "DB_PASSWORD", valueFrom: props.backendStore.passwordSecretArn }],
    dependsOn: [{ containerName: "migrate", condition: "SUCCESS" }],
    healthCheck: {
      command: [
        "CMD",
        "python",
        "-c",
        `import urllib.request; urllib.request.urlopen("${HEALTH}", timeout=4)`,
      ],
      interval: 10,
      timeout: 5,
      retries: 3,
      startPeriod: 120,
    },
    logConfiguration: props.logConfiguration,
  };
}

const HEALTH = `http://127.0.0.1:${MLFLOW_PORT}/health`;

/** Before the user's own options: of an option that is given twice, uvicorn takes the last. */
const SERVER_OPTIONS = [
  `--timeout-keep-alive ${TIMEOUTS.serverKeepAlive}`,
  `--timeout-worker-healthcheck ${TIMEOUTS.workerHealth}`,
].join(" ");

function mlflowEnvironment(props: MlflowContainerProps): Record<string, string> {
  return {
    AWS_DEFAULT_REGION: props.region,
    DB_PASSWORD_VERSION: String(props.backendStore.passwordVersion),
    // Nobody's own home does not exist.
    HOME: "/tmp",
    MLFLOW_HOST: "127.0.0.1",
    MLFLOW_PORT: String(MLFLOW_PORT),
    MLFLOW_WORKERS: String(props.workers),
    MLFLOW_UVICORN_OPTS: `${SERVER_OPTIONS} ${props.serverOptions}`.trimEnd(),
    // Otherwise URLs that MLflow signs for clients lead to S3's global endpoint, which redirects to the region of a new
    // bucket, where their signature is wrong (boto3 issues 3015, 4768).
    MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE: "virtual",
    ...(props.proxyArtifacts
      ? { MLFLOW_ARTIFACTS_DESTINATION: props.artifactsDestination }
      : { MLFLOW_SERVE_ARTIFACTS: "false", MLFLOW_DEFAULT_ARTIFACT_ROOT: props.artifactsDestination }),
    // MLflow 3.5 and later answer 403 to any other Host, and to writes from any other Origin.
    MLFLOW_SERVER_ALLOWED_HOSTS: `${props.publicHost},localhost:${MLFLOW_PORT},127.0.0.1:${MLFLOW_PORT}`,
    MLFLOW_SERVER_CORS_ALLOWED_ORIGINS: `https://${props.publicHost}`,
    // An idle pool would keep the database awake; without a pause it must not outlive MySQL's wait_timeout.
    ...(props.autoPause
      ? { MLFLOW_SQLALCHEMYSTORE_POOLCLASS: "NullPool" }
      : { MLFLOW_SQLALCHEMYSTORE_POOL_RECYCLE: "3600" }),
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION: String(props.jobs),
    ...(props.jobs ? { MLFLOW_SERVER_JOB_ENABLE_PERIODIC_TASKS: String(props.periodicJobs) } : {}),
    MLFLOW_DISABLE_TELEMETRY: "true",
  };
}
