import { Testing } from "cdktf";
import { IdentityProvider } from "../../constructs/identity/identity-provider";
import { MlflowStack, type MlflowStackProps } from "../../constructs/mlflow-stack";
import { StateBackend } from "../../constructs/state-backend";
import { refusal } from "../support/refusal";
import { Template } from "../support/template";

const PROPS: MlflowStackProps = {
  region: "eu-west-1",
  state: StateBackend.s3({ bucket: "acme-terraform-state" }),
  dns: { hostedZone: "example.com", recordName: "mlflow", domain: "example.com" },
  login: IdentityProvider.google({ emailDomains: ["example.com"] }),
  artifactStore: { suffix: "acme" },
};

function synth(props: Partial<MlflowStackProps> = {}): Template {
  return Template.of(new MlflowStack(Testing.app(), "dev", { ...PROPS, ...props }));
}

describe("the default stack", () => {
  const template = synth();

  test("tags everything with the environment and the project", () => {
    expect(template.json.provider?.aws).toEqual([
      { region: "eu-west-1", default_tags: [{ tags: { env: "dev", project: "oauth2-mlflow" } }] },
    ]);
  });

  test("works with a range of providers, and with Terraform since it has write-only attributes", () => {
    expect(template.json.terraform?.required_providers).toEqual({
      aws: { source: "aws", version: ">= 5.100, < 7" },
    });
    expect(template.json.terraform?.required_version).toBe(">= 1.11");
  });

  test("keeps its state under its own key", () => {
    expect(template.json.terraform?.backend.s3.key).toBe("mlflow/dev/terraform.tfstate");
  });

  test("tells MLflow's URL and what operators need", () => {
    const values = Object.entries(template.json.output ?? {}).map(([name, { value }]) => [name, value]);
    expect(Object.fromEntries(values)).toEqual({
      mlflow_uri: "https://mlflow.example.com",
      artifact_bucket: template.ref("aws_s3_bucket", "", "bucket"),
      database_cluster: template.ref("aws_rds_cluster", "", "cluster_identifier"),
      database_endpoint: template.ref("aws_rds_cluster", "", "endpoint"),
      ecs_cluster: template.ref("aws_ecs_cluster", "", "name"),
      ecs_service: template.ref("aws_ecs_service", "", "name"),
      load_balancer_dns_name: template.ref("aws_lb", "", "dns_name"),
      mlflow_log_group: template.ref("aws_cloudwatch_log_group", "mlflow-log-group", "name"),
      oauth2_proxy_log_group: template.ref("aws_cloudwatch_log_group", "oauth2-proxy-log-group", "name"),
      vpc_id: template.ref("aws_vpc", "", "id"),
      acknowledged_risks: [],
    });
  });
});

describe("a stack with everything set", () => {
  const template = synth({
    accountIds: ["111122223333"],
    assumeRole: "arn:aws:iam::111122223333:role/deploy",
    dnsAssumeRole: "arn:aws-us-gov:iam::444455556666:role/dns/records",
    tags: { team: "ml", env: "production" },
    providerVersion: "6.25.0",
    acknowledgedRisks: ["shared-issuer", "open-email-domain", "shared-issuer"],
  });
  const common = {
    region: "eu-west-1",
    default_tags: [{ tags: { env: "production", project: "oauth2-mlflow", team: "ml" } }],
  };

  test("lists the risks that were acknowledged", () => {
    expect(template.json.output?.acknowledged_risks.value).toEqual(["shared-issuer", "open-email-domain"]);
  });

  test("touches the given account only, by the given role", () => {
    expect(template.json.provider?.aws[0]).toEqual({
      ...common,
      allowed_account_ids: ["111122223333"],
      assume_role: [{ role_arn: "arn:aws:iam::111122223333:role/deploy" }],
    });
  });

  test("writes DNS by a role in the zone's account", () => {
    expect(template.json.provider?.aws[1]).toEqual({
      ...common,
      alias: "dns",
      assume_role: [{ role_arn: "arn:aws-us-gov:iam::444455556666:role/dns/records" }],
    });
    expect(template.resource("aws_route53_record").provider).toBe("aws.dns");
    expect(template.data("aws_route53_zone").provider).toBe("aws.dns");
  });

  test("asks for the given provider", () => {
    expect(template.json.terraform?.required_providers.aws.version).toBe("6.25.0");
  });
});

describe("a stack is refused with", () => {
  test.each<[string, Partial<MlflowStackProps>, string]>([
    [
      "an availability zone for a region",
      { region: "eu-west-1a" },
      'region: "eu-west-1a" is malformed: write an AWS region, such as "eu-west-1"',
    ],
    [
      "a short account id",
      { accountIds: ["12345"] },
      'accountIds[0]: "12345" is malformed: write an AWS account\'s id: twelve digits in quotes',
    ],
    [
      "a user for a role",
      { assumeRole: "arn:aws:iam::111122223333:user/me" },
      'assumeRole: "arn:aws:iam::111122223333:user/me" is malformed: write the ARN of an IAM role',
    ],
    [
      "a name for a role",
      { dnsAssumeRole: "dns" },
      'dnsAssumeRole: "dns" is malformed: write the ARN of an IAM role',
    ],
  ])("%s", (_, props, problem) => {
    expect(refusal(() => synth(props))).toEqual([problem]);
  });
});

describe("a stack with an override that opens a door", () => {
  const open = (acknowledgedRisks: MlflowStackProps["acknowledgedRisks"]) => {
    const stack = new MlflowStack(Testing.app(), "dev", { ...PROPS, acknowledgedRisks });
    stack.mlflow.backendStore.instance.addOverride("publicly_accessible", true);
    return stack;
  };

  test("is refused", () => {
    expect(refusal(() => Template.of(open([])))).toEqual([
      "mlflow/backend-store/instance.publicly_accessible: true gives the database an address on the internet: write " +
        'false, or acknowledge it with acknowledgedRisks: ["public-database"]',
    ]);
  });

  test("is let through, and says so, where that is acknowledged", () => {
    const template = Template.of(open(["public-database"]));
    expect(template.json.output?.acknowledged_risks.value).toEqual(["public-database"]);
  });
});
