import { Token } from "cdktf";
import { show } from "./checks";
import { MLFLOW_VERSION, OAUTH2_PROXY_VERSION } from "./containers/images";
import type { Problem } from "./errors";
import type { MlflowProps } from "./mlflow";

/** Issuers that answer on the internet only. */
const PUBLIC_ISSUERS =
  /^https:\/\/(accounts\.google\.com|login\.microsoftonline\.com|token\.actions\.githubusercontent\.com|gitlab\.com|github\.com|cognito-idp\.[a-z0-9-]+\.amazonaws\.com|[a-z0-9.-]+\.(okta|auth0)\.com)(\/|$)/;

/**
 * What cannot go with a network without a way to the internet (`network.egress: endpoints`): an internet-facing load
 * balancer, images from a registry that no endpoint leads to, issuers that answer on the internet only.
 *
 * @param props the props, or what is known of them
 */
export function closedEgressProblems(props: Partial<MlflowProps>): Problem[] {
  if (props.network?.egress !== "endpoints") return [];
  const issuers = [
    // GitHub's logins have no issuer.
    { path: "login", issuer: props.login && (props.login.issuer ?? "https://github.com") },
    ...(props.programs ?? []).map(({ issuer }, index) => ({ path: `programs[${index}].issuer`, issuer })),
  ];
  return [...loadBalancerProblem(props), ...issuers.flatMap(issuerProblem), ...imageProblems(props)];
}

function loadBalancerProblem({ loadBalancer }: Partial<MlflowProps>): Problem[] {
  if (loadBalancer?.internal === true) return [];
  const message = "must be true: with network.egress: endpoints there is no way in from the internet";
  return [{ path: "loadBalancer.internal", message }];
}

function issuerProblem({ path, issuer }: { path: string; issuer?: string }): Problem[] {
  if (issuer === undefined || !PUBLIC_ISSUERS.test(issuer)) return [];
  const message =
    `${show(issuer)} answers on the internet, where network.egress: endpoints does not lead: ` +
    "take an issuer of your own network, or egress: nat";
  return [{ path, message }];
}

function imageProblems({ region, service }: Partial<MlflowProps>): Problem[] {
  const images = [
    {
      key: "mlflowImage",
      path: "service.mlflowImage",
      example: `ghcr/mlflow/mlflow:v${MLFLOW_VERSION}-full`,
    },
    {
      key: "oauth2ProxyImage",
      path: "service.oauth2ProxyImage",
      example: `quay/oauth2-proxy/oauth2-proxy:v${OAUTH2_PROXY_VERSION}`,
    },
  ] as const;
  return images.flatMap(({ key, path, example }) => {
    const image = service?.[key];
    if (image !== undefined && (Token.isUnresolved(image) || Token.isUnresolved(region))) return [];
    if (image !== undefined && image.split("/")[0]?.match(ECR)?.groups?.region === region) return [];
    const found = image === undefined ? "is missing" : `${show(image)} cannot be reached`;
    const message =
      `${found}: network.egress: endpoints leads to ECR in ${region ?? "the own region"} only: ` +
      `copy the image there and write, for one, "111122223333.dkr.ecr.${region ?? "eu-west-1"}.amazonaws.com/${example}"`;
    return [{ path, message }];
  });
}

const ECR = /^\d{12}\.dkr\.ecr\.(?<region>[a-z0-9-]+)\.amazonaws\.com$/;
