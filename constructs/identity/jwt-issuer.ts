import { show } from "../checks";
import type { Problem } from "../errors";
import type { Risk } from "../risks";
import { issuerProblems } from "./identity-provider";

/** The client id of the gcloud command: every Google account can get a token with this audience. */
export const PUBLIC_GCLOUD_AUDIENCE = "32555940559.apps.googleusercontent.com";

/** Tokens for programs. */
export interface JwtAudienceProps {
  /** The `aud` that a token must have; take one of your own, such as MLflow's URL. */
  readonly audience: string;
}

/** Tokens of any OpenID Connect issuer. */
export interface OidcJwtIssuerProps extends JwtAudienceProps {
  /** The issuer's URL as in the tokens' `iss`: `<issuer>/.well-known/openid-configuration` must answer. */
  readonly issuer: string;
}

/**
 * An issuer whose tokens (JWT) programs send as `Authorization: Bearer …`, beside the identity provider's own. The
 * e-mail domains of the login hold for these tokens too.
 */
export class JwtIssuer {
  /**
   * Google's service accounts (and, with gcloud's public audience, every Google account).
   *
   * @param props the audience of the tokens
   */
  public static google(props: JwtAudienceProps): JwtIssuer {
    return new JwtIssuer("https://accounts.google.com", props.audience);
  }

  /**
   * Any OpenID Connect issuer.
   *
   * @param props the issuer, and the audience of the tokens
   */
  public static oidc(props: OidcJwtIssuerProps): JwtIssuer {
    return new JwtIssuer(props.issuer, props.audience);
  }

  private constructor(
    /** The issuer's URL. */
    public readonly issuer: string,
    /** The audience that its tokens must have. */
    public readonly audience: string,
  ) {}
}

/**
 * What is wrong with an issuer of tokens for programs.
 *
 * @param issuer the issuer, or what is known of it
 * @param risks risks that the user has acknowledged
 */
export function jwtIssuerProblems(
  { issuer, audience }: { readonly issuer?: string; readonly audience?: string },
  risks: readonly Risk[],
): Problem[] {
  const problems = issuerProblems("issuer", issuer);
  if (audience !== undefined && !/^[^\s,=]+$/.test(audience)) {
    const message = `${show(audience)} is no audience: write the tokens' "aud", without spaces, commas and "="`;
    problems.push({ path: "audience", message });
  }
  if (audience === PUBLIC_GCLOUD_AUDIENCE && !risks.includes("public-gcloud-audience")) {
    const message =
      `"${audience}" is gcloud's own client, so every Google account can get such a token: use an audience of your ` +
      'own with a service account, or acknowledge it with acknowledgedRisks: ["public-gcloud-audience"]';
    problems.push({ path: "audience", message });
  }
  return problems;
}
