import { Token } from "cdktf";
import { checkDomain, checkPattern, show } from "../checks";
import type { Problem } from "../errors";
import type { Risk } from "../risks";
import { type LoginOptions, PRESETS } from "./presets";

type Requires<Key extends keyof LoginOptions> = { readonly [key in Key]-?: NonNullable<LoginOptions[key]> };
type Allows<Key extends keyof LoginOptions> = { readonly [key in Key]?: LoginOptions[key] };
/** E-mail domains, groups, or both: then a person must pass both. */
type AllowList = Allows<"emailDomains" | "groups">;

/** Google Workspace. */
export type GoogleLoginProps = Requires<"emailDomains">;
/** A tenant of Microsoft Entra ID. */
export type EntraIdLoginProps = Requires<"tenantId"> & AllowList & Allows<"groupsClaim">;
/** An authorization server of Okta: the organization's own (`https://acme.okta.com`) or a custom one. */
export type OktaLoginProps = Requires<"issuer"> & AllowList;
/** A user pool of Amazon Cognito. */
export type CognitoLoginProps = Requires<"userPoolId"> & AllowList;
/** A realm of Keycloak: `https://login.example.com/realms/acme`. Groups may also be roles: `role:ml`. */
export type KeycloakLoginProps = Requires<"issuer"> & AllowList;
/** An organization on GitHub. */
export type GitHubLoginProps = Requires<"organization"> & Allows<"teams" | "emailDomains">;
/** Groups on GitLab, by default on gitlab.com. */
export type GitLabLoginProps = Requires<"groups"> & Allows<"issuer" | "emailDomains">;
/** A tenant of Auth0. */
export type Auth0LoginProps = Requires<"domain"> & AllowList & Allows<"groupsClaim">;
/** Any OpenID Connect provider. */
export type OidcLoginProps = Requires<"issuer"> & AllowList & Allows<"groupsClaim" | "scopes">;

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
  public static google(props: GoogleLoginProps): IdentityProvider {
    return new IdentityProvider({ ...props, provider: "google" });
  }

  /**
   * Microsoft Entra ID.
   *
   * @param props its tenant, and who may log in
   */
  public static entraId(props: EntraIdLoginProps): IdentityProvider {
    return new IdentityProvider({ ...props, provider: "entra-id" });
  }

  /**
   * Okta.
   *
   * @param props its issuer, and who may log in
   */
  public static okta(props: OktaLoginProps): IdentityProvider {
    return new IdentityProvider({ ...props, provider: "okta" });
  }

  /**
   * Amazon Cognito.
   *
   * @param props its user pool, and who may log in
   */
  public static cognito(props: CognitoLoginProps): IdentityProvider {
    return new IdentityProvider({ ...props, provider: "cognito" });
  }

  /**
   * Keycloak.
   *
   * @param props its realm's issuer, and who may log in
   */
  public static keycloak(props: KeycloakLoginProps): IdentityProvider {
    return new IdentityProvider({ ...props, provider: "keycloak" });
  }

  /**
   * GitHub.
   *
   * @param props whose members may log in
   */
  public static github(props: GitHubLoginProps): IdentityProvider {
    return new IdentityProvider({ ...props, provider: "github" });
  }

  /**
   * GitLab.
   *
   * @param props whose members may log in
   */
  public static gitlab(props: GitLabLoginProps): IdentityProvider {
    return new IdentityProvider({ ...props, provider: "gitlab" });
  }

  /**
   * Auth0.
   *
   * @param props its tenant, and who may log in
   */
  public static auth0(props: Auth0LoginProps): IdentityProvider {
    return new IdentityProvider({ ...props, provider: "auth0" });
  }

  /**
   * Any OpenID Connect provider.
   *
   * @param props its issuer, and who may log in
   */
  public static oidc(props: OidcLoginProps): IdentityProvider {
    return new IdentityProvider({ ...props, provider: "oidc" });
  }

  /**
   * The one that `provider` names.
   *
   * @param options its own keys, and who may log in
   */
  public static of(options: LoginOptions): IdentityProvider {
    return new IdentityProvider(options);
  }

  private constructor(
    /** What it was made from. */
    public readonly options: LoginOptions,
  ) {}

  /** The issuer of its tokens; GitHub has none. */
  public get issuer(): string | undefined {
    return PRESETS[this.options.provider].issuer?.(this.options);
  }

  /** Domains of the e-mail addresses that may log in; `*` where only groups decide. */
  public get emailDomains(): readonly string[] {
    return this.options.emailDomains ?? ["*"];
  }

  /** oauth2-proxy's flags for it, without those for e-mail domains. */
  public get flags(): readonly string[] {
    const { provider, groups = [] } = this.options;
    const { flags, issuer, groupFlags } = PRESETS[provider];
    return [
      ...flags(this.options),
      ...(issuer === undefined || provider === "google" ? [] : [`--oidc-issuer-url=${this.issuer}`]),
      ...(groupFlags?.(this.options) ?? groups.map((group) => `--allowed-group=${group}`)),
    ];
  }
}

/**
 * What is wrong with a login.
 *
 * @param login what is known of it
 * @param risks risks that the user has acknowledged
 */
export function loginProblems(login: Partial<LoginOptions>, risks: readonly Risk[]): Problem[] {
  return [
    ...keyProblems(login),
    ...issuerProblems("issuer", login.issuer),
    ...tenantProblems(login),
    ...emailDomainProblems(login, risks),
    ...listProblems("groups", login.groups),
    ...listProblems("teams", login.teams),
    ...checkPattern("groupsClaim", login.groupsClaim, /^[^\s,"]+$/, "the name of a claim, without spaces"),
    ...scopeProblems(login.scopes),
  ];
}

/** Keys that the provider lacks, or that belong to another one. */
function keyProblems({ provider, ...login }: Partial<LoginOptions>): Problem[] {
  if (provider === undefined || !Object.hasOwn(PRESETS, provider)) return [];
  const { requires, allows } = PRESETS[provider];
  const known: readonly string[] = [...Object.keys(requires), ...allows];
  const given = Object.entries(login).flatMap(([key, value]) => (value === undefined ? [] : [key]));
  const gitlab = provider === "oidc" && login.issuer === "https://gitlab.com";
  const list = allows.includes("groups") && login.emailDomains === undefined && login.groups === undefined;
  return [
    ...Object.entries(requires)
      .filter(([key]) => !given.includes(key))
      .map(([path, meaning]) => ({ path, message: `is missing: ${meaning}` })),
    ...given
      .filter((key) => !known.includes(key))
      .map((path) => ({
        path,
        message: `does not go with ${provider}: remove it, ${provider} knows ${known.join(", ")}`,
      })),
    ...(gitlab
      ? [
          {
            path: "provider",
            message: "lets tokens of GitLab's CI jobs in as people: write provider: gitlab",
          },
        ]
      : []),
    ...(list
      ? [
          {
            path: "emailDomains",
            message:
              "is missing, and so is groups: without either every account of the identity provider could log in; write " +
              'the domains of your e-mail addresses, such as ["example.com"], or groups, or both',
          },
        ]
      : []),
  ];
}

/**
 * What is wrong with the URL of an issuer.
 *
 * @param path the value's path
 * @param issuer the URL
 */
export function issuerProblems(path: string, issuer: string | undefined): Problem[] {
  if (issuer === undefined || Token.isUnresolved(issuer)) return [];
  // oauth2-proxy takes what stands behind "," and "=" for something else.
  if (URL.canParse(issuer) && new URL(issuer).protocol === "https:" && !/[\s,="]/.test(issuer)) return [];
  const message = `${show(issuer)} is no issuer: write its https URL as in the "iss" of its tokens, such as "https://login.example.com"`;
  return [{ path, message }];
}

/**
 * What is wrong with what an issuer's URL is made of.
 *
 * @param tenant a tenant of Entra ID, a user pool of Cognito, a domain of Auth0
 */
export function tenantProblems(
  tenant: Pick<LoginOptions, "tenantId" | "userPoolId" | "domain" | "organization">,
): Problem[] {
  const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
  return [
    // "common" and "organizations" are every tenant there is.
    ...checkPattern("tenantId", tenant.tenantId, uuid, "the tenant's id, a UUID in lower case"),
    ...checkPattern(
      "userPoolId",
      tenant.userPoolId,
      /^[a-z]{2}(-[a-z]+)+-\d_[A-Za-z0-9]+$/,
      'the pool\'s id with its region, such as "eu-west-1_AbCdEf123"',
    ),
    ...checkDomain("domain", tenant.domain),
    ...checkPattern(
      "organization",
      tenant.organization,
      /^[A-Za-z0-9-]+$/,
      "the organization's name as in its URL on GitHub",
    ),
  ];
}

/** Domains in which anybody may get an address. */
const PUBLIC_EMAIL_DOMAINS: readonly string[] = [
  ...["gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com"],
  ...["icloud.com", "me.com", "aol.com", "gmx.com", "gmx.net", "gmx.de", "web.de", "mail.com", "mail.ru"],
  ...["yandex.ru", "proton.me", "protonmail.com", "zoho.com", "qq.com", "163.com"],
  // The default service accounts of every project on Google Cloud.
  ...["gserviceaccount.com", "iam.gserviceaccount.com", "developer.gserviceaccount.com"],
  "appspot.gserviceaccount.com",
];

function emailDomainProblems(login: Partial<LoginOptions>, risks: readonly Risk[]): Problem[] {
  const { emailDomains: domains, groups = [] } = login;
  if (domains === undefined) return [];
  if (domains.length === 0) {
    const message = '[] lets nobody in: write the domains of your e-mail addresses, such as ["example.com"]';
    return [{ path: "emailDomains", message }];
  }
  const accepted = risks.includes("open-email-domain") || groups.length > 0;
  const fix = 'name your domains, or acknowledge it with acknowledgedRisks: ["open-email-domain"]';
  return domains.flatMap((domain, index) => {
    const path = `emailDomains[${index}]`;
    if (domain !== "*" && !PUBLIC_EMAIL_DOMAINS.includes(domain)) return checkDomain(path, domain);
    if (accepted) return [];
    const who =
      domain === "*"
        ? "every account of the identity provider in, with Google everybody on the internet"
        : "strangers in, since anybody can get an address there";
    return [{ path, message: `"${domain}" lets ${who}: ${fix}` }];
  });
}

/** oauth2-proxy splits its lists at commas, so that half a name could let somebody in. */
function listProblems(path: string, list: readonly string[] | undefined): Problem[] {
  if (list === undefined) return [];
  if (list.length === 0)
    return [{ path, message: "[] lets nobody in: write at least one, or remove the key" }];
  return list.flatMap((name, index) =>
    checkPattern(
      `${path}[${index}]`,
      name,
      /^[^\s,"](?:[^,"\n]*[^\s,"])?$/,
      "a name without commas and quotes",
    ),
  );
}

function scopeProblems(scopes: readonly string[] | undefined): Problem[] {
  if (scopes === undefined || Token.isUnresolved(scopes)) return [];
  const missing = ["openid", "email"].filter((scope) => !scopes.includes(scope));
  return [
    ...scopes.flatMap((scope, index) =>
      checkPattern(`scopes[${index}]`, scope, /^[^\s"\\]+$/, "one scope in each line, without spaces"),
    ),
    ...missing.map((scope) => ({
      path: "scopes",
      message: `lacks ${scope}, without which nobody can log in: add it`,
    })),
  ];
}
