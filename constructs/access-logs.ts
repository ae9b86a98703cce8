import { DataAwsCallerIdentity } from "@cdktf/provider-aws/lib/data-aws-caller-identity";
import { S3Bucket } from "@cdktf/provider-aws/lib/s3-bucket";
import { S3BucketLifecycleConfiguration } from "@cdktf/provider-aws/lib/s3-bucket-lifecycle-configuration";
import { S3BucketPolicy } from "@cdktf/provider-aws/lib/s3-bucket-policy";
import { S3BucketPublicAccessBlock } from "@cdktf/provider-aws/lib/s3-bucket-public-access-block";
import { S3BucketServerSideEncryptionConfigurationA } from "@cdktf/provider-aws/lib/s3-bucket-server-side-encryption-configuration";
import { Construct } from "constructs";
import { toTerraformJson } from "./containers/terraform-json";

/** What the bucket for access logs is made of. */
export interface AccessLogsProps {
  /** The bucket's name derives from it. */
  readonly name: string;
  /** How long logs are kept, in days. */
  readonly retentionDays: number;
}

/** The bucket that a load balancer writes its access logs to: private, reached over TLS only. */
export class AccessLogs extends Construct {
  /** The bucket's name, known once the load balancer may write to it. */
  public readonly bucketName: string;

  public constructor(scope: Construct, id: string, { name, retentionDays }: AccessLogsProps) {
    super(scope, id);
    const { accountId } = new DataAwsCallerIdentity(this, "account");
    const bucket = new S3Bucket(this, "bucket", { bucket: `${name}-access-logs-${accountId}` });
    const access = new S3BucketPublicAccessBlock(this, "public-access-block", {
      bucket: bucket.id,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    // A load balancer cannot write to a bucket with a KMS key. Source: "Access logs for your Application Load Balancer".
    new S3BucketServerSideEncryptionConfigurationA(this, "encryption", {
      bucket: bucket.id,
      rule: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }],
    });
    new S3BucketLifecycleConfiguration(this, "lifecycle", {
      bucket: bucket.id,
      rule: [
        {
          id: "expire",
          status: "Enabled",
          filter: [{ prefix: "" }],
          expiration: [{ days: retentionDays }],
          abortIncompleteMultipartUpload: [{ daysAfterInitiation: 7 }],
        },
      ],
    });
    const policy = new S3BucketPolicy(this, "policy", {
      bucket: bucket.id,
      policy: toTerraformJson({
        Version: "2012-10-17",
        Statement: [
          {
            Sid: "LoadBalancer",
            Effect: "Allow",
            Principal: { Service: "logdelivery.elasticloadbalancing.amazonaws.com" },
            Action: "s3:PutObject",
            Resource: `${bucket.arn}/AWSLogs/${accountId}/*`,
          },
          {
            Sid: "TlsOnly",
            Effect: "Deny",
            Principal: "*",
            Action: "s3:*",
            Resource: [bucket.arn, `${bucket.arn}/*`],
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          },
        ],
      }),
      dependsOn: [access],
    });
    this.bucketName = policy.bucket;
  }
}
