/** Openings that are refused unless they are acknowledged by name, and what each one means. */
export const RISKS = {
  "open-email-domain":
    "everybody who can get an account at the identity provider, or an address in a public e-mail domain, may log in",
  "public-gcloud-audience": "every Google account can get a bearer token with the gcloud command",
  "shared-issuer":
    "strangers can get bearer tokens of an issuer that everybody shares, for any audience, and name themselves as they like",
  "issuer-names-people":
    "an issuer beside the login can name any person in its bearer tokens, by an e-mail or a subject that looks like one",
} as const;

/** The name of an opening that is otherwise refused; what each one means stands in the README under "Security". */
export type Risk = keyof typeof RISKS;
