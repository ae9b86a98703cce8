import { IdentityProvider } from "../../../constructs/identity/identity-provider";
import {
  JwtIssuer,
  type JwtIssuerOptions,
  jwtIssuerProblems,
  PUBLIC_GCLOUD_AUDIENCE,
} from "../../../constructs/identity/jwt-issuer";
import type { Risk } from "../../../constructs/risks";

const emailDomains = ["example.com"];
const audience = "mlflow";
const LOGIN = IdentityProvider.oidc({ issuer: "https://login.example.com", emailDomains });
const TENANT = "7f9c24e8-3b12-4fef-91e0-5b7a4ef1c0de";

function messages(
  issuer: Partial<JwtIssuerOptions>,
  risks: readonly Risk[] = [],
  login: IdentityProvider = LOGIN,
): string[] {
  return jwtIssuerProblems(issuer, risks, login).map(({ path, message }) => `${path}: ${message}`);
}

test.each<[string, JwtIssuer]>([
  ["https://accounts.google.com", JwtIssuer.google({ audience })],
  ["https://accounts.google.com", JwtIssuer.googleServiceAccounts({ audience, projects: ["acme-training"] })],
  ["https://accounts.google.com", JwtIssuer.of({ issuer: "google", audience })],
  ["https://token.actions.githubusercontent.com", JwtIssuer.githubActions({ audience })],
  [
    "https://token.actions.githubusercontent.com/acme",
    JwtIssuer.githubActions({ audience, enterprise: "acme" }),
  ],
  ["https://gitlab.com", JwtIssuer.gitlabCi({ audience })],
  ["https://gitlab.example.com", JwtIssuer.gitlabCi({ audience, url: "https://gitlab.example.com" })],
  [
    `https://login.microsoftonline.com/${TENANT}/v2.0`,
    JwtIssuer.entraApplication({ audience, tenantId: TENANT }),
  ],
  [
    "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123",
    JwtIssuer.cognito({ audience, userPoolId: "eu-west-1_AbCdEf123" }),
  ],
  [
    "https://login.example.com/realms/acme",
    JwtIssuer.keycloak({ audience, issuer: "https://login.example.com/realms/acme" }),
  ],
  ["https://login.example.com", JwtIssuer.oidc({ audience, issuer: "https://login.example.com" })],
])("%s is the issuer, with a pinned audience and no right to name people", (issuer, program) => {
  expect(program).toMatchObject({ issuer, audience, mayNamePeople: false });
});

test.each(["two words", "a,b", "a=b", 'a"b', ""])("%j is no audience", (value) => {
  expect(messages({ audience: value })).toEqual([
    `audience: ${JSON.stringify(value)} is no audience: write the tokens' "aud", without spaces, commas, quotes and "="`,
  ]);
});

test("an issuer without TLS is none", () => {
  expect(messages({ issuer: "http://login.example.com" })[0]).toContain("is no issuer: write its https URL");
});

describe("Google's service accounts", () => {
  test("are let in by their project, beside the login's e-mail domains", () => {
    const program = JwtIssuer.googleServiceAccounts({ audience, projects: ["acme-training"] });
    expect(program.emailDomains).toEqual(["acme-training.iam.gserviceaccount.com"]);
    expect(messages(program)).toEqual([]);
  });

  test("are let in by the login's e-mail domains alone", () => {
    expect(JwtIssuer.google({ audience }).emailDomains).toEqual([]);
    expect(messages(JwtIssuer.google({ audience }))).toEqual([]);
  });

  test("are no people, unless the audience is an OAuth client, which people can get tokens for", () => {
    const client = JwtIssuer.google({ audience: "123-abc.apps.googleusercontent.com" });
    expect(messages(client)[0]).toContain("is not the login's issuer");
    expect(messages(client, [], IdentityProvider.google({ emailDomains }))).toEqual([]);
  });

  test("cannot pass where groups decide, which their tokens have none of", () => {
    for (const login of [
      IdentityProvider.okta({ issuer: "https://acme.okta.com", groups: ["ml"], emailDomains }),
      IdentityProvider.github({ organization: "acme" }),
    ]) {
      expect(messages(JwtIssuer.google({ audience }), [], login)).toEqual([
        "issuer: no token of Google's gets through: the groups of the login hold for programs too, and Google's tokens " +
          "have none; let the login's emailDomains decide instead, or take tokens of the login's own issuer",
      ]);
    }
    const github = IdentityProvider.github({ organization: "acme", emailDomains });
    expect(messages(JwtIssuer.google({ audience }), [], github)).toEqual([]);
  });

  test("belong to projects by their ids", () => {
    const program = JwtIssuer.googleServiceAccounts({ audience, projects: ["Acme Training"] });
    expect(messages(program)[0]).toContain('projects[0]: "Acme Training" is malformed');
    expect(messages({ issuer: "https://login.example.com", audience, projects: ["acme-training"] })).toEqual([
      "projects: goes with issuer: google only: remove it",
    ]);
  });

  test("do not come with gcloud's own audience, which every Google account can get", () => {
    const program = JwtIssuer.google({ audience: PUBLIC_GCLOUD_AUDIENCE });
    expect(messages(program)[0]).toContain(
      'acknowledge it with acknowledgedRisks: ["public-gcloud-audience"]',
    );
    expect(messages(program, ["public-gcloud-audience"])).toEqual([]);
  });
});

describe("an issuer that strangers share", () => {
  test.each<[JwtIssuer, string]>([
    [JwtIssuer.githubActions({ audience, mayNamePeople: true }), "repository on GitHub"],
    [JwtIssuer.gitlabCi({ audience }), "project on gitlab.com"],
    [JwtIssuer.oidc({ audience, issuer: "https://gitlab.com/" }), "project on gitlab.com"],
  ])("is refused unless it is acknowledged", (program, who) => {
    expect(messages(program)).toEqual([
      `issuer: "${program.issuer}" signs tokens for every ${who}, and for any audience they ask for, so no audience is ` +
        `yours alone; oauth2-proxy cannot pin the ${who.split(" ")[0]}: use tokens of the login's own issuer, or of Google ` +
        "service accounts, which a job there can get (docs/programs.md); or acknowledge it with " +
        'acknowledgedRisks: ["shared-issuer"]',
    ]);
    expect(messages(program, ["shared-issuer"])).toEqual([]);
  });

  test("is refused as well where it is the login's own", () => {
    const login = IdentityProvider.gitlab({ groups: ["acme"] });
    expect(messages(JwtIssuer.gitlabCi({ audience }), [], login)[0]).toContain(
      "signs tokens for every project",
    );
  });
});

describe("an issuer beside the login's", () => {
  const issuer = "https://ci.example.com";
  const refused = [
    `issuer: "${issuer}" is not the login's issuer, and oauth2-proxy cannot keep it from naming any person, by an e-mail ` +
      "or a subject that looks like one: use tokens of the login's own issuer, or of Google service accounts, which a job " +
      "there can get (docs/programs.md); or, if you trust it with that, write mayNamePeople: true and " +
      'acknowledgedRisks: ["issuer-names-people"]',
  ];

  test("is refused unless it may name people, and that is acknowledged", () => {
    expect(messages({ issuer, audience })).toEqual(refused);
    expect(messages({ issuer, audience, mayNamePeople: true })).toEqual(refused);
    expect(messages({ issuer, audience }, ["issuer-names-people"])).toEqual(refused);
    expect(messages({ issuer, audience, mayNamePeople: true }, ["issuer-names-people"])).toEqual([]);
  });

  test("is another tenant of the same provider", () => {
    const login = IdentityProvider.entraId({ tenantId: TENANT, emailDomains });
    const [other, own] = [TENANT.replace("7f", "8f"), TENANT].map((tenantId) =>
      messages(JwtIssuer.entraApplication({ tenantId, audience }), [], login),
    );
    expect(other?.[0]).toContain("is not the login's issuer");
    expect(own).toEqual([]);
  });
});

test("the login's own issuer may name people, with any audience", () => {
  expect(messages({ issuer: "https://login.example.com", audience })).toEqual([]);
});
