import { DataAwsCallerIdentity } from "@cdktf/provider-aws/lib/data-aws-caller-identity";
import { DataAwsPartition } from "@cdktf/provider-aws/lib/data-aws-partition";
import { SecurityGroup } from "@cdktf/provider-aws/lib/security-group";
import { VpcEndpoint } from "@cdktf/provider-aws/lib/vpc-endpoint";
import { Construct } from "constructs";
import { toTerraformJson } from "./containers/terraform-json";

/** What interface endpoints are made of. */
export interface InterfaceEndpointsProps {
  /** Names derive from it. */
  readonly name: string;
  /** The AWS region. */
  readonly region: string;
  /** The VPC's id. */
  readonly vpcId: string;
  /** Ids of the subnets that they get addresses in. */
  readonly subnetIds: string[];
}

/**
 * What a Fargate task calls: ECR for its images (their layers come from S3), Secrets Manager, CloudWatch Logs. Its own
 * credentials come from the task's metadata address. Source: "Amazon ECS interface VPC endpoints" in the Amazon ECS
 * developer guide.
 */
const SERVICES = ["ecr.api", "ecr.dkr", "secretsmanager", "logs"];

/**
 * AWS APIs within a VPC, for tasks without a way to the internet. They answer to principals of the own account only:
 * credentials of another one, brought along, would otherwise be a way out.
 */
export class InterfaceEndpoints extends Construct {
  /** Their security group; without rules, nobody reaches them. */
  public readonly securityGroupId: string;
  /** The policy of the gateway endpoint beside them: buckets of the own account, and layers of images in ECR. */
  public readonly s3Policy: string;

  public constructor(
    scope: Construct,
    id: string,
    { name, region, vpcId, subnetIds }: InterfaceEndpointsProps,
  ) {
    super(scope, id);
    const { accountId } = new DataAwsCallerIdentity(this, "account");
    const { partition } = new DataAwsPartition(this, "partition");
    const securityGroup = new SecurityGroup(this, "security-group", {
      name: `${name}-endpoints`,
      description: "AWS APIs: reached by MLflow's tasks only",
      vpcId,
      tags: { Name: `${name}-endpoints` },
    });
    const ownPrincipals = policy([
      { Action: "*", Resource: "*", Condition: { StringEquals: { "aws:PrincipalAccount": accountId } } },
    ]);
    for (const service of SERVICES) {
      new VpcEndpoint(this, service.replace(".", "-"), {
        vpcId,
        serviceName: `com.amazonaws.${region}.${service}`,
        vpcEndpointType: "Interface",
        privateDnsEnabled: true,
        subnetIds,
        securityGroupIds: [securityGroup.id],
        policy: ownPrincipals,
        tags: { Name: `${name}-${service}` },
      });
    }
    this.securityGroupId = securityGroup.id;
    this.s3Policy = policy([
      { Action: "s3:*", Resource: "*", Condition: { StringEquals: { "aws:ResourceAccount": accountId } } },
      // ECR hands out links to its own bucket. Source: "Amazon ECR interface VPC endpoints", ECR user guide.
      {
        Action: "s3:GetObject",
        Resource: `arn:${partition}:s3:::prod-${region}-starport-layer-bucket/*`,
      },
    ]);
  }
}

function policy(statements: readonly object[]): string {
  return toTerraformJson({
    Version: "2012-10-17",
    Statement: statements.map((statement) => ({ Effect: "Allow", Principal: "*", ...statement })),
  });
}
