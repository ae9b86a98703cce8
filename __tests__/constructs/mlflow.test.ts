import { Token } from "cdktf";
import { IdentityProvider } from "../../constructs/identity/identity-provider";
import { JwtIssuer, PUBLIC_GCLOUD_AUDIENCE } from "../../constructs/identity/jwt-issuer";
import { Mlflow, type MlflowProps } from "../../constructs/mlflow";
import { refusal } from "../support/refusal";
import { testStack } from "../support/stack";
import { Template } from "../support/template";

const PROPS: MlflowProps = {
  region: "eu-west-1",
  dns: { hostedZone: "example.com", recordName: "mlflow", domain: "example.com" },
  login: IdentityProvider.google({ emailDomains: ["example.com"] }),
};

function synth(props: Partial<MlflowProps> = {}) {
  const stack = testStack();
  const mlflow = new Mlflow(stack, "mlflow", { ...PROPS, ...props });
  return { mlflow, stack, template: Template.of(stack) };
}

const subnet = (end: string) => `subnet-0a1b2c${end}`;

function egressPorts(template: Template): number[] {
  return template
    .resources("aws_vpc_security_group_egress_rule")
    .filter(({ cidr_ipv4 }) => cidr_ipv4 === "0.0.0.0/0")
    .map(({ from_port }) => from_port);
}

describe("MLflow with all defaults", () => {
  const { template, mlflow } = synth();
  const group = (part: string) => template.ref("aws_security_group", `${part}_security-group`, "id");

  test("is reached at record and domain", () => {
    expect(mlflow.uri).toBe("https://mlflow.example.com");
    expect(template.resource("aws_route53_record")).toMatchObject({
      name: "mlflow.example.com",
      alias: { name: template.ref("aws_lb", "", "dns_name"), zone_id: template.ref("aws_lb", "", "zone_id") },
    });
  });

  test.each([
    ["load-balancer-to-service", "load-balancer", "service", 8080],
    ["service-to-database", "service", "backend-store", 3306],
  ])("lets traffic through by %s", (id, from, to, port) => {
    const rule = {
      description: id.replaceAll("-", " "),
      ip_protocol: "tcp",
      from_port: port,
      to_port: port,
    };
    expect(template.resource("aws_vpc_security_group_egress_rule", `${id}-egress`)).toEqual({
      ...rule,
      security_group_id: group(from),
      referenced_security_group_id: group(to),
    });
    expect(template.resource("aws_vpc_security_group_ingress_rule", `${id}-ingress`)).toEqual({
      ...rule,
      security_group_id: group(to),
      referenced_security_group_id: group(from),
    });
  });

  test("lets the service out to TLS only, and nothing else through", () => {
    expect(template.resource("aws_vpc_security_group_egress_rule", "service-to-internet-443")).toMatchObject({
      security_group_id: group("service"),
      cidr_ipv4: "0.0.0.0/0",
      from_port: 443,
      to_port: 443,
    });
    expect(template.resources("aws_vpc_security_group_egress_rule")).toHaveLength(3);
    expect(template.resources("aws_vpc_security_group_ingress_rule")).toHaveLength(4);
    for (const block of template.resources("aws_security_group")) {
      expect(block).not.toHaveProperty("ingress");
      expect(block).not.toHaveProperty("egress");
    }
  });

  test("hands the database's password over as ARN, and to Aurora ephemerally", () => {
    const arn = template.dataRef("aws_secretsmanager_secret", "store-db-password", "arn");
    for (const container of ["migrate", "mlflow"]) {
      expect(template.container(container).secrets).toEqual([{ name: "DB_PASSWORD", valueFrom: arn }]);
    }
    expect(template.resource("aws_rds_cluster").master_password_wo).toMatch(
      /^\$\{ephemeral\.aws_secretsmanager_secret_version\.\S+\.secret_string}$/,
    );
    expect(template.resource("aws_rds_cluster")).not.toHaveProperty("master_password");
  });

  test("puts the database into the database subnets and the load balancer into the public ones", () => {
    expect(template.resource("aws_db_subnet_group").subnet_ids).toEqual(
      [1, 2].map((zone) => template.ref("aws_subnet", `database-subnet-${zone}`, "id")),
    );
    expect(template.resource("aws_lb").subnets).toEqual(
      [1, 2].map((zone) => template.ref("aws_subnet", `public-subnet-${zone}`, "id")),
    );
  });

  test("derives every name from its own", () => {
    const names = JSON.stringify(synth({ name: "second" }).template.json);
    expect(names).not.toContain("oauth2-mlflow");
    expect(JSON.stringify(template.json).replaceAll("oauth2-mlflow", "second")).toBe(names);
  });
});

describe("MLflow with parts of one's own", () => {
  test("stands in an existing network and creates none", () => {
    const { template } = synth({
      existingNetwork: {
        vpcId: "vpc-0a1b2c3d",
        publicSubnetIds: [subnet("11"), subnet("12")],
        privateSubnetIds: [subnet("21"), subnet("22")],
        databaseSubnetIds: [subnet("31"), subnet("32")],
      },
    });
    expect(template.resources("aws_vpc")).toEqual([]);
    expect(template.resources("aws_subnet")).toEqual([]);
    expect(template.resource("aws_lb").subnets).toEqual([subnet("11"), subnet("12")]);
    expect(template.resource("aws_ecs_service").network_configuration.subnets).toEqual([
      subnet("21"),
      subnet("22"),
    ]);
    expect(template.resource("aws_db_subnet_group").subnet_ids).toEqual([subnet("31"), subnet("32")]);
    expect(template.resources("aws_security_group").map(({ vpc_id }) => vpc_id)).toEqual([
      "vpc-0a1b2c3d",
      "vpc-0a1b2c3d",
      "vpc-0a1b2c3d",
    ]);
  });

  test("has the load balancer's port in its address, its cookies' way back and its allowed hosts", () => {
    const { template, mlflow } = synth({ loadBalancer: { httpsPort: 8443 } });
    expect(mlflow.uri).toBe("https://mlflow.example.com:8443");
    expect(template.container("oauth2-proxy").command).toContain(
      "--redirect-url=https://mlflow.example.com:8443/oauth2/callback",
    );
    expect(template.container("mlflow").environment).toContainEqual({
      name: "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS",
      value: "https://mlflow.example.com:8443",
    });
  });

  test("lets the service out to the ports of its issuers", () => {
    const { template } = synth({
      login: IdentityProvider.oidc({
        issuer: "https://login.example.com:8444/",
        emailDomains: ["example.com"],
      }),
      programs: [
        JwtIssuer.oidc({ issuer: "https://ci.example.com:9443", audience: "mlflow", mayNamePeople: true }),
        JwtIssuer.google({ audience: "mlflow" }),
      ],
      acknowledgedRisks: ["issuer-names-people"],
    });
    expect(egressPorts(template)).toEqual([443, 8444, 9443]);
  });

  test("takes an issuer that only Terraform knows", () => {
    const { template } = synth({
      login: IdentityProvider.oidc({
        issuer: Token.asString({ resolve: () => "${var.issuer}" }),
        emailDomains: ["example.com"],
      }),
    });
    expect(template.container("oauth2-proxy").command).toContain("--oidc-issuer-url=${var.issuer}");
    expect(egressPorts(template)).toEqual([443]);
  });

  test("hands artifacts' place to clients that have access of their own", () => {
    const { template } = synth({ artifactStore: { proxied: false, suffix: "test" } });
    expect(template.container("mlflow").environment).toContainEqual({
      name: "MLFLOW_SERVE_ARTIFACTS",
      value: "false",
    });
  });

  test("does not keep a database awake that may not pause", () => {
    const { template } = synth({ backendStore: { autoPause: false } });
    expect(template.container("mlflow").environment).toContainEqual({
      name: "MLFLOW_SQLALCHEMYSTORE_POOL_RECYCLE",
      value: "3600",
    });
  });

  test("encrypts bucket, database and every log with a key of its own", () => {
    const kmsKeyArn = "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d";
    const { template } = synth({ kmsKeyArn, loadBalancer: { waf: {}, accessLogRetentionDays: 30 } });
    expect(template.resource("aws_rds_cluster").kms_key_id).toBe(kmsKeyArn);
    const groups = template.resources("aws_cloudwatch_log_group");
    expect(groups.map(({ name, kms_key_id }) => [name, kms_key_id])).toEqual(
      [
        "aws-waf-logs-oauth2-mlflow",
        "/aws/vpc/flow-logs/oauth2-mlflow",
        "/aws/ecs/mlflow/oauth2-mlflow",
        "/aws/ecs/oauth2-proxy/oauth2-mlflow",
      ].map((name) => [name, kmsKeyArn]),
    );
    const bucket = template.resource(
      "aws_s3_bucket_server_side_encryption_configuration",
      "artifact-store_encryption",
    );
    expect(bucket.rule[0].apply_server_side_encryption_by_default.kms_master_key_id).toBe(kmsKeyArn);
    const use = (role: string) => template.statements("aws_iam_role_policy", `${role}_policy`).slice(-1);
    expect(use("task-role")).toEqual([
      { Effect: "Allow", Action: ["kms:Decrypt", "kms:GenerateDataKey"], Resource: [kmsKeyArn] },
    ]);
    expect(use("execution-role")).toEqual([
      { Effect: "Allow", Action: ["kms:Decrypt"], Resource: [kmsKeyArn] },
    ]);
  });

  test("fits into one stack twice", () => {
    const { stack } = synth();
    new Mlflow(stack, "second", { ...PROPS, name: "second", secrets: { prefix: "second" } });
    const { ephemeral } = Template.of(stack).json;
    expect(Object.keys(ephemeral?.aws_secretsmanager_secret_version ?? {})).toHaveLength(2);
  });
});

describe("MLflow is refused with", () => {
  const nameForm =
    'is malformed: write lower-case letters, digits and single hyphens, a letter first, not "internal-"';
  const openDomain =
    '"*" lets every account of the identity provider in, with Google everybody on the internet: name your domains, ' +
    'or acknowledge it with acknowledgedRisks: ["open-email-domain"]';
  const gcloud =
    `"${PUBLIC_GCLOUD_AUDIENCE}" is gcloud's own client, so every Google account can get such a token: use an ` +
    'audience of your own with a service account, or acknowledge it with acknowledgedRisks: ["public-gcloud-audience"]';
  const existingNetwork = {
    vpcId: "vpc-0a1b2c3d",
    publicSubnetIds: [subnet("11"), subnet("12")],
    privateSubnetIds: [subnet("21"), subnet("22")],
  };

  test.each<[string, Partial<MlflowProps>, string[]]>([
    [
      "a name that is too long for a target group",
      { name: "a-name-of-thirty-three-characters" },
      [
        'name: "a-name-of-thirty-three-characters" has 33 characters, the name of a target group has at most 32: ' +
          "shorten it by 1",
      ],
    ],
    ["capital letters in the name", { name: "MLflow" }, [`name: "MLflow" ${nameForm}`]],
    ["a hyphen at the name's end", { name: "mlflow-" }, [`name: "mlflow-" ${nameForm}`]],
    [
      "a name that AWS keeps for itself",
      { name: "internal-mlflow" },
      [`name: "internal-mlflow" ${nameForm}`],
    ],
    [
      "an open e-mail domain",
      { login: IdentityProvider.google({ emailDomains: ["example.com", "*"] }) },
      [`login.emailDomains[1]: ${openDomain}`],
    ],
    [
      "no e-mail domain",
      { login: IdentityProvider.google({ emailDomains: [] }) },
      [
        "login.emailDomains: [] lets nobody in: write the domains of your e-mail addresses, " +
          'such as ["example.com"]',
      ],
    ],
    [
      "the public gcloud audience",
      { programs: [JwtIssuer.google({ audience: PUBLIC_GCLOUD_AUDIENCE })] },
      [`programs[0].audience: ${gcloud}`],
    ],
    [
      "the acknowledgement of another risk",
      {
        programs: [JwtIssuer.google({ audience: PUBLIC_GCLOUD_AUDIENCE })],
        acknowledgedRisks: ["open-email-domain"],
      },
      [`programs[0].audience: ${gcloud}`],
    ],
    [
      "a key's alias",
      { kmsKeyArn: "alias/mlflow" },
      ['kmsKeyArn: "alias/mlflow" is no key: write its ARN, "arn:aws:kms:…:key/…", not an alias'],
    ],
    [
      "a key of another region",
      { kmsKeyArn: "arn:aws:kms:us-east-1:111122223333:key/1" },
      [
        'kmsKeyArn: "arn:aws:kms:us-east-1:111122223333:key/1" is a key of another region: write one of eu-west-1',
      ],
    ],
    [
      "a network of its own beside an existing one",
      { existingNetwork, network: {} },
      ["existingNetwork: cannot go with network: remove one of the two"],
    ],
    [
      "one subnet for an internal load balancer",
      {
        loadBalancer: { internal: true },
        existingNetwork: { ...existingNetwork, publicSubnetIds: [], privateSubnetIds: [subnet("21")] },
      },
      [
        "existingNetwork.privateSubnetIds: 1 is too few: a load balancer needs subnets in two or more availability zones",
      ],
    ],
    [
      "problems in every part, all at once and with their paths",
      {
        name: "MLflow",
        dns: { ...PROPS.dns, domain: "example.org" },
        secrets: { prefix: "?" },
        network: { cidr: "10.1.0.0/8" },
        artifactStore: { path: "x" },
        backendStore: { maxCapacity: 0 },
        service: { minCapacity: 0 },
        loadBalancer: { httpPort: 443 },
      },
      [
        `name: "MLflow" ${nameForm}`,
        'dns.domain: "example.org" lies outside the zone "example.com": write the zone\'s own name or one below it',
        'secrets.prefix: "?" is malformed: write letters, digits and /_+=.@-',
        'network.cidr: "10.1.0.0/8" has a size that AWS refuses: write a prefix length of 16–28, not 8',
        'artifactStore.path: "x" is malformed: write an S3 path that starts with "/", such as "/mlflow"',
        "backendStore.maxCapacity: 0 ACU is out of range: write 1–256",
        "service.minCapacity: 0 tasks is out of range: write 1–5000",
        "loadBalancer.httpPort: 443 is the port for TLS already: write another one",
      ],
    ],
  ])("%s", (_, props, problems) => {
    expect(refusal(() => synth(props))).toEqual(problems);
  });
});

describe("an acknowledged risk is taken", () => {
  test("an open e-mail domain", () => {
    const { template } = synth({
      login: IdentityProvider.google({ emailDomains: ["*"] }),
      acknowledgedRisks: ["open-email-domain"],
    });
    expect(template.container("oauth2-proxy").command).toContain("--email-domain=*");
  });

  test("the public gcloud audience", () => {
    const { template } = synth({
      programs: [JwtIssuer.google({ audience: PUBLIC_GCLOUD_AUDIENCE })],
      acknowledgedRisks: ["public-gcloud-audience"],
    });
    expect(template.container("oauth2-proxy").command).toContain(
      `--extra-jwt-issuers=https://accounts.google.com=${PUBLIC_GCLOUD_AUDIENCE}`,
    );
  });
});
