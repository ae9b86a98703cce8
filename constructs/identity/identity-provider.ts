import { Token } from "cdktf";
import { checkDomain, show } from "../checks";
import type { Problem } from "../errors";
import type { Risk } from "../risks";

/** Who may log in, whichever identity provider it is. */
export interface LoginProps {
  /** Domains of the e-mail addresses that may log in, such as `example.com`; its sub-domains are not included. */
  readonly emailDomains: readonly string[];
}

/** Any OpenID Connect provider. */
export interface OidcLoginProps extends LoginProps {
  /** The issuer's URL: `<issuer>/.well-known/openid-configuration` must answer. */
  readonly issuer: string;
}

/**
 * The company's identity provider, for logins by browser. Register an OAuth 2.0 client there with the redirect URI
 * `https://<record>.<domain>/oauth2/callback`; its id and secret go to Secrets Manager (`scripts/create-secrets.sh`).
 */
export class IdentityProvider {
  /**
   * Google accounts of your Workspace.
   *
   * @param props who may log in
   */
  public static google(props: LoginProps): IdentityProvider {
    return new IdentityProvider("google", "https://accounts.google.com", props.emailDomains);
  }

  /**
   * Any OpenID Connect provider.
   *
   * @param props its issuer, and who may log in
   */
  public static oidc(props: OidcLoginProps): IdentityProvider {
    return new IdentityProvider("oidc", props.issuer, props.emailDomains);
  }

  private constructor(
    /** The name that oauth2-proxy knows the provider by. */
    public readonly provider: "google" | "oidc",
    /** The issuer of its tokens. */
    public readonly issuer: string,
    /** Domains of the e-mail addresses that may log in. */
    public readonly emailDomains: readonly string[],
  ) {}
}

/**
 * What is wrong with a login.
 *
 * @param login the identity provider, or what is known of it
 * @param risks risks that the user has acknowledged
 */
export function loginProblems(
  login: { readonly issuer?: string; readonly emailDomains?: readonly string[] },
  risks: readonly Risk[],
): Problem[] {
  return [...issuerProblems("issuer", login.issuer), ...emailDomainProblems(login.emailDomains, risks)];
}

/**
 * What is wrong with the URL of an issuer.
 *
 * @param path the value's path
 * @param issuer the URL
 */
export function issuerProblems(path: string, issuer: string | undefined): Problem[] {
  if (issuer === undefined || Token.isUnresolved(issuer)) return [];
  if (URL.canParse(issuer) && new URL(issuer).protocol === "https:") return [];
  const message = `${show(issuer)} is no issuer: write its https URL as in the "iss" of its tokens, such as "https://login.example.com"`;
  return [{ path, message }];
}

function emailDomainProblems(domains: readonly string[] | undefined, risks: readonly Risk[]): Problem[] {
  if (domains === undefined) return [];
  if (domains.length === 0) {
    const message = '[] lets nobody in: write the domains of your e-mail addresses, such as ["example.com"]';
    return [{ path: "emailDomains", message }];
  }
  return domains.flatMap((domain, index) => {
    const path = `emailDomains[${index}]`;
    if (domain !== "*") return checkDomain(path, domain);
    if (risks.includes("open-email-domain")) return [];
    const message =
      '"*" lets every account of the identity provider in, with Google everybody on the internet: name your domains, ' +
      'or acknowledge it with acknowledgedRisks: ["open-email-domain"]';
    return [{ path, message }];
  });
}
