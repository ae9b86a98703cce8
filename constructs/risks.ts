/**
 * Openings that are refused unless they are acknowledged by name:
 * - `open-email-domain`: the e-mail domain `*` lets every account of the identity provider log in.
 * - `public-gcloud-audience`: every Google account can get a bearer token with the gcloud command.
 */
export type Risk = "open-email-domain" | "public-gcloud-audience";
