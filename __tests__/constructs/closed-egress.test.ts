import { Token } from "cdktf";
import { IdentityProvider } from "../../constructs/identity/identity-provider";
import { JwtIssuer } from "../../constructs/identity/jwt-issuer";
import { Mlflow, type MlflowProps } from "../../constructs/mlflow";
import { refusal } from "../support/refusal";
import { testStack } from "../support/stack";
import { type Block, Template } from "../support/template";

const ECR = "111122223333.dkr.ecr.eu-west-1.amazonaws.com";
const PROPS: MlflowProps = {
  region: "eu-west-1",
  dns: { hostedZone: "example.com", recordName: "mlflow", domain: "example.com" },
  login: IdentityProvider.oidc({ issuer: "https://login.example.com:8443", emailDomains: ["example.com"] }),
  network: { egress: "endpoints", identityProviderCidrs: ["10.20.0.0/16", "10.30.0.0/16"] },
  loadBalancer: { internal: true },
  service: {
    mlflowImage: `${ECR}/ghcr/mlflow/mlflow:v3.17.2-full`,
    oauth2ProxyImage: `${ECR}/quay/oauth2-proxy/oauth2-proxy:v7.15.4`,
  },
};

function synth(props: Partial<MlflowProps> = {}): Template {
  const stack = testStack();
  new Mlflow(stack, "mlflow", { ...PROPS, ...props });
  return Template.of(stack);
}

/** Everything that a security group lets out to, and the groups behind it: prefix lists, ranges, groups. */
function reached(template: Template, group: string, seen = new Set<string>()): Set<string> {
  const rules = template.resources("aws_vpc_security_group_egress_rule");
  for (const rule of rules.filter(({ security_group_id }) => security_group_id === group)) {
    const { referenced_security_group_id: next, cidr_ipv4, prefix_list_id } = rule;
    const target: string = next ?? `${cidr_ipv4 ?? prefix_list_id}:${rule.from_port}-${rule.to_port}`;
    if (seen.has(target)) continue;
    seen.add(target);
    if (next !== undefined) reached(template, next, seen);
  }
  return seen;
}

describe("MLflow without a way to the internet", () => {
  const template = synth();
  const group = (part: string) => template.ref("aws_security_group", `${part}_security-group`, "id");

  test("has no route out of any subnet but the one to S3, and no public address", () => {
    for (const type of [
      "aws_route",
      "aws_internet_gateway",
      "aws_egress_only_internet_gateway",
      "aws_nat_gateway",
      "aws_eip",
    ]) {
      expect(template.resources(type)).toEqual([]);
    }
    const tables = template.resources("aws_route_table");
    expect(tables.map((table: Block) => table.route)).toEqual(tables.map(() => undefined));
    const gateways = template
      .resources("aws_vpc_endpoint")
      .filter(({ vpc_endpoint_type }) => vpc_endpoint_type !== "Interface");
    expect(gateways.map(({ service_name }) => service_name)).toEqual(["com.amazonaws.eu-west-1.s3"]);
    expect(template.resource("aws_ecs_service").network_configuration.assign_public_ip).toBe(false);
    expect(template.resource("aws_lb").internal).toBe(true);
    for (const subnet of template.resources("aws_subnet")) expect(subnet.map_public_ip_on_launch).toBe(false);
  });

  test("lets nothing out of any security group but to the database, the endpoints, S3 and the identity provider", () => {
    const s3 = template.dataRef("aws_prefix_list", "", "id");
    const ranges = ["10.20.0.0/16", "10.30.0.0/16"];
    expect([...reached(template, group("load-balancer"))].sort()).toEqual(
      [
        group("service"),
        group("backend-store"),
        group("endpoints"),
        `${s3}:443-443`,
        ...ranges.flatMap((range) => [`${range}:443-443`, `${range}:8443-8443`]),
      ].sort(),
    );
    expect(reached(template, group("backend-store"))).toEqual(new Set());
    expect(reached(template, group("endpoints"))).toEqual(new Set());
    for (const block of template.resources("aws_security_group")) expect(block).not.toHaveProperty("egress");
    const known = ["load-balancer", "service", "backend-store", "endpoints"].map(group);
    for (const rule of template.resources("aws_vpc_security_group_egress_rule")) {
      expect(known).toContain(rule.security_group_id);
    }
  });

  test("lets the service to its session store too, and that one nowhere", () => {
    const withStore = synth({ sessionStore: "elasticache" });
    const store = withStore.ref("aws_security_group", "session-store_security-group", "id");
    const more = [...reached(withStore, group("load-balancer"))].filter(
      (each) => !reached(template, group("load-balancer")).has(each),
    );
    expect(more).toEqual([store]);
    expect(reached(withStore, store)).toEqual(new Set());
  });

  test("lets only the service to the endpoints", () => {
    const rules = template
      .resources("aws_vpc_security_group_ingress_rule")
      .filter(({ security_group_id }) => security_group_id === group("endpoints"));
    expect(rules).toEqual([
      {
        description: "service to endpoints",
        security_group_id: group("endpoints"),
        referenced_security_group_id: group("service"),
        ip_protocol: "tcp",
        from_port: 443,
        to_port: 443,
      },
    ]);
  });

  test("runs the given images", () => {
    expect(template.container("migrate").image).toBe(PROPS.service?.mlflowImage);
    expect(template.container("mlflow").image).toBe(PROPS.service?.mlflowImage);
    expect(template.container("oauth2-proxy").image).toBe(PROPS.service?.oauth2ProxyImage);
  });

  test("takes what only Terraform knows", () => {
    const token = (name: string) => Token.asString({ resolve: () => `\${var.${name}}` });
    const { mlflow, proxy } = { mlflow: token("mlflow"), proxy: token("proxy") };
    const open = synth({
      login: IdentityProvider.oidc({ issuer: token("issuer"), emailDomains: ["example.com"] }),
      service: { mlflowImage: mlflow, oauth2ProxyImage: proxy },
    });
    expect(open.container("mlflow").image).toBe("${var.mlflow}");
  });
});

describe("MLflow in an existing network without a way to the internet", () => {
  const existingNetwork = {
    vpcId: "vpc-0a1b2c3d",
    publicSubnetIds: ["subnet-0a1b2c11", "subnet-0a1b2c12"],
    privateSubnetIds: ["subnet-0a1b2c21", "subnet-0a1b2c22"],
    egress: "endpoints",
    endpointCidrs: ["10.9.64.0/24", "10.20.0.0/16"],
    identityProviderCidrs: ["10.20.0.0/16", "10.30.0.0/16"],
  } as const;
  const props = { network: undefined, existingNetwork };

  test("lets the service out to the database, the endpoints, S3 and the identity provider, each range once", () => {
    const template = synth(props);
    const service = template.ref("aws_security_group", "service_security-group", "id");
    expect(template.data("aws_prefix_list").name).toBe("com.amazonaws.eu-west-1.s3");
    const rules = template
      .resources("aws_vpc_security_group_egress_rule")
      .filter(({ security_group_id }) => security_group_id === service)
      .map((rule) => [
        rule.referenced_security_group_id ?? rule.prefix_list_id ?? rule.cidr_ipv4,
        rule.from_port,
        rule.to_port,
      ]);
    expect(rules.sort()).toEqual(
      [
        [template.ref("aws_security_group", "backend-store_security-group", "id"), 3306, 3306],
        [template.dataRef("aws_prefix_list", "", "id"), 443, 443],
        ["10.9.64.0/24", 443, 443],
        ["10.20.0.0/16", 443, 443],
        ["10.20.0.0/16", 8443, 8443],
        ["10.30.0.0/16", 443, 443],
        ["10.30.0.0/16", 8443, 8443],
      ].sort(),
    );
  });

  test("adds nothing to security groups that are not its own, and no endpoint", () => {
    const template = synth(props);
    const own = ["load-balancer", "service", "backend-store"].map((part) =>
      template.ref("aws_security_group", `${part}_security-group`, "id"),
    );
    for (const direction of ["ingress", "egress"]) {
      for (const rule of template.resources(`aws_vpc_security_group_${direction}_rule`)) {
        expect(own).toContain(rule.security_group_id);
      }
    }
    expect(template.resources("aws_vpc_endpoint")).toEqual([]);
  });

  test("may be reached from the internet, where the public subnets are", () => {
    expect(synth({ ...props, loadBalancer: undefined }).resource("aws_lb").internal).toBe(false);
  });

  test("is refused with an issuer and images on the internet", () => {
    expect(
      refusal(() =>
        synth({
          ...props,
          login: IdentityProvider.google({ emailDomains: ["example.com"] }),
          service: { ...PROPS.service, mlflowImage: "ghcr.io/mlflow/mlflow:v3.17.2-full" },
        }),
      ),
    ).toEqual([
      expect.stringContaining(
        'login: "https://accounts.google.com" answers on the internet, where existingNetwork.egress: endpoints does not',
      ),
      expect.stringContaining(
        'service.mlflowImage: "ghcr.io/mlflow/mlflow:v3.17.2-full" cannot be reached: existingNetwork.egress: endpoints',
      ),
    ]);
  });
});

describe("MLflow without a way to the internet is refused with", () => {
  const public_ = (issuer: string) =>
    `"${issuer}" answers on the internet, where network.egress: endpoints does not lead: take an issuer of your own ` +
    "network, or another egress";
  const copy = (example: string) =>
    "network.egress: endpoints leads to ECR in eu-west-1 only: copy the image there and write, for one, " +
    `"${ECR}/${example}"`;
  const mlflow = "ghcr/mlflow/mlflow:v3.17.2-full";
  const proxy = "quay/oauth2-proxy/oauth2-proxy:v7.15.4";

  test.each<[string, Partial<MlflowProps>, string[]]>([
    [
      "a load balancer on the internet",
      { loadBalancer: undefined },
      [
        "loadBalancer.internal: must be true: with network.egress: endpoints there is no way in from the internet",
      ],
    ],
    [
      "issuers on the internet",
      {
        login: IdentityProvider.google({ emailDomains: ["example.com"] }),
        programs: [
          JwtIssuer.oidc({ issuer: "https://ci.example.com", audience: "mlflow", mayNamePeople: true }),
          JwtIssuer.githubActions({ audience: "mlflow" }),
        ],
        acknowledgedRisks: ["issuer-names-people", "shared-issuer"],
      },
      [
        `login: ${public_("https://accounts.google.com")}`,
        `programs[1].issuer: ${public_("https://token.actions.githubusercontent.com")}`,
      ],
    ],
    [
      "a login without an issuer",
      { login: IdentityProvider.github({ organization: "acme" }) },
      [`login: ${public_("https://github.com")}`],
    ],
    [
      "issuers of services on the internet",
      { login: IdentityProvider.auth0({ domain: "acme.eu.auth0.com", emailDomains: ["example.com"] }) },
      [`login: ${public_("https://acme.eu.auth0.com/")}`],
    ],
    [
      "the default images",
      { service: undefined },
      [
        `service.mlflowImage: is missing: ${copy(mlflow)}`,
        `service.oauth2ProxyImage: is missing: ${copy(proxy)}`,
      ],
    ],
    [
      "images in other registries",
      {
        service: {
          mlflowImage: "ghcr.io/mlflow/mlflow:v3.17.2-full",
          oauth2ProxyImage: "111122223333.dkr.ecr.us-east-1.amazonaws.com/oauth2-proxy:v7.15.3",
        },
      },
      [
        `service.mlflowImage: "ghcr.io/mlflow/mlflow:v3.17.2-full" cannot be reached: ${copy(mlflow)}`,
        'service.oauth2ProxyImage: "111122223333.dkr.ecr.us-east-1.amazonaws.com/oauth2-proxy:v7.15.3" cannot be ' +
          `reached: ${copy(proxy)}`,
      ],
    ],
  ])("%s", (_, props, problems) => {
    expect(refusal(() => synth(props))).toEqual(problems);
  });
});
