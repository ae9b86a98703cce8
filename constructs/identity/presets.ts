/** Who may log in, and where: the keys of all identity providers, flat. Which ones go together says `PRESETS`. */
export interface LoginOptions {
  /** The identity provider; `oidc` is any with OpenID Connect. */
  readonly provider: ProviderName;
  /**
   * Domains of the e-mail addresses that may log in, such as `example.com`; sub-domains are not included. `google`
   * needs them, any other provider needs these or its groups.
   * @default - any address: the groups decide
   */
  readonly emailDomains?: readonly string[];
  /**
   * Groups that may log in, as the identity provider writes them in its tokens; one of them is enough. Not with `google`
   * and `github`; `gitlab` needs them.
   * @default - any group: the e-mail domains decide
   */
  readonly groups?: readonly string[];
  /**
   * The claim that holds the groups, for `oidc`, `auth0` and `entra-id`.
   * @default "groups"
   */
  readonly groupsClaim?: string;
  /**
   * The issuer's URL as in the `iss` of its tokens; `oidc`, `okta` and `keycloak` need it.
   * @default - the provider's own, `https://gitlab.com` for `gitlab`
   */
  readonly issuer?: string;
  /**
   * The tenant's id, for `entra-id`: a UUID.
   * @default - none: `entra-id` needs it
   */
  readonly tenantId?: string;
  /**
   * The user pool's id, for `cognito`: `eu-west-1_AbCdEf123`.
   * @default - none: `cognito` needs it
   */
  readonly userPoolId?: string;
  /**
   * The tenant's domain, for `auth0`: `acme.eu.auth0.com`.
   * @default - none: `auth0` needs it
   */
  readonly domain?: string;
  /**
   * The organization whose members may log in, for `github`.
   * @default - none: `github` needs it
   */
  readonly organization?: string;
  /**
   * Teams of the organization, by their slugs, for `github`; one of them is enough.
   * @default - every member of the organization
   */
  readonly teams?: readonly string[];
  /**
   * The scopes to ask for, with `oidc`. With `offline_access` people are asked for their consent, and sessions outlive
   * the first ID token, up to twelve hours.
   * @default - `openid email profile`, and `groups` where groups are set
   */
  readonly scopes?: readonly string[];
}

/** The identity providers that are known by name. */
export type ProviderName =
  "google" | "entra-id" | "okta" | "cognito" | "keycloak" | "github" | "gitlab" | "auth0" | "oidc";

type Key = Exclude<keyof LoginOptions, "provider">;

/** What is special about an identity provider. */
export interface Preset {
  /** The keys without which nothing works, and what they hold. */
  readonly requires: { readonly [key in Key]?: string };
  /** Further keys. */
  readonly allows: readonly Key[];
  /** The issuer of its tokens; it has none where oauth2-proxy asks an API instead. */
  readonly issuer?: (login: LoginOptions) => string;
  /** The oauth2-proxy flags that are its own. */
  readonly flags: (login: LoginOptions) => readonly string[];
  /** The flags that let groups in, where `--allowed-group` does not. */
  readonly groupFlags?: (login: LoginOptions) => readonly string[];
}

const ISSUER = 'the identity provider\'s URL, as in the "iss" of its tokens';
const given = ({ issuer }: LoginOptions): string => issuer as string;
const groupsClaim = ({ groupsClaim: claim }: LoginOptions): readonly string[] =>
  claim === undefined ? [] : [`--oidc-groups-claim=${claim}`];
const STANDARD = "openid email profile";

/**
 * Every identity provider: a new one is a row here, a name above and a factory in `IdentityProvider`.
 *
 * oauth2-proxy refreshes a session only with a refresh token; without one the session ends with the first ID token. Who
 * hands out refresh tokens, and for which scope, differs. It would also ask for the scope `groups` when groups are set
 * and no scope is, which Entra ID, Cognito and Keycloak answer with an error. Source: oauth2-proxy 7.15.4, `providers/`.
 */
export const PRESETS: { readonly [name in ProviderName]: Preset } = {
  google: {
    requires: { emailDomains: 'the domains of your e-mail addresses, such as ["example.com"]' },
    allows: [],
    issuer: () => "https://accounts.google.com",
    // Asks for access_type=offline by itself.
    flags: () => ["--provider=google"],
  },
  "entra-id": {
    requires: { tenantId: "the directory's (tenant's) id, a UUID" },
    allows: ["emailDomains", "groups", "groupsClaim"],
    issuer: ({ tenantId }) => `https://login.microsoftonline.com/${tenantId}/v2.0`,
    flags: (login) => ["--provider=entra-id", `--scope=${STANDARD} offline_access`, ...groupsClaim(login)],
  },
  okta: {
    requires: { issuer: ISSUER },
    allows: ["emailDomains", "groups"],
    issuer: given,
    flags: ({ issuer, groups }) => [
      "--provider=oidc",
      // Okta's org server knows the scope groups; a custom one (/oauth2/…) refuses it, and has a claim instead.
      `--scope=${STANDARD} offline_access${groups !== undefined && !String(issuer).includes("/oauth2/") ? " groups" : ""}`,
    ],
  },
  cognito: {
    requires: { userPoolId: 'the user pool\'s id, such as "eu-west-1_AbCdEf123"' },
    allows: ["emailDomains", "groups"],
    issuer: ({ userPoolId }) =>
      `https://cognito-idp.${String(userPoolId).split("_")[0]}.amazonaws.com/${userPoolId}`,
    // Hands out refresh tokens for any scope, and refuses offline_access.
    flags: () => ["--provider=oidc", `--scope=${STANDARD}`, "--oidc-groups-claim=cognito:groups"],
  },
  keycloak: {
    requires: { issuer: ISSUER },
    allows: ["emailDomains", "groups"],
    issuer: given,
    // Hands out refresh tokens that end with the realm's SSO session; with offline_access they would outlive a logout.
    flags: () => ["--provider=keycloak-oidc", `--scope=${STANDARD}`],
  },
  github: {
    requires: { organization: "the organization whose members may log in" },
    allows: ["teams", "emailDomains"],
    flags: ({ organization, teams = [] }) => [
      "--provider=github",
      `--github-org=${organization}`,
      ...(teams.length > 0 ? [`--github-team=${teams.join(",")}`] : []),
    ],
    // GitHub's own check is one of logins only. Where no e-mail domain holds, this one holds for bearer tokens too.
    groupFlags: ({ organization, teams, ...login }) => {
      const groups = teams?.map((team) => `${organization}:${team}`) ?? [organization];
      return anyEmail(login) ? groups.map((group) => `--allowed-group=${group}`) : [];
    },
  },
  gitlab: {
    // GitLab signs tokens of CI jobs like those of logins. A job may choose their audience, the login's client too, and its
    // branch's name, with which their subject ends: "…:ref:x@example.com" would pass for an e-mail. They have no groups.
    requires: {
      groups:
        'full paths of groups, such as ["acme/ml"]; e-mail domains alone do not keep tokens of CI jobs out',
    },
    allows: ["issuer", "emailDomains"],
    issuer: ({ issuer = "https://gitlab.com" }) => issuer,
    flags: () => ["--provider=gitlab"],
    // It ignores --allowed-group.
    groupFlags: ({ groups = [] }) => groups.map((group) => `--gitlab-group=${group}`),
  },
  auth0: {
    requires: { domain: 'the tenant\'s domain, such as "acme.eu.auth0.com"' },
    allows: ["emailDomains", "groups", "groupsClaim"],
    issuer: ({ domain }) => `https://${domain}/`,
    flags: (login) => ["--provider=oidc", `--scope=${STANDARD} offline_access`, ...groupsClaim(login)],
  },
  oidc: {
    requires: { issuer: ISSUER },
    allows: ["emailDomains", "groups", "groupsClaim", "scopes"],
    issuer: given,
    flags: ({ scopes, ...login }) => [
      "--provider=oidc",
      ...(scopes === undefined ? [] : [`--scope=${scopes.join(" ")}`]),
      // OpenID Connect Core 1.0, section 11: offline_access is ignored without it.
      ...(scopes?.includes("offline_access") ? ["--prompt=consent"] : []),
      ...groupsClaim(login),
    ],
  },
};

/**
 * Whether a login takes any e-mail address, so that something else must decide.
 *
 * @param login what is known of it
 */
export function anyEmail({ emailDomains }: Pick<LoginOptions, "emailDomains">): boolean {
  return emailDomains?.includes("*") ?? true;
}
