import { Token } from "cdktf";
import { show } from "../checks";
import type { Problem } from "../errors";

/** MLflow's version: the image that runs on AWS, and what the local stack and the tests install. */
export const MLFLOW_VERSION = "3.17.2";

/** oauth2-proxy's version: the image that runs on AWS, and what the local stack builds. */
export const OAUTH2_PROXY_VERSION = "7.15.4";

/** The image of MLflow with the drivers for MySQL (pymysql) and S3 (boto3). */
export const MLFLOW_IMAGE = `ghcr.io/mlflow/mlflow:v${MLFLOW_VERSION}-full`;

/** The image of oauth2-proxy: distroless, without a shell; runs as uid 65532. */
export const OAUTH2_PROXY_IMAGE = `quay.io/oauth2-proxy/oauth2-proxy:v${OAUTH2_PROXY_VERSION}`;

/**
 * The oldest oauth2-proxy that is let in front of MLflow. Later fixes of logins that could be passed by (CVE-2026-76835,
 * GHSA-wr5q-7wxw-x568) are about --reverse-proxy with exemptions from the login, which are not used here.
 */
const OLDEST_OAUTH2_PROXY = "7.15.3";

/**
 * What is wrong with images. Behind a digest any version may stand; it is taken on trust.
 *
 * @param images MLflow's and oauth2-proxy's, as far as they are given
 */
export function imageProblems({
  mlflowImage,
  oauth2ProxyImage,
}: {
  readonly mlflowImage?: string;
  readonly oauth2ProxyImage?: string;
}): Problem[] {
  const [major, minor] = MLFLOW_VERSION.split(".");
  return [
    ...imageProblem(
      "mlflowImage",
      mlflowImage,
      `${major}.${minor}.0`,
      "whose options and database schema this package is made for",
    ),
    ...imageProblem(
      "oauth2ProxyImage",
      oauth2ProxyImage,
      OLDEST_OAUTH2_PROXY,
      "before which the login can be passed by (GHSA-7x63-xv5r-3p2x, GHSA-5hvv-m4w4-gf6v and others)",
    ),
  ];
}

const REFERENCE =
  /^[a-z0-9]+([._-]+[a-z0-9]+)*(:\d+)?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:(?<tag>\w[\w.-]*)|@sha256:[0-9a-f]{64})$/;

function imageProblem(path: string, image: string | undefined, oldest: string, why: string): Problem[] {
  if (image === undefined || Token.isUnresolved(image)) return [];
  const match = REFERENCE.exec(image);
  if (match === null) {
    const message = `${show(image)} is no image: write repository and version, or repository and digest (…@sha256:…)`;
    return [{ path, message }];
  }
  const { tag } = match.groups as { tag?: string };
  if (tag === undefined) return [];
  const version = /^v?(\d+\.\d+\.\d+)(?![\d.])/.exec(tag)?.[1];
  if (version === undefined) {
    const message = `${show(image)} has a tag without a version: write one such as "v${oldest}", or a digest (…@sha256:…)`;
    return [{ path, message }];
  }
  if (!isOlder(version, oldest)) return [];
  return [{ path, message: `${show(image)} is older than ${oldest}, ${why}: write ${oldest} or later` }];
}

function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, "en", { numeric: true }) < 0;
}
