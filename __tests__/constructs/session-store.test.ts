import { IdentityProvider } from "../../constructs/identity/identity-provider";
import { Mlflow, type MlflowProps } from "../../constructs/mlflow";
import { testStack } from "../support/stack";
import { Template } from "../support/template";

const PROPS: MlflowProps = {
  region: "eu-west-1",
  dns: { hostedZone: "example.com", recordName: "mlflow", domain: "example.com" },
  login: IdentityProvider.google({ emailDomains: ["example.com"] }),
};

function synth(props: Partial<MlflowProps> = {}): Template {
  const stack = testStack();
  new Mlflow(stack, "mlflow", { ...PROPS, ...props });
  return Template.of(stack);
}

function sessionFlags(template: Template): string[] {
  const flags: string[] = template.container("oauth2-proxy").command;
  return flags.filter((flag) => /^--(session|redis)/.test(flag));
}

test.each([{}, { sessionStore: "cookie" as const }])("without a session store there is none: %j", (props) => {
  const template = synth(props);
  expect(template.resources("aws_elasticache_serverless_cache")).toEqual([]);
  expect(template.resources("aws_security_group").map(({ name }) => name)).not.toContain(
    "oauth2-mlflow-sessions",
  );
  expect(sessionFlags(template)).toEqual([]);
});

describe("the session store", () => {
  const template = synth({ sessionStore: "elasticache" });
  const group = (part: string) => template.ref("aws_security_group", `${part}_security-group`, "id");
  const cache = template.resource("aws_elasticache_serverless_cache");

  test("is a small ElastiCache Serverless for Valkey beside the database, without snapshots", () => {
    expect(cache).toEqual({
      name: "oauth2-mlflow",
      description: "Sessions of people who are logged in to MLflow",
      engine: "valkey",
      major_engine_version: "8",
      cache_usage_limits: [
        { data_storage: [{ maximum: 1, unit: "GB" }], ecpu_per_second: [{ maximum: 5000 }] },
      ],
      subnet_ids: [1, 2].map((zone) => template.ref("aws_subnet", `database-subnet-${zone}`, "id")),
      security_group_ids: [group("session-store")],
    });
  });

  test("is where oauth2-proxy keeps sessions, over TLS", () => {
    const endpoint = (attribute: string) =>
      template.ref("aws_elasticache_serverless_cache", "", `endpoint[0].${attribute}`);
    expect(sessionFlags(template)).toEqual([
      "--session-store-type=redis",
      "--redis-use-cluster=true",
      `--redis-cluster-connection-urls=rediss://${endpoint("address")}:${endpoint("port")}`,
    ]);
  });

  test("is reached by the service only, on the ports of primary and replicas", () => {
    for (const [type, from, to] of [
      ["ingress", "session-store", "service"],
      ["egress", "service", "session-store"],
    ] as const) {
      const rules = template
        .resources(`aws_vpc_security_group_${type}_rule`)
        .filter((rule) =>
          [rule.security_group_id, rule.referenced_security_group_id].includes(group("session-store")),
        );
      expect(rules).toEqual(
        [6379, 6380].map((port) => ({
          description: expect.stringMatching(/^service to session store (primary|replica)$/),
          ip_protocol: "tcp",
          from_port: port,
          to_port: port,
          security_group_id: group(from),
          referenced_security_group_id: group(to),
        })),
      );
    }
  });

  test("takes the first three subnets, and a key of one's own", () => {
    const subnet = (end: string) => `subnet-0a1b2c${end}`;
    const kmsKeyArn = "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d";
    const own = synth({
      sessionStore: "elasticache",
      kmsKeyArn,
      existingNetwork: {
        vpcId: "vpc-0a1b2c3d",
        publicSubnetIds: ["11", "12"].map(subnet),
        privateSubnetIds: ["21", "22", "23", "24"].map(subnet),
      },
    });
    expect(own.resource("aws_elasticache_serverless_cache")).toMatchObject({
      subnet_ids: ["21", "22", "23"].map(subnet),
      kms_key_id: kmsKeyArn,
    });
    expect(own.resource("aws_security_group", "session-store_security-group").vpc_id).toBe("vpc-0a1b2c3d");
  });
});
