import { IdentityProvider, loginProblems } from "../../../constructs/identity/identity-provider";
import { type LoginOptions, PRESETS, type ProviderName } from "../../../constructs/identity/presets";
import type { Risk } from "../../../constructs/risks";

const emailDomains = ["example.com"];
const groups = ["ml", "ops"];
const TENANT = "7f9c24e8-3b12-4fef-91e0-5b7a4ef1c0de";

function messages(login: Partial<LoginOptions>, risks: readonly Risk[] = []): string[] {
  return loginProblems(login, risks).map(({ path, message }) => `${path}: ${message}`);
}

test.each<[ProviderName, IdentityProvider, string | undefined, readonly string[]]>([
  ["google", IdentityProvider.google({ emailDomains }), "https://accounts.google.com", ["--provider=google"]],
  [
    "entra-id",
    IdentityProvider.entraId({ tenantId: TENANT, groups, groupsClaim: "roles" }),
    `https://login.microsoftonline.com/${TENANT}/v2.0`,
    [
      "--provider=entra-id",
      "--scope=openid email profile offline_access",
      "--oidc-groups-claim=roles",
      `--oidc-issuer-url=https://login.microsoftonline.com/${TENANT}/v2.0`,
      "--allowed-group=ml",
      "--allowed-group=ops",
    ],
  ],
  [
    "okta",
    IdentityProvider.okta({ issuer: "https://acme.okta.com", groups }),
    "https://acme.okta.com",
    [
      "--provider=oidc",
      "--scope=openid email profile offline_access groups",
      "--oidc-issuer-url=https://acme.okta.com",
      "--allowed-group=ml",
      "--allowed-group=ops",
    ],
  ],
  [
    "cognito",
    IdentityProvider.cognito({ userPoolId: "eu-west-1_AbCdEf123", groups }),
    "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123",
    [
      "--provider=oidc",
      "--scope=openid email profile",
      "--oidc-groups-claim=cognito:groups",
      "--oidc-issuer-url=https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123",
      "--allowed-group=ml",
      "--allowed-group=ops",
    ],
  ],
  [
    "keycloak",
    IdentityProvider.keycloak({ issuer: "https://login.example.com/realms/acme", groups: ["role:ml"] }),
    "https://login.example.com/realms/acme",
    [
      "--provider=keycloak-oidc",
      "--scope=openid email profile",
      "--oidc-issuer-url=https://login.example.com/realms/acme",
      "--allowed-group=role:ml",
    ],
  ],
  [
    "github",
    IdentityProvider.github({ organization: "acme", teams: ["ml", "ops"] }),
    undefined,
    [
      "--provider=github",
      "--github-org=acme",
      "--github-team=ml,ops",
      "--allowed-group=acme:ml",
      "--allowed-group=acme:ops",
    ],
  ],
  [
    "gitlab",
    IdentityProvider.gitlab({ groups: ["acme/ml"] }),
    "https://gitlab.com",
    ["--provider=gitlab", "--oidc-issuer-url=https://gitlab.com", "--gitlab-group=acme/ml"],
  ],
  [
    "auth0",
    IdentityProvider.auth0({
      domain: "acme.eu.auth0.com",
      groups: ["ml"],
      groupsClaim: "https://acme/groups",
    }),
    "https://acme.eu.auth0.com/",
    [
      "--provider=oidc",
      "--scope=openid email profile offline_access",
      "--oidc-groups-claim=https://acme/groups",
      "--oidc-issuer-url=https://acme.eu.auth0.com/",
      "--allowed-group=ml",
    ],
  ],
  [
    "oidc",
    IdentityProvider.oidc({
      issuer: "https://login.example.com",
      emailDomains,
      scopes: ["openid", "email", "offline_access"],
    }),
    "https://login.example.com",
    [
      "--provider=oidc",
      "--scope=openid email offline_access",
      "--prompt=consent",
      "--oidc-issuer-url=https://login.example.com",
    ],
  ],
])("%s has its issuer and its flags, and nothing is wrong with it", (provider, login, issuer, flags) => {
  expect(login.options.provider).toBe(provider);
  expect(login.issuer).toBe(issuer);
  expect(login.flags).toEqual(flags);
  expect(messages(login.options)).toEqual([]);
});

test("a custom authorization server of Okta is not asked for the scope groups", () => {
  const login = IdentityProvider.okta({ issuer: "https://acme.okta.com/oauth2/default", groups });
  expect(login.flags).toContain("--scope=openid email profile offline_access");
});

test("any OpenID Connect provider is asked for oauth2-proxy's own scopes", () => {
  const login = IdentityProvider.oidc({ issuer: "https://login.example.com", emailDomains });
  expect(login.flags).toEqual(["--provider=oidc", "--oidc-issuer-url=https://login.example.com"]);
});

test("every e-mail domain passes where groups decide, and only then", () => {
  const issuer = "https://login.example.com";
  expect(IdentityProvider.oidc({ issuer, groups }).emailDomains).toEqual(["*"]);
  expect(IdentityProvider.oidc({ issuer, groups, emailDomains }).emailDomains).toEqual(emailDomains);
});

describe("members of an organization on GitHub", () => {
  test("are checked with every request where no e-mail domain is", () => {
    for (const any of [undefined, ["*"]]) {
      const { flags } = IdentityProvider.of({ provider: "github", organization: "acme", emailDomains: any });
      expect(flags).toContain("--allowed-group=acme");
    }
  });

  test("are checked when they log in where e-mail domains hold for programs", () => {
    const { flags } = IdentityProvider.github({ organization: "acme", emailDomains });
    expect(flags).toEqual(["--provider=github", "--github-org=acme"]);
  });
});

test.each(Object.entries(PRESETS))("%s lets nobody in without what it needs", (provider, { requires }) => {
  const found = loginProblems({ provider: provider as ProviderName }, ["open-email-domain"]);
  const paths = found.map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(Object.keys(requires)));
  expect(paths.some((path) => ["emailDomains", "groups", "organization"].includes(path))).toBe(true);
});

describe("a login is refused with", () => {
  const issuer = "https://login.example.com";

  test.each(["http://login.example.com", "login.example.com", "", "https://login.example.com/a=b,c"])(
    "%j for an issuer",
    (value) => {
      expect(messages({ issuer: value })).toEqual([
        `issuer: ${JSON.stringify(value)} is no issuer: write its https URL as in the "iss" of its tokens, ` +
          'such as "https://login.example.com"',
      ]);
    },
  );

  test.each(["example", "@example.com", "Example.com", "example.com.", ".example.com", "*.example.com"])(
    "%j for an e-mail domain",
    (domain) => {
      expect(messages({ emailDomains: [domain] })).toEqual([
        `emailDomains[0]: "${domain}" is malformed: write a DNS name in lower case without "https://" and "/", such as "example.com"`,
      ]);
    },
  );

  test.each<[string, Partial<LoginOptions>, string]>([
    ["no e-mail domain", { emailDomains: [] }, "emailDomains: [] lets nobody in: write the domains"],
    ["no group", { groups: [] }, "groups: [] lets nobody in: write at least one"],
    ["two groups in one", { groups: ["a,b"] }, 'groups[0]: "a,b" is malformed: write a name without commas'],
    ["a quoted group", { groups: ['"a'] }, "groups[0]: "],
    ["two teams in one", { teams: ["a,b"] }, 'teams[0]: "a,b" is malformed'],
    ["a claim with a space", { groupsClaim: "my groups" }, 'groupsClaim: "my groups" is malformed'],
    [
      "every tenant there is",
      { tenantId: "common" },
      'tenantId: "common" is malformed: write the tenant\'s id',
    ],
    ["a user pool without its region", { userPoolId: "AbCdEf123" }, 'userPoolId: "AbCdEf123" is malformed'],
    [
      "a URL for a domain",
      { domain: "https://acme.auth0.com" },
      'domain: "https://acme.auth0.com" is malformed',
    ],
    ["a URL for an organization", { organization: "github.com/acme" }, 'organization: "github.com/acme" is'],
    ["scopes without e-mail", { scopes: ["openid"] }, "scopes: lacks email, without which nobody can log in"],
    ["two scopes in one", { scopes: ["openid email"] }, 'scopes[0]: "openid email" is malformed'],
    [
      "GitLab under another name",
      { provider: "oidc", issuer: "https://gitlab.com", emailDomains },
      "provider: lets tokens of GitLab's CI jobs in as people: write provider: gitlab",
    ],
    [
      "e-mail domains alone on GitLab",
      { provider: "gitlab", emailDomains },
      'groups: is missing: full paths of groups, such as ["acme/ml"]; e-mail domains alone do not keep tokens of CI jobs out',
    ],
  ])("%s", (_, login, start) => {
    expect(messages(login)[0]).toContain(start);
  });

  test("an open e-mail domain, unless it is acknowledged or groups hold", () => {
    const open = { provider: "oidc", issuer, emailDomains: ["*"] } as const;
    expect(messages(open)).toEqual([
      'emailDomains[0]: "*" lets every account of the identity provider in, with Google everybody on the internet: ' +
        'name your domains, or acknowledge it with acknowledgedRisks: ["open-email-domain"]',
    ]);
    expect(messages(open, ["open-email-domain"])).toEqual([]);
    expect(messages({ ...open, groups })).toEqual([]);
    expect(messages({ provider: "github", organization: "acme", emailDomains: ["*"] })).toHaveLength(1);
  });

  test.each(["gmail.com", "outlook.com", "developer.gserviceaccount.com"])(
    "%s, where anybody can be",
    (domain) => {
      const open = { provider: "google", emailDomains: [domain] } as const;
      expect(messages(open)).toEqual([
        `emailDomains[0]: "${domain}" lets strangers in, since anybody can get an address there: name your domains, or ` +
          'acknowledge it with acknowledgedRisks: ["open-email-domain"]',
      ]);
      expect(messages(open, ["open-email-domain"])).toEqual([]);
    },
  );
});
