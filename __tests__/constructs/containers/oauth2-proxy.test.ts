import {
  oauth2ProxyContainer,
  type Oauth2ProxyContainerProps,
} from "../../../constructs/containers/oauth2-proxy";
import { IdentityProvider } from "../../../constructs/identity/identity-provider";
import { JwtIssuer } from "../../../constructs/identity/jwt-issuer";

const PROPS: Oauth2ProxyContainerProps = {
  image: "oauth2-proxy:test",
  memory: 256,
  login: IdentityProvider.google({ emailDomains: ["example.com"] }),
  programs: [],
  secrets: { clientId: "arn:id", clientSecret: "arn:secret", cookieSecret: "arn:cookie" },
  publicHost: "mlflow.example.com",
  logConfiguration: { logDriver: "awslogs", options: {} },
};

const API_ROUTES = "^/(api|ajax-api|graphql|gateway|v1|version|get-artifact|model-versions)([/?]|$)";

describe("the container oauth2-proxy", () => {
  test("logs in with Google, fails closed, and hands requests to MLflow", () => {
    expect(oauth2ProxyContainer(PROPS).command).toEqual([
      "--http-address=0.0.0.0:8080",
      "--upstream=http://127.0.0.1:4180",
      "--upstream-timeout=590s",
      "--provider=google",
      "--email-domain=example.com",
      "--code-challenge-method=S256",
      "--insecure-oidc-skip-nonce=false",
      "--skip-provider-button=true",
      "--redirect-url=https://mlflow.example.com/oauth2/callback",
      "--cookie-name=__Host-mlflow",
      "--cookie-secure=true",
      "--cookie-httponly=true",
      "--cookie-samesite=lax",
      "--cookie-refresh=5m",
      "--cookie-expire=12h",
      "--skip-jwt-bearer-tokens=true",
      "--bearer-token-login-fallback=false",
      `--api-route=${API_ROUTES}`,
      "--pass-basic-auth=false",
      "--silence-ping-logging=true",
      expect.stringMatching(/^--standard-logging-format=.*\{\{\.Message\}\}\{\{end\}\}$/),
    ]);
  });

  test("has id, secret and cookie key from their secrets, and no plain environment", () => {
    const container = oauth2ProxyContainer(PROPS);
    expect(container.secrets).toEqual([
      { name: "OAUTH2_PROXY_CLIENT_ID", valueFrom: "arn:id" },
      { name: "OAUTH2_PROXY_CLIENT_SECRET", valueFrom: "arn:secret" },
      { name: "OAUTH2_PROXY_COOKIE_SECRET", valueFrom: "arn:cookie" },
    ]);
    expect(container.environment).toBeUndefined();
  });

  test("keeps its image's entry point, which has no shell", () => {
    expect(oauth2ProxyContainer(PROPS).entryPoint).toBeUndefined();
  });

  test("logs in with any OpenID Connect provider, for several domains and issuers of tokens", () => {
    const { command } = oauth2ProxyContainer({
      ...PROPS,
      login: IdentityProvider.oidc({
        issuer: "https://login.example.com/realms/acme",
        emailDomains: ["example.com", "example.org"],
      }),
      programs: [
        JwtIssuer.google({ audience: "https://mlflow.example.com" }),
        JwtIssuer.oidc({ issuer: "https://ci.example.com", audience: "mlflow-programs" }),
      ],
    });
    expect(command).toEqual(
      expect.arrayContaining([
        "--provider=oidc",
        "--oidc-issuer-url=https://login.example.com/realms/acme",
        "--email-domain=example.com",
        "--email-domain=example.org",
        "--extra-jwt-issuers=https://accounts.google.com=https://mlflow.example.com",
        "--extra-jwt-issuers=https://ci.example.com=mlflow-programs",
      ]),
    );
  });

  test("lets service accounts of named projects in beside people", () => {
    const { command } = oauth2ProxyContainer({
      ...PROPS,
      programs: ["acme-training", "acme-serving"].map((project) =>
        JwtIssuer.googleServiceAccounts({ audience: "mlflow", projects: [project, "acme-training"] }),
      ),
    });
    expect(command.filter((flag) => flag.startsWith("--email-domain"))).toEqual([
      "--email-domain=example.com",
      "--email-domain=acme-training.iam.gserviceaccount.com",
      "--email-domain=acme-serving.iam.gserviceaccount.com",
    ]);
  });

  test.each([
    ["/api/2.0/mlflow/runs/create", true],
    ["/ajax-api/2.0/mlflow/runs/search", true],
    ["/graphql", true],
    ["/get-artifact", true],
    ["/get-artifact?path=model&run_uuid=1", true],
    ["/model-versions/get-artifact", true],
    ["/v1/traces", true],
    ["/", false],
    ["/static-files/main.js", false],
    ["/apiary", false],
  ])("treats %s as a path of programs: %s", (path, expected) => {
    expect(new RegExp(API_ROUTES).test(path)).toBe(expected);
  });
});
