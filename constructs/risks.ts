/** Openings that are refused unless they are acknowledged by name, and what each one means. */
export const RISKS = {
  "open-email-domain":
    "everybody who can get an account at the identity provider, or an address in a public e-mail domain, may log in",
  "public-gcloud-audience": "every Google account can get a bearer token with the gcloud command",
  "shared-issuer":
    "strangers can get bearer tokens of an issuer that everybody shares, for any audience, and name themselves as they like",
  "issuer-names-people":
    "an issuer beside the login can name any person in its bearer tokens, by an e-mail or a subject that looks like one",
  "open-ingress":
    "everybody on the internet can reach a port that no listener of a load balancer stands behind",
  "public-database": "the database has an address on the internet",
  "public-bucket": "a policy or an access list can open a bucket to everybody",
  "weak-tls": "connections may fall back to TLS 1.0 or 1.1",
  "plain-http": "tokens and cookies cross the network unencrypted",
  "insecure-cookie": "browsers send the session's cookie over HTTP too, or show it to scripts",
  "http-redirect": "the login's answer comes back over HTTP, or to a host that the request chose",
  "wildcard-host": "names that others can have pass for MLflow's own, or for a place to go after the login",
  "unauthenticated-route": "some requests reach MLflow without a login",
  "plain-secret": "whoever may read the task definition, the plan or the state can read a secret",
  "privileged-container": "whoever breaks into a container has rights on the machine below it",
  "unencrypted-storage": "data lies unencrypted on AWS's disks",
  "endless-logs": "logs, with names and addresses of people in them, are kept for ever",
} as const;

/** The name of an opening that is otherwise refused; what each one means stands in the README under "Security". */
export type Risk = keyof typeof RISKS;
