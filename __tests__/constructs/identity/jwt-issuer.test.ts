import { IdentityProvider, loginProblems } from "../../../constructs/identity/identity-provider";
import { JwtIssuer, jwtIssuerProblems } from "../../../constructs/identity/jwt-issuer";

function messages(issuer: Parameters<typeof jwtIssuerProblems>[0]): string[] {
  return jwtIssuerProblems(issuer, []).map(({ path, message }) => `${path}: ${message}`);
}

test("Google's issuer is known, for logins and for tokens", () => {
  expect(IdentityProvider.google({ emailDomains: ["example.com"] })).toEqual({
    provider: "google",
    issuer: "https://accounts.google.com",
    emailDomains: ["example.com"],
  });
  expect(JwtIssuer.google({ audience: "mlflow" })).toEqual({
    issuer: "https://accounts.google.com",
    audience: "mlflow",
  });
});

test("any other issuer is given as it is", () => {
  const issuer = "https://login.example.com/realms/acme/";
  expect(IdentityProvider.oidc({ issuer, emailDomains: ["example.com"] })).toMatchObject({
    provider: "oidc",
    issuer,
  });
  expect(JwtIssuer.oidc({ issuer, audience: "mlflow" })).toEqual({ issuer, audience: "mlflow" });
});

test.each(["http://login.example.com", "login.example.com", ""])("%j is no issuer", (issuer) => {
  const message =
    `${JSON.stringify(issuer)} is no issuer: write its https URL as in the "iss" of its tokens, ` +
    'such as "https://login.example.com"';
  expect(messages({ issuer })).toEqual([`issuer: ${message}`]);
  expect(loginProblems({ issuer }, [])).toEqual([{ path: "issuer", message }]);
});

test.each(["two words", "a,b", "a=b", ""])("%j is no audience", (audience) => {
  expect(messages({ audience })).toEqual([
    `audience: ${JSON.stringify(audience)} is no audience: write the tokens' "aud", without spaces, commas and "="`,
  ]);
});

test.each(["example", "@example.com", "Example.com", "example.com."])("%j is no e-mail domain", (domain) => {
  expect(loginProblems({ emailDomains: [domain] }, [])).toEqual([
    {
      path: "emailDomains[0]",
      message: `"${domain}" is malformed: write a DNS name in lower case without "https://" and "/", such as "example.com"`,
    },
  ]);
});
