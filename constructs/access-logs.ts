import { DataAwsCallerIdentity } from "@cdktf/provider-aws/lib/data-aws-caller-identity";
import { Construct } from "constructs";
import { privateBucket } from "./private-bucket";

/** What the bucket for access logs is made of. */
export interface AccessLogsProps {
  /** The bucket's name derives from it. */
  readonly name: string;
  /** How long logs are kept, in days. */
  readonly retentionDays: number;
}

/**
 * The bucket that a load balancer writes its access logs to. It has keys of S3: a load balancer cannot write to a bucket
 * with a KMS key. Source: "Access logs for your Application Load Balancer".
 */
export class AccessLogs extends Construct {
  /** The bucket's name, known once the load balancer may write to it. */
  public readonly bucketName: string;

  public constructor(scope: Construct, id: string, { name, retentionDays }: AccessLogsProps) {
    super(scope, id);
    const { accountId } = new DataAwsCallerIdentity(this, "account");
    const { policy } = privateBucket(this, {
      name: `${name}-access-logs-${accountId}`,
      lifecycle: { id: "expire", expiration: [{ days: retentionDays }] },
      statements: (arn) => [
        {
          Sid: "LoadBalancer",
          Effect: "Allow",
          Principal: { Service: "logdelivery.elasticloadbalancing.amazonaws.com" },
          Action: "s3:PutObject",
          Resource: `${arn}/AWSLogs/${accountId}/*`,
        },
      ],
    });
    this.bucketName = policy.bucket;
  }
}
