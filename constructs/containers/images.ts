/** MLflow's version: the image that runs on AWS, and what the local stack and the tests install. */
export const MLFLOW_VERSION = "3.17.2";

/** oauth2-proxy's version: the image that runs on AWS, and what the local stack builds. */
export const OAUTH2_PROXY_VERSION = "7.15.3";

/** The image of MLflow with the drivers for MySQL (pymysql) and S3 (boto3). */
export const MLFLOW_IMAGE = `ghcr.io/mlflow/mlflow:v${MLFLOW_VERSION}-full`;

/** The image of oauth2-proxy: distroless, without a shell; runs as uid 65532. */
export const OAUTH2_PROXY_IMAGE = `quay.io/oauth2-proxy/oauth2-proxy:v${OAUTH2_PROXY_VERSION}`;
