import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import { TerraformOutput, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { applyGuardRules } from "./aspects/guard-rules";
import { checkPattern } from "./checks";
import { type Problem, refuse } from "./errors";
import { Mlflow, mlflowProblems, type MlflowProps } from "./mlflow";
import type { Risk } from "./risks";
import type { StateBackend } from "./state-backend";

/** What an AWS account and a region are deployed with. */
export interface StackOptions {
  /** The AWS region: `eu-west-1`. */
  readonly region: string;
  /**
   * The only AWS accounts that Terraform may touch; any other is refused.
   * @default - whichever account the credentials belong to
   */
  readonly accountIds?: readonly string[];
  /**
   * The ARN of a role that Terraform takes for everything but the state.
   * @default - the credentials are used as they are
   */
  readonly assumeRole?: string;
  /**
   * The ARN of a role in the account that the hosted zone lives in.
   * @default - the zone lives in the same account
   */
  readonly dnsAssumeRole?: string;
  /**
   * Tags of every resource, over `env` (the stack's id) and `project` (`oauth2-mlflow`).
   * @default - `env` and `project` only
   */
  readonly tags?: Readonly<Record<string, string>>;
  /**
   * Which versions of the AWS provider Terraform may install.
   * @default ">= 5.100, < 7"
   */
  readonly providerVersion?: string;
}

/** One MLflow with all that Terraform needs. */
export interface MlflowStackProps extends Omit<MlflowProps, "dnsProvider">, StackOptions {
  /** Where Terraform keeps its state. */
  readonly state: StateBackend;
}

/** A stack with one MLflow: provider, state backend, outputs. */
export class MlflowStack extends TerraformStack {
  /** What is deployed. */
  public readonly mlflow: Mlflow;

  public constructor(scope: Construct, id: string, props: MlflowStackProps) {
    super(scope, id);
    refuse(id, stackProblems(props));
    const { region, accountIds, tags, providerVersion = ">= 5.100, < 7" } = props;
    const common = {
      region,
      defaultTags: [{ tags: { env: id, project: "oauth2-mlflow", ...tags } }],
    };
    new AwsProvider(this, "aws", {
      ...common,
      allowedAccountIds: accountIds && [...accountIds],
      assumeRole: props.assumeRole === undefined ? undefined : [{ roleArn: props.assumeRole }],
    });
    const dnsProvider =
      props.dnsAssumeRole === undefined
        ? undefined
        : new AwsProvider(this, "aws-dns", {
            ...common,
            alias: "dns",
            assumeRole: [{ roleArn: props.dnsAssumeRole }],
          });
    // The bindings ask for the one version that they were made from.
    this.addOverride("terraform.required_providers.aws.version", providerVersion);
    this.addOverride("terraform.required_version", ">= 1.11");
    props.state.bind(this, region);
    this.mlflow = new Mlflow(this, "mlflow", { ...props, dnsProvider });
    this.addOutputs(props.acknowledgedRisks ?? []);
    applyGuardRules(this, props.acknowledgedRisks);
  }

  private addOutputs(risks: readonly Risk[]): void {
    const { uri, artifactStore, backendStore, loadBalancer, network, service } = this.mlflow;
    const outputs: Record<string, { value: unknown; description: string }> = {
      mlflow_uri: { value: uri, description: "MLflow's URL, for browsers and as MLFLOW_TRACKING_URI" },
      artifact_bucket: { value: artifactStore.bucketName, description: "The S3 bucket that artifacts go to" },
      database_cluster: { value: backendStore.clusterIdentifier, description: "The Aurora cluster" },
      database_endpoint: {
        value: backendStore.connection.endpoint,
        description: "The database's host in the VPC",
      },
      ecs_cluster: { value: service.clusterName, description: "The ECS cluster" },
      ecs_service: { value: service.serviceName, description: "The ECS service" },
      load_balancer_dns_name: { value: loadBalancer.dnsName, description: "The load balancer's own name" },
      mlflow_log_group: { value: service.mlflowLogGroup, description: "Logs of MLflow and of its migration" },
      oauth2_proxy_log_group: {
        value: service.oauth2ProxyLogGroup,
        description: "Logs of logins and requests",
      },
      vpc_id: { value: network.vpcId, description: "The VPC" },
      acknowledged_risks: {
        value: [...new Set(risks)],
        description: "Openings that are otherwise refused (README, Security)",
      },
    };
    for (const [name, config] of Object.entries(outputs)) {
      new TerraformOutput(this, name, config).overrideLogicalId(name);
    }
  }
}

/**
 * What is wrong with the props, all at once. Parts that are absent are passed over.
 *
 * @param props the props, or what is known of them
 */
export function stackProblems(props: Partial<MlflowStackProps>): Problem[] {
  const roleArn = /^arn:[a-z-]+:iam::\d{12}:role\/.+$/;
  return [
    ...checkPattern("region", props.region, /^[a-z]{2}(-[a-z]+)+-\d$/, 'an AWS region, such as "eu-west-1"'),
    ...(props.accountIds ?? []).flatMap((id, index) =>
      checkPattern(`accountIds[${index}]`, id, /^\d{12}$/, "an AWS account's id: twelve digits in quotes"),
    ),
    ...checkPattern("assumeRole", props.assumeRole, roleArn, "the ARN of an IAM role"),
    ...checkPattern("dnsAssumeRole", props.dnsAssumeRole, roleArn, "the ARN of an IAM role"),
    ...mlflowProblems(props),
  ];
}
