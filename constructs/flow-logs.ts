import { CloudwatchLogGroup } from "@cdktf/provider-aws/lib/cloudwatch-log-group";
import { FlowLog } from "@cdktf/provider-aws/lib/flow-log";
import type { Construct } from "constructs";
import { ServiceRole } from "./service-role";

/** What flow logs are made of. */
export interface FlowLogsProps {
  /** Names derive from it. */
  readonly name: string;
  /** The VPC's id. */
  readonly vpcId: string;
  /** How long they are kept, in days. */
  readonly retentionDays: number;
  /**
   * The KMS key that they are encrypted with.
   * @default - CloudWatch's own encryption
   */
  readonly kmsKeyArn?: string | undefined;
}

/**
 * Logs all connections in a VPC, refused ones too, to CloudWatch. The parts belong to the construct that asks for it.
 *
 * @param scope that construct
 * @param props the VPC, and how long to keep the logs
 */
export function flowLogs(scope: Construct, { name, vpcId, retentionDays, kmsKeyArn }: FlowLogsProps): void {
  const group = new CloudwatchLogGroup(scope, "flow-log-group", {
    name: `/aws/vpc/flow-logs/${name}`,
    retentionInDays: retentionDays,
    kmsKeyId: kmsKeyArn,
  });
  const role = new ServiceRole(scope, "flow-log-role", {
    name: `${name}-flow-logs`,
    service: "vpc-flow-logs.amazonaws.com",
    statements: [
      {
        actions: ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
        resources: [`${group.arn}:*`],
      },
    ],
  });
  new FlowLog(scope, "flow-log", {
    vpcId,
    trafficType: "ALL",
    logDestinationType: "cloud-watch-logs",
    logDestination: group.arn,
    iamRoleArn: role.arn,
    tags: { Name: name },
  });
}
