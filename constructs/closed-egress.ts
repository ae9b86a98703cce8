import { Token } from "cdktf";
import { show } from "./checks";
import { checkCidr } from "./cidr";
import { MLFLOW_VERSION, OAUTH2_PROXY_VERSION } from "./containers/images";
import type { Problem } from "./errors";
import type { MlflowProps } from "./mlflow";

/** Issuers that answer on the internet only. */
const PUBLIC_ISSUERS =
  /^https:\/\/(accounts\.google\.com|login\.microsoftonline\.com|token\.actions\.githubusercontent\.com|gitlab\.com|github\.com|cognito-idp\.[a-z0-9-]+\.amazonaws\.com|[a-z0-9.-]+\.(okta|auth0)\.com)(\/|$)/;

/** What tasks reach outside their subnets where there is no way to the internet, beside S3. */
export interface ClosedEgress {
  /**
   * The security group of the interface endpoints.
   * @default - they are reached by their addresses
   */
  readonly endpointSecurityGroupId?: string;
  /** IPv4 ranges of interface endpoints that are reached by their addresses. */
  readonly endpointCidrs: readonly string[];
  /** IPv4 ranges of the identity provider. */
  readonly identityProviderCidrs: readonly string[];
}

/**
 * What is wrong with ranges that tasks may reach: with `egress: endpoints` they are needed, with all else refused.
 *
 * @param path the list's path
 * @param cidrs the ranges
 * @param egress how tasks get out
 */
export function closedRangeProblems(
  path: string,
  cidrs: readonly string[] | undefined,
  egress: string,
): Problem[] {
  if (egress !== "endpoints") {
    if (cidrs === undefined) return [];
    const message = `goes with egress: endpoints only; with ${egress} tasks reach every address: remove it`;
    return [{ path, message }];
  }
  if (cidrs === undefined || cidrs.length === 0) {
    const message = 'is missing: with egress: endpoints tasks reach nothing else, such as ["10.20.0.0/16"]';
    return [{ path, message }];
  }
  return cidrs.flatMap((cidr, index) => {
    const at = `${path}[${index}]`;
    if (/\/[0-7]$/.test(cidr)) {
      return [{ path: at, message: `${show(cidr)} is no range of an internal network: write /8 or smaller` }];
    }
    if (cidrs.indexOf(cidr) < index) {
      return [{ path: at, message: `${show(cidr)} stands here twice: write each range once` }];
    }
    return checkCidr(at, cidr);
  });
}

/**
 * What cannot go with a network without a way to the internet (`egress: endpoints`): an internet-facing load balancer
 * where there is no subnet for it, images from a registry that no endpoint leads to, issuers that answer on the internet
 * only.
 *
 * @param props the props, or what is known of them
 */
export function closedEgressProblems(props: Partial<MlflowProps>): Problem[] {
  const kind = (["network", "existingNetwork"] as const).find((key) => props[key]?.egress === "endpoints");
  if (kind === undefined) return [];
  const egress = `${kind}.egress: endpoints`;
  const issuers = [
    // GitHub's logins have no issuer.
    { path: "login", issuer: props.login && (props.login.issuer ?? "https://github.com") },
    ...(props.programs ?? []).map(({ issuer }, index) => ({ path: `programs[${index}].issuer`, issuer })),
  ];
  return [
    ...(kind === "network" ? loadBalancerProblem(props) : []),
    ...issuers.flatMap((one) => issuerProblem(one, egress)),
    ...imageProblems(props, egress),
  ];
}

function loadBalancerProblem({ loadBalancer }: Partial<MlflowProps>): Problem[] {
  if (loadBalancer?.internal === true) return [];
  const message = "must be true: with network.egress: endpoints there is no way in from the internet";
  return [{ path: "loadBalancer.internal", message }];
}

function issuerProblem({ path, issuer }: { path: string; issuer?: string }, egress: string): Problem[] {
  if (issuer === undefined || !PUBLIC_ISSUERS.test(issuer)) return [];
  const message =
    `${show(issuer)} answers on the internet, where ${egress} does not lead: ` +
    "take an issuer of your own network, or another egress";
  return [{ path, message }];
}

function imageProblems({ region, service }: Partial<MlflowProps>, egress: string): Problem[] {
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
      `${found}: ${egress} leads to ECR in ${region ?? "the own region"} only: ` +
      `copy the image there and write, for one, "111122223333.dkr.ecr.${region ?? "eu-west-1"}.amazonaws.com/${example}"`;
    return [{ path, message }];
  });
}

const ECR = /^\d{12}\.dkr\.ecr\.(?<region>[a-z0-9-]+)\.amazonaws\.com$/;
