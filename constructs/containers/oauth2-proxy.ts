import type { IdentityProvider } from "../identity/identity-provider";
import type { JwtIssuer } from "../identity/jwt-issuer";
import type { SecretArns } from "../secrets";
import { TIMEOUTS } from "../timeouts";
import { CONFINED, type ContainerDefinition, type LogConfiguration } from "./container-definition";
import { MLFLOW_PORT } from "./mlflow";

/** The port that the load balancer reaches. */
export const OAUTH2_PROXY_PORT = 8080;

/** Paths that programs and the UI's own scripts call: without a valid login they get 401, never a login page. */
const API_ROUTES = "^/(api|ajax-api|graphql|gateway|v1|version|get-artifact|model-versions)([/?]|$)";

/** Go's templates know no "starts with"; in ASCII, everything that does sorts between the prefix and the prefix and "~". */
const messageStartsWith = (prefix: string) => `and (ge .Message "${prefix}") (lt .Message "${prefix}~")`;

/** The usual format, but without the client's id, which oauth2-proxy names at its start and when it refuses a token. */
const LOG_FORMAT = [
  "[{{.Timestamp}}] [{{.File}}] ",
  `{{if ${messageStartsWith("OAuthProxy configured for ")}}}OAuthProxy configured`,
  `{{else if ${messageStartsWith("Error retrieving session from token in Authorization header: [unable to verify bearer token, audience ")}}}`,
  "a bearer token was refused: its audience is none of ours",
  "{{else}}{{.Message}}{{end}}",
].join("");

/** What oauth2-proxy needs. */
export interface Oauth2ProxyContainerProps {
  /** oauth2-proxy's image. */
  readonly image: string;
  /** Memory in MiB. */
  readonly memory: number;
  /** Who logs people in. */
  readonly login: IdentityProvider;
  /** Whose bearer tokens are accepted beside the login's own. */
  readonly programs: readonly JwtIssuer[];
  /** The ARNs of the client's id and secret and of the cookie secret. */
  readonly secrets: Pick<SecretArns, "clientId" | "clientSecret" | "cookieSecret">;
  /** The Host of requests: what stands after `https://` in the browser's address bar. */
  readonly publicHost: string;
  /**
   * The URL of a session store in cluster mode.
   * @default - the whole session is in the cookie
   */
  readonly sessionStoreUrl?: string;
  /** Where its output goes. */
  readonly logConfiguration: LogConfiguration;
}

/** oauth2-proxy, the only way in: it logs people in and checks the bearer tokens of programs. */
export function oauth2ProxyContainer(props: Oauth2ProxyContainerProps): ContainerDefinition {
  return {
    ...CONFINED,
    name: "oauth2-proxy",
    image: props.image,
    essential: true,
    // Its image's own user, also where the image is another build. It writes nothing.
    user: "65532:65532",
    memory: props.memory,
    command: [
      `--http-address=0.0.0.0:${OAUTH2_PROXY_PORT}`,
      `--upstream=http://127.0.0.1:${MLFLOW_PORT}`,
      `--upstream-timeout=${TIMEOUTS.upstreamResponse}s`,
      ...loginFlags(props.login, props.programs),
      // Fixed, so there is no need for --reverse-proxy: no X-Forwarded header is believed, whoever sends it.
      `--redirect-url=https://${props.publicHost}/oauth2/callback`,
      "--cookie-name=__Host-mlflow",
      "--cookie-secure=true",
      "--cookie-httponly=true",
      "--cookie-samesite=lax",
      "--cookie-refresh=5m",
      "--cookie-expire=12h",
      ...sessionStoreFlags(props.sessionStoreUrl),
      "--skip-jwt-bearer-tokens=true",
      "--bearer-token-login-fallback=false",
      ...props.programs.map(({ issuer, audience }) => `--extra-jwt-issuers=${issuer}=${audience}`),
      `--api-route=${API_ROUTES}`,
      "--pass-basic-auth=false",
      "--silence-ping-logging=true",
      `--standard-logging-format=${LOG_FORMAT}`,
    ],
    secrets: [
      { name: "OAUTH2_PROXY_CLIENT_ID", valueFrom: props.secrets.clientId },
      { name: "OAUTH2_PROXY_CLIENT_SECRET", valueFrom: props.secrets.clientSecret },
      { name: "OAUTH2_PROXY_COOKIE_SECRET", valueFrom: props.secrets.cookieSecret },
    ],
    portMappings: [{ containerPort: OAUTH2_PROXY_PORT, protocol: "tcp" }],
    dependsOn: [{ containerName: "mlflow", condition: "HEALTHY" }],
    logConfiguration: props.logConfiguration,
  };
}

/** Clients of ElastiCache Serverless must know Redis's cluster mode. */
function sessionStoreFlags(url: string | undefined): string[] {
  if (url === undefined) return [];
  return ["--session-store-type=redis", "--redis-use-cluster=true", `--redis-cluster-connection-urls=${url}`];
}

function loginFlags(login: IdentityProvider, programs: readonly JwtIssuer[]): string[] {
  return [
    ...login.flags,
    ...allEmailDomains(login, programs).map((domain) => `--email-domain=${domain}`),
    "--code-challenge-method=S256",
    "--insecure-oidc-skip-nonce=false",
    "--skip-provider-button=true",
  ];
}

/**
 * Every e-mail domain that is let in, of people and of programs: oauth2-proxy has one list for both.
 *
 * @param login who logs people in
 * @param programs whose bearer tokens are accepted
 */
export function allEmailDomains(login: IdentityProvider, programs: readonly JwtIssuer[]): readonly string[] {
  return [...new Set([login, ...programs].flatMap(({ emailDomains }) => emailDomains))];
}
