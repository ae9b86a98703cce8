import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Testing } from "cdktf";
import { stringify } from "yaml";
import type { EnvironmentFile } from "../../constructs/config/environment-file";
import schema from "../../constructs/config/environment.schema.json";
import { loadEnvironment, loadEnvironments } from "../../constructs/config/load";
import { ConfigurationError } from "../../constructs/errors";
import { IdentityProvider } from "../../constructs/identity/identity-provider";
import { JwtIssuer } from "../../constructs/identity/jwt-issuer";
import { MlflowStack } from "../../constructs/mlflow-stack";
import { RISKS } from "../../constructs/risks";
import { refusal } from "../support/refusal";

const GCLOUD = "32555940559.apps.googleusercontent.com";
const MINIMAL: EnvironmentFile = {
  region: "eu-west-1",
  state: { bucket: "acme-terraform-state" },
  dns: { hostedZone: "example.com", recordName: "mlflow", domain: "example.com" },
  login: { provider: "google", emailDomains: ["example.com"] },
};

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "environments-"))));
afterAll(() => rmSync(folder, { recursive: true }));

function load(content: string | object, name = "dev.yaml") {
  writeFileSync(join(folder, name), typeof content === "string" ? content : stringify(content));
  return loadEnvironment(join(folder, name));
}

describe("a file with what has no default", () => {
  test("becomes props of a stack with the file's name", () => {
    const { name, props } = load(MINIMAL);
    expect(name).toBe("dev");
    expect(props).toMatchObject({
      region: "eu-west-1",
      dns: MINIMAL.dns,
      login: IdentityProvider.google({ emailDomains: ["example.com"] }),
      programs: [],
    });
  });
});

describe("a file with everything set", () => {
  test("becomes the same props", () => {
    const options = {
      ...{
        region: "eu-west-1",
        accountIds: ["111122223333"],
        providerVersion: "6.25.0",
        tags: { team: "ml" },
      },
      assumeRole: "arn:aws:iam::111122223333:role/deploy",
      dnsAssumeRole: "arn:aws:iam::444455556666:role/dns",
      ...{ name: "ml-prod", dns: MINIMAL.dns, secrets: { prefix: "ml-prod" } },
      network: { cidr: "10.2.0.0/16", egress: "nat-per-az", flowLogRetentionDays: 90 },
      artifactStore: { suffix: "acme", path: "/ml", proxied: false, forceDestroy: true },
      backendStore: { maxCapacity: 1.5, autoPause: false, passwordVersion: 2 },
      service: {
        cpu: 4096,
        memory: 8192,
        minCapacity: 2,
        maxCapacity: 2,
        serverOptions: "--log-level warning",
      },
      loadBalancer: { internal: true, allowedCidrs: ["10.0.0.0/8"], certificateDomain: "*.example.com" },
      acknowledgedRisks: ["open-email-domain", "public-gcloud-audience", "issuer-names-people"],
    };
    const subnets = {
      publicSubnetCidrs: ["10.2.0.0/24", "10.2.1.0/24"],
      privateSubnetCidrs: ["10.2.2.0/24", "10.2.3.0/24"],
      databaseSubnetCidrs: ["10.2.4.0/24", "10.2.5.0/24"],
    };
    const file = { ...options, network: { ...options.network, ...subnets } };
    const { props } = load({
      ...file,
      state: { backend: "local" },
      login: { provider: "oidc", issuer: "https://login.example.com", emailDomains: ["*"] },
      programs: [
        { issuer: "google", audience: GCLOUD },
        { issuer: "google", audience: "mlflow", projects: ["acme-training"] },
        { issuer: "https://ci.example.com", audience: "mlflow", mayNamePeople: true },
      ],
    });
    expect(props).toMatchObject({
      ...file,
      login: IdentityProvider.oidc({ issuer: "https://login.example.com", emailDomains: ["*"] }),
      programs: [
        JwtIssuer.google({ audience: GCLOUD }),
        JwtIssuer.googleServiceAccounts({ audience: "mlflow", projects: ["acme-training"] }),
        JwtIssuer.oidc({ issuer: "https://ci.example.com", audience: "mlflow", mayNamePeople: true }),
      ],
    });
  });
});

describe("a folder", () => {
  test("has an environment for each YAML file, in the order of their names", () => {
    // GIVEN
    const environments = mkdtempSync(join(folder, "several-"));
    for (const name of ["prod.yaml", "dev.yaml"]) writeFileSync(join(environments, name), stringify(MINIMAL));
    writeFileSync(join(environments, "README.md"), "");
    // THEN
    expect(loadEnvironments(environments).map(({ name }) => name)).toEqual(["dev", "prod"]);
    expect(refusal(() => loadEnvironment(join(environments, "test.yaml")))).toEqual([
      "test: is no environment: write one of dev, prod",
    ]);
  });

  test.each(["empty", "missing", "file.yaml"])("is refused when it is %s", (name) => {
    mkdirSync(join(folder, "empty"), { recursive: true });
    writeFileSync(join(folder, "file.yaml"), "");
    expect(refusal(() => loadEnvironments(join(folder, name)))).toEqual([
      `${join(folder, name)}: has no environment: write one file for each, such as "dev.yaml" (docs/environments.md)`,
    ]);
  });
});

describe("a file is refused with", () => {
  const dnsName =
    'is malformed: write a DNS name in lower case without "https://" and "/", such as "example.com"';
  const retentions =
    "is no retention in days that CloudWatch Logs knows: write one of 0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, " +
    "365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653";

  test.each<[string, object, string[]]>([
    [
      "a missing domain",
      { dns: { hostedZone: "example.com", recordName: "mlflow" } },
      [
        "dns.domain: is missing: the domain that the record belongs to, the zone's or one below it: `example.com`",
      ],
    ],
    [
      "a malformed domain",
      { dns: { ...MINIMAL.dns, domain: "https://example.com/" } },
      [`dns.domain: "https://example.com/" ${dnsName}`],
    ],
    [
      "a record outside the zone",
      { dns: { ...MINIMAL.dns, domain: "example.org" } },
      [
        'dns.domain: "example.org" lies outside the zone "example.com": write the zone\'s own name or one below it',
      ],
    ],
    [
      "misspelt keys",
      { loadbalancer: {}, login: { ...MINIMAL.login, emailDomian: [] }, service: { ram: 1 } },
      [
        "loadbalancer: unknown; did you mean loadBalancer?",
        "service.ram: unknown; write one of cpu, memory, minCapacity, maxCapacity, logRetentionDays, serverOptions, " +
          "mlflowImage, oauth2ProxyImage",
        "login.emailDomian: unknown; did you mean emailDomains?",
      ],
    ],
    [
      "values of a wrong type",
      {
        dns: "mlflow.example.com",
        network: null,
        service: { cpu: "2048" },
        loadBalancer: { internal: "yes" },
        accountIds: "111122223333",
        tags: { "cost/centre": 7 },
        programs: ["google"],
      },
      [
        'dns: "mlflow.example.com" is a string, must be a block of keys',
        "network: null is empty, must be a block of keys",
        'service.cpu: "2048" is a string, must be a number',
        'loadBalancer.internal: "yes" is a string, must be true or false',
        'accountIds: "111122223333" is a string, must be a list',
        "tags.cost/centre: 7 is a number, must be a string: write it in quotes",
        'programs[0]: "google" is a string, must be a block of keys',
      ],
    ],
    [
      "values that are not in a list, or of a wrong type there",
      {
        state: { bucket: "acme-terraform-state", lock: "none" },
        network: { egress: 1 },
        acknowledgedRisks: ["everything"],
      },
      [
        "network.egress: 1 is a number, must be a string: write it in quotes",
        `acknowledgedRisks[0]: "everything" is not allowed: write one of ${Object.keys(RISKS).join(", ")}`,
        'state.lock: "none" is not allowed: write one of dynamodb, lockfile, both',
      ],
    ],
    [
      "an account's id without quotes",
      { accountIds: [111122223333] },
      ["accountIds[0]: 111122223333 is a number, must be a string: write it in quotes"],
    ],
    [
      "memory that does not go with the CPU on Fargate",
      { service: { memory: 5000 } },
      ["service.memory: 5000 MiB does not go with 2048 CPU units on Fargate: 4096–16384 in steps of 1024"],
    ],
    [
      "fewer tasks at most than at least",
      { service: { minCapacity: 3, maxCapacity: 2 } },
      ["service.minCapacity: 3 is above maxCapacity, which is 2: lower it, or raise maxCapacity"],
    ],
    [
      "a pause that Aurora lacks",
      { backendStore: { secondsUntilAutoPause: 60 } },
      ["backendStore.secondsUntilAutoPause: 60 seconds is out of range: write 300–86400"],
    ],
    [
      "retentions that CloudWatch lacks",
      { service: { logRetentionDays: 10 }, network: { flowLogRetentionDays: 10 } },
      [`network.flowLogRetentionDays: 10 ${retentions}`, `service.logRetentionDays: 10 ${retentions}`],
    ],
    [
      "a name that is too long for a target group, and for a bucket with this suffix",
      { name: "a".repeat(33), artifactStore: { suffix: "b".repeat(20) } },
      [
        `name: "${"a".repeat(33)}" has 33 characters, the name of a target group has at most 32: shorten it by 1`,
        `artifactStore.suffix: "${"a".repeat(33)}-artifacts-${"b".repeat(20)}" has 64 characters, a bucket's name has ` +
          "at most 63: shorten it by 1",
      ],
    ],
    [
      "ranges that are malformed, of a wrong size, or have host bits",
      {
        network: {
          cidr: "10.1.0.0",
          publicSubnetCidrs: ["10.1.0.0/30", "10.1.1.0/24"],
          privateSubnetCidrs: ["10.1.2.1/24", "10.1.3.0/24"],
        },
      },
      [
        'network.cidr: "10.1.0.0" is no IPv4 range: write address and prefix length, such as "10.1.0.0/16"',
        'network.publicSubnetCidrs[0]: "10.1.0.0/30" has a size that AWS refuses: write a prefix length of 16–28, not 30',
        'network.privateSubnetCidrs[0]: "10.1.2.1/24" starts within its range: write 10.1.2.0/24',
      ],
    ],
    [
      "ranges over one another, and outside the VPC",
      { network: { publicSubnetCidrs: ["10.1.1.0/24", "10.2.0.0/24"] } },
      [
        'network.publicSubnetCidrs[1]: "10.2.0.0/24" lies outside the VPC: write a range within 10.1.0.0/16',
        'network.privateSubnetCidrs[0]: "10.1.1.0/24" overlaps publicSubnetCidrs[0], which is "10.1.1.0/24": write free ranges',
      ],
    ],
    [
      "an open e-mail domain",
      { login: { provider: "google", emailDomains: ["*"] } },
      [
        'login.emailDomains[0]: "*" lets every account of the identity provider in, with Google everybody on the internet: ' +
          'name your domains, or acknowledge it with acknowledgedRisks: ["open-email-domain"]',
      ],
    ],
    [
      "the public gcloud audience",
      { programs: [{ issuer: "google", audience: GCLOUD }] },
      [
        `programs[0].audience: "${GCLOUD}" is gcloud's own client, so every Google account can get such a token: use an ` +
          "audience of your own with a service account, or acknowledge it with " +
          'acknowledgedRisks: ["public-gcloud-audience"]',
      ],
    ],
    [
      "options of gunicorn",
      { service: { serverOptions: "--timeout 60" } },
      [
        'service.serverOptions: "--timeout" is an option of gunicorn, and with gunicorn MLflow switches its checks of ' +
          'Host and Origin off: write options of uvicorn, such as "--log-level warning"',
      ],
    ],
    [
      "an existing network beside one to create",
      {
        network: {},
        existingNetwork: {
          vpcId: "vpc-0a1b2c3d",
          publicSubnetIds: ["subnet-0a1b2c11", "subnet-0a1b2c12"],
          privateSubnetIds: ["subnet-0a1b2c21", "subnet-0a1b2c22"],
        },
      },
      ["existingNetwork: cannot go with network: remove one of the two"],
    ],
    [
      "a certificate both by ARN and by domain",
      {
        loadBalancer: {
          certificateArn: "arn:aws:acm:eu-west-1:111122223333:certificate/1",
          certificateDomain: "example.com",
        },
      },
      ["loadBalancer.certificateDomain: cannot go with certificateArn: remove one of the two"],
    ],
    [
      "a state in S3 without a bucket",
      { state: { lock: "lockfile" } },
      ["state.bucket: is missing: the S3 bucket for the state (or write backend: local)"],
    ],
    [
      "an OpenID Connect provider without its issuer",
      { login: { provider: "oidc", emailDomains: ["example.com"] } },
      ['login.issuer: is missing: the identity provider\'s URL, as in the "iss" of its tokens'],
    ],
    [
      "Google with another issuer",
      { login: { ...MINIMAL.login, issuer: "https://login.example.com" } },
      ["login.issuer: does not go with google: remove it, google knows emailDomains"],
    ],
    [
      "a login without an allow-list",
      { login: { provider: "okta", issuer: "https://acme.okta.com" } },
      [
        "login.emailDomains: is missing, and so is groups: without either every account of the identity provider could " +
          'log in; write the domains of your e-mail addresses, such as ["example.com"], or groups, or both',
      ],
    ],
    [
      "keys of another identity provider",
      { login: { provider: "entra-id", issuer: "https://login.example.com", emailDomains: ["example.com"] } },
      [
        "login.tenantId: is missing: the directory's (tenant's) id, a UUID",
        "login.issuer: does not go with entra-id: remove it, entra-id knows tenantId, emailDomains, groups, groupsClaim",
      ],
    ],
    [
      "an identity provider that there is none of",
      { login: { provider: "gogle", emailDomains: ["example.com"] } },
      [
        'login.provider: "gogle" is not allowed: write one of google, entra-id, okta, cognito, keycloak, github, gitlab, ' +
          "auth0, oidc",
      ],
    ],
    [
      "an issuer without TLS",
      { programs: [{ issuer: "http://ci.example.com", audience: "a b" }] },
      [
        'programs[0].issuer: "http://ci.example.com" is no issuer: write its https URL as in the "iss" of its tokens, ' +
          'such as "https://login.example.com"',
        'programs[0].audience: "a b" is no audience: write the tokens\' "aud", without spaces, commas, quotes and "="',
      ],
    ],
  ])("%s", (_, change, problems) => {
    expect(refusal(() => load({ ...MINIMAL, ...change }))).toEqual(problems);
  });

  test.each<[string, string, string[]]>([
    ["a tab", "dns:\n\tdomain: example.com\n", ["line 2: Tabs are not allowed as indentation"]],
    [
      "two mistakes in its syntax",
      "dns: [1\nregion: 'eu\n",
      [
        "line 2: Flow sequence in block collection must be sufficiently indented and end with a ]",
        "line 3: Missing closing 'quote",
      ],
    ],
    ["a key twice", "region: eu-west-1\nname: a\nregion: eu-west-2\n", ["line 3: Map keys must be unique"]],
    [
      "two documents",
      "region: eu-west-1\n---\nregion: eu-west-2\n",
      ["line 2: starts a second document: write a file of its own for each environment"],
    ],
    [
      "an alias of nothing",
      "region: *region\n",
      ["(file): Unresolved alias (the anchor must be set before the alias): region"],
    ],
    ["a list", "- region\n", ['(file): ["region"] is a list, must be a block of keys']],
    [
      "nothing in it",
      "",
      [
        "dns: is missing: MLflow's name in DNS: `https://<recordName>.<domain>`",
        "login: is missing: who logs people in",
        "region: is missing: the AWS region: `eu-west-1`",
        "state: is missing: where Terraform keeps its state",
      ],
    ],
  ])("%s", (_, text, problems) => {
    expect(refusal(() => load(text))).toEqual(problems);
  });

  test("a name that is no stack's, and with its other problems", () => {
    expect(refusal(() => load({ ...MINIMAL, region: "Ireland" }, "My Env.yaml"))).toEqual([
      '(file name): "My Env" is no stack\'s name: name the file with lower-case letters, digits and hyphens',
      'region: "Ireland" is malformed: write an AWS region, such as "eu-west-1"',
    ]);
  });
});

describe("whatever stands for the value of", () => {
  interface Schema {
    readonly properties?: Record<string, Schema>;
    readonly items?: Schema;
  }
  const paths = (node: Schema, path: readonly (string | number)[] = []): (readonly (string | number)[])[] => [
    path,
    ...Object.entries(node.properties ?? {}).flatMap(([key, child]) => paths(child, [...path, key])),
    ...(node.items === undefined ? [] : paths(node.items, [...path, 0])),
  ];
  const put = (value: unknown, [key, ...rest]: readonly (string | number)[], data: unknown): unknown => {
    if (key === undefined) return value;
    const copy: Record<string | number, unknown> = Object(structuredClone(data ?? (key === 0 ? [] : {})));
    copy[key] = put(value, rest, copy[key]);
    return copy;
  };
  const values = [null, true, -1.5, "${x}", [null], { x: 1 }];

  test.each(paths(schema as Schema).map((path) => [path.join(".") || "the file", path] as const))(
    "%s, nothing but a message comes of it",
    (_, path) => {
      for (const value of values) {
        try {
          const { name, props } = load(put(value, path, MINIMAL) as object);
          new MlflowStack(Testing.app(), name, props);
        } catch (error) {
          if (!(error instanceof ConfigurationError)) throw error;
          expect(error.message).not.toMatch(/TfToken|undefined|\[object/);
        }
      }
    },
  );
});
