import { Token } from "cdktf";
import { checkPattern, show } from "../checks";
import type { Problem } from "../errors";
import type { Risk } from "../risks";
import { type IdentityProvider, issuerProblems } from "./identity-provider";
import { anyEmail, type LoginOptions, PRESETS } from "./presets";

/** The client id of the gcloud command: every Google account can get a token with this audience. */
export const PUBLIC_GCLOUD_AUDIENCE = "32555940559.apps.googleusercontent.com";

const GOOGLE = "https://accounts.google.com";
const GITHUB_ACTIONS = "https://token.actions.githubusercontent.com";
const GITLAB = "https://gitlab.com";

/** Issuers that sign tokens for jobs of anybody, and for any audience that the job asks for. */
const SHARED_ISSUERS: { readonly [issuer: string]: string } = {
  [GITHUB_ACTIONS]: "repository on GitHub",
  [GITLAB]: "project on gitlab.com",
};

/** An issuer of bearer tokens for programs. */
export interface JwtIssuerOptions {
  /** `google`, or the issuer's URL as in the tokens' `iss`. */
  readonly issuer: string;
  /** The `aud` that a token must have; take one of your own, such as MLflow's URL. */
  readonly audience: string;
  /**
   * Whether its tokens may speak for people, by an `email` of theirs or a `sub` that looks like one. The login's own
   * issuer does so anyway. oauth2-proxy cannot keep any other from it: it is refused with `false`, and with `true` unless
   * the risk `issuer-names-people` is acknowledged.
   * @default false
   */
  readonly mayNamePeople?: boolean;
  /**
   * The ids of Google Cloud projects whose service accounts are let in, with `issuer: google`.
   * @default - service accounts whose e-mail domains are the login's
   */
  readonly projects?: readonly string[];
}

/** Tokens for programs. */
export type JwtAudienceProps = Pick<JwtIssuerOptions, "audience" | "mayNamePeople">;

/** Google's service accounts. */
export type GoogleServiceAccountsProps = Required<Pick<JwtIssuerOptions, "audience" | "projects">>;

/** Jobs on GitHub Actions. */
export interface GitHubActionsProps extends JwtAudienceProps {
  /**
   * The enterprise's slug, where it has an issuer of its own.
   * @default - GitHub's issuer, which all repositories share
   */
  readonly enterprise?: string;
}

/** Jobs on GitLab CI. */
export interface GitLabCiProps extends JwtAudienceProps {
  /**
   * The URL of a GitLab of your own.
   * @default "https://gitlab.com"
   */
  readonly url?: string;
}

/** Applications of Microsoft Entra ID that log in with credentials of their own. */
export type EntraApplicationProps = JwtAudienceProps & { readonly [key in "tenantId"]: string };

/** Users of an Amazon Cognito user pool. */
export type CognitoJwtIssuerProps = JwtAudienceProps & { readonly [key in "userPoolId"]: string };

/** Tokens of any OpenID Connect issuer. */
export type OidcJwtIssuerProps = Omit<JwtIssuerOptions, "projects">;

/**
 * An issuer whose tokens (JWT) programs send as `Authorization: Bearer …`, beside the identity provider's own. The
 * e-mail domains and the groups of the login hold for these tokens too.
 */
export class JwtIssuer {
  /**
   * Google's tokens. Their e-mails are verified; the login's e-mail domains say whose are let in.
   *
   * @param props the audience of the tokens
   */
  public static google(props: JwtAudienceProps): JwtIssuer {
    return new JwtIssuer({ ...props, issuer: GOOGLE });
  }

  /**
   * Service accounts of Google Cloud projects; their e-mail domains are let in beside the login's.
   *
   * @param props the projects, and the audience of the tokens
   */
  public static googleServiceAccounts(props: GoogleServiceAccountsProps): JwtIssuer {
    return new JwtIssuer({ ...props, issuer: GOOGLE });
  }

  /**
   * Jobs on GitHub Actions.
   *
   * @param props the audience of the tokens
   */
  public static githubActions({ enterprise, ...props }: GitHubActionsProps): JwtIssuer {
    const issuer = enterprise === undefined ? GITHUB_ACTIONS : `${GITHUB_ACTIONS}/${enterprise}`;
    return new JwtIssuer({ ...props, issuer });
  }

  /**
   * Jobs on GitLab CI.
   *
   * @param props the audience of the tokens
   */
  public static gitlabCi({ url = GITLAB, ...props }: GitLabCiProps): JwtIssuer {
    return new JwtIssuer({ ...props, issuer: url });
  }

  /**
   * Applications of Microsoft Entra ID (client credentials).
   *
   * @param props the tenant, and the audience of the tokens
   */
  public static entraApplication({ tenantId, ...props }: EntraApplicationProps): JwtIssuer {
    return new JwtIssuer({ ...props, issuer: presetIssuer({ provider: "entra-id", tenantId }) });
  }

  /**
   * Users of an Amazon Cognito user pool. Its client credentials do not do: their tokens have no audience.
   *
   * @param props the user pool, and the audience of the tokens: an app client's id
   */
  public static cognito({ userPoolId, ...props }: CognitoJwtIssuerProps): JwtIssuer {
    return new JwtIssuer({ ...props, issuer: presetIssuer({ provider: "cognito", userPoolId }) });
  }

  /**
   * Service accounts and users of a Keycloak realm.
   *
   * @param props the realm's issuer, and the audience of the tokens
   */
  public static keycloak(props: OidcJwtIssuerProps): JwtIssuer {
    return JwtIssuer.oidc(props);
  }

  /**
   * Any OpenID Connect issuer.
   *
   * @param props the issuer, and the audience of the tokens
   */
  public static oidc(props: OidcJwtIssuerProps): JwtIssuer {
    return new JwtIssuer(props);
  }

  /**
   * The one that `issuer` names, by `google` or by its URL.
   *
   * @param options the issuer, and the audience of the tokens
   */
  public static of(options: JwtIssuerOptions): JwtIssuer {
    return new JwtIssuer({ ...options, issuer: options.issuer === "google" ? GOOGLE : options.issuer });
  }

  /** The issuer's URL. */
  public readonly issuer: string;
  /** The audience that its tokens must have. */
  public readonly audience: string;
  /** Whether its tokens may speak for people. */
  public readonly mayNamePeople: boolean;
  /** Google Cloud projects whose service accounts are let in. */
  public readonly projects: readonly string[];

  private constructor({ issuer, audience, mayNamePeople = false, projects = [] }: JwtIssuerOptions) {
    this.issuer = issuer;
    this.audience = audience;
    this.mayNamePeople = mayNamePeople;
    this.projects = projects;
  }

  /** E-mail domains that are let in for its tokens, beside the login's. */
  public get emailDomains(): readonly string[] {
    return this.projects.map((project) => `${project}.iam.gserviceaccount.com`);
  }
}

function presetIssuer(login: LoginOptions): string {
  return PRESETS[login.provider].issuer?.(login) as string;
}

/**
 * What is wrong with an issuer of tokens for programs.
 *
 * @param program the issuer, or what is known of it
 * @param risks risks that the user has acknowledged
 * @param login the login beside it, if it is known
 */
export function jwtIssuerProblems(
  program: Partial<JwtIssuerOptions>,
  risks: readonly Risk[],
  login?: Pick<IdentityProvider, "issuer" | "options">,
): Problem[] {
  const { issuer, audience } = program;
  const problems = issuerProblems("issuer", issuer);
  if (audience !== undefined && !/^[^\s,="]+$/.test(audience)) {
    const message = `${show(audience)} is no audience: write the tokens' "aud", without spaces, commas, quotes and "="`;
    problems.push({ path: "audience", message });
  }
  if (audience === PUBLIC_GCLOUD_AUDIENCE && !risks.includes("public-gcloud-audience")) {
    const message =
      `"${audience}" is gcloud's own client, so every Google account can get such a token: use an audience of your ` +
      'own with a service account, or acknowledge it with acknowledgedRisks: ["public-gcloud-audience"]';
    problems.push({ path: "audience", message });
  }
  return problems.length > 0
    ? problems
    : [...projectProblems(program, login), ...trustProblems(program, risks, login)];
}

function projectProblems(
  { issuer, projects = [] }: Partial<JwtIssuerOptions>,
  login?: Pick<IdentityProvider, "issuer" | "options">,
): Problem[] {
  const problems = projects.flatMap((project, index) =>
    checkPattern(
      `projects[${index}]`,
      project,
      /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/,
      "the id of a Google Cloud project, not its name or number",
    ),
  );
  if (issuer !== GOOGLE) {
    if (projects.length > 0) {
      problems.push({ path: "projects", message: "goes with issuer: google only: remove it" });
    }
  } else if (login !== undefined && decidesByGroups(login.options)) {
    const message =
      "no token of Google's gets through: the groups of the login hold for programs too, and Google's tokens have none; " +
      "let the login's emailDomains decide instead, or take tokens of the login's own issuer";
    problems.push({ path: "issuer", message });
  }
  return problems;
}

function decidesByGroups({ groups, organization, ...login }: Partial<LoginOptions>): boolean {
  return groups !== undefined || (organization !== undefined && anyEmail(login));
}

/**
 * Whom an issuer is believed to name. oauth2-proxy pins issuer and audience, never the subject; it takes a token's
 * `email`, or its `sub` where there is none, for the caller's e-mail, and does not pass on who vouched for it.
 */
function trustProblems(
  { issuer, audience, mayNamePeople = false }: Partial<JwtIssuerOptions>,
  risks: readonly Risk[],
  login?: Pick<IdentityProvider, "issuer" | "options">,
): Problem[] {
  if (issuer === undefined || Token.isUnresolved(issuer) || login === undefined) return [];
  const sharedBy = SHARED_ISSUERS[issuer.replace(/\/$/, "")];
  const instead =
    "tokens of the login's own issuer, or of Google service accounts, which a job there can get (docs/programs.md)";
  if (sharedBy !== undefined) {
    if (risks.includes("shared-issuer")) return [];
    const message =
      `"${issuer}" signs tokens for every ${sharedBy}, and for any audience they ask for, so no audience is yours alone; ` +
      `oauth2-proxy cannot pin the ${sharedBy.split(" ")[0]}: use ${instead}; or acknowledge it with ` +
      'acknowledgedRisks: ["shared-issuer"]';
    return [{ path: "issuer", message }];
  }
  // Only OAuth clients can get tokens of people, and for themselves only.
  const serviceAccounts = issuer === GOOGLE && !String(audience).endsWith(".apps.googleusercontent.com");
  if (issuer === login.issuer || serviceAccounts || audience === PUBLIC_GCLOUD_AUDIENCE) return [];
  if (mayNamePeople && risks.includes("issuer-names-people")) return [];
  const message =
    `"${issuer}" is not the login's issuer, and oauth2-proxy cannot keep it from naming any person, by an e-mail or a ` +
    `subject that looks like one: use ${instead}; or, if you trust it with that, write mayNamePeople: true and ` +
    'acknowledgedRisks: ["issuer-names-people"]';
  return [{ path: "issuer", message }];
}
