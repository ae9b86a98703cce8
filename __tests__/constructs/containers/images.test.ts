import { Token } from "cdktf";
import {
  imageProblems,
  MLFLOW_IMAGE,
  MLFLOW_VERSION,
  OAUTH2_PROXY_IMAGE,
} from "../../../constructs/containers/images";

const DIGEST = `@sha256:${"0123456789abcdef".repeat(4)}`;
const [MAJOR, MINOR] = MLFLOW_VERSION.split(".").map(Number) as [number, number];
const OLDEST_MLFLOW = `${MAJOR}.${MINOR}.0`;

function problems(key: "mlflowImage" | "oauth2ProxyImage", image: string): string[] {
  return imageProblems({ [key]: image }).map(({ path, message }) => `${path}: ${message}`);
}

describe("an image is taken", () => {
  test.each<["mlflowImage" | "oauth2ProxyImage", string]>([
    ["mlflowImage", MLFLOW_IMAGE],
    ["mlflowImage", `localhost:5000/mlflow:${OLDEST_MLFLOW}`],
    ["mlflowImage", `acme/mlflow:v${MAJOR + 1}.0.0-acme.2`],
    ["mlflowImage", `111122223333.dkr.ecr.eu-west-1.amazonaws.com/mlflow${DIGEST}`],
    ["oauth2ProxyImage", OAUTH2_PROXY_IMAGE],
    ["oauth2ProxyImage", "quay.io/oauth2-proxy/oauth2-proxy:v7.15.10-alpine"],
    ["oauth2ProxyImage", `quay.io/oauth2-proxy/oauth2-proxy${DIGEST}`],
    ["oauth2ProxyImage", Token.asString({ resolve: () => "${var.image}" })],
  ])("as %s: %s", (key, image) => {
    expect(problems(key, image)).toEqual([]);
  });
});

describe("an image is refused", () => {
  test.each(["7.15.2", "v7.9.0", "v6.20.5-alpine"])("for oauth2-proxy with the tag %s", (tag) => {
    expect(problems("oauth2ProxyImage", `oauth2-proxy:${tag}`)).toEqual([
      `oauth2ProxyImage: "oauth2-proxy:${tag}" is older than 7.15.3, before which the login can be passed by ` +
        "(GHSA-7x63-xv5r-3p2x, GHSA-5hvv-m4w4-gf6v and others): write 7.15.3 or later",
    ]);
  });

  test("for MLflow of an older minor version", () => {
    expect(problems("mlflowImage", `ghcr.io/mlflow/mlflow:v${MAJOR}.${MINOR - 1}.9-full`)).toEqual([
      `mlflowImage: "ghcr.io/mlflow/mlflow:v${MAJOR}.${MINOR - 1}.9-full" is older than ${OLDEST_MLFLOW}, whose options ` +
        `and database schema this package is made for: write ${OLDEST_MLFLOW} or later`,
    ]);
  });

  test.each(["latest", "v7.15", "2026-11-01", "v7.15.3.1"])("with the tag %s, which is no version", (tag) => {
    expect(problems("oauth2ProxyImage", `oauth2-proxy:${tag}`)).toEqual([
      `oauth2ProxyImage: "oauth2-proxy:${tag}" has a tag without a version: write one such as "v7.15.3", or a digest ` +
        "(…@sha256:…)",
    ]);
  });

  test.each([
    "",
    "oauth2-proxy",
    "localhost:5000/oauth2-proxy",
    "Oauth2:v7.15.3",
    `a:v7.15.3${DIGEST}`,
    "a@sha256:12",
  ])("when it is malformed: %j", (image) => {
    expect(problems("oauth2ProxyImage", image)).toEqual([
      `oauth2ProxyImage: ${JSON.stringify(image)} is no image: write repository and version, or repository and digest ` +
        "(…@sha256:…)",
    ]);
  });
});
