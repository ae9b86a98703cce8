import { S3Bucket } from "@cdktf/provider-aws/lib/s3-bucket";
import {
  S3BucketLifecycleConfiguration,
  type S3BucketLifecycleConfigurationRule,
} from "@cdktf/provider-aws/lib/s3-bucket-lifecycle-configuration";
import { S3BucketPolicy } from "@cdktf/provider-aws/lib/s3-bucket-policy";
import { S3BucketPublicAccessBlock } from "@cdktf/provider-aws/lib/s3-bucket-public-access-block";
import { S3BucketServerSideEncryptionConfigurationA } from "@cdktf/provider-aws/lib/s3-bucket-server-side-encryption-configuration";
import { S3BucketVersioningA } from "@cdktf/provider-aws/lib/s3-bucket-versioning";
import type { Construct } from "constructs";
import { toTerraformJson } from "./containers/terraform-json";

/** What a private bucket is made of. */
export interface PrivateBucketProps {
  /** The bucket's name. */
  readonly name: string;
  /**
   * Whether destroying the bucket deletes what is in it.
   * @default - only an empty bucket can be destroyed
   */
  readonly forceDestroy?: boolean;
  /**
   * The KMS key that objects are encrypted with.
   * @default - keys of S3
   */
  readonly kmsKeyArn?: string;
  /**
   * Whether former versions of objects are kept.
   * @default false
   */
  readonly versioned?: boolean;
  /** The one rule of its lifecycle, beside the end of uploads that were given up. */
  readonly lifecycle: Pick<S3BucketLifecycleConfigurationRule, "id" | "expiration">;
  /**
   * Who else may do what, from the bucket's ARN: statements of its policy.
   * @default - principals of the own account, as their own policies say
   */
  readonly statements?: (arn: string) => readonly object[];
}

/**
 * An S3 bucket that is closed to the public, encrypted, and reached over TLS only. Its parts belong to the construct
 * that asks for it.
 *
 * @param scope that construct
 * @param props what differs from bucket to bucket
 * @returns the bucket, and its policy for those that must wait for it
 */
export function privateBucket(
  scope: Construct,
  { name, forceDestroy, kmsKeyArn, versioned = false, lifecycle, statements = () => [] }: PrivateBucketProps,
): { bucket: S3Bucket; policy: S3BucketPolicy } {
  const bucket = new S3Bucket(scope, "bucket", { bucket: name, forceDestroy });
  const access = new S3BucketPublicAccessBlock(scope, "public-access-block", {
    bucket: bucket.id,
    blockPublicAcls: true,
    blockPublicPolicy: true,
    ignorePublicAcls: true,
    restrictPublicBuckets: true,
  });
  new S3BucketServerSideEncryptionConfigurationA(scope, "encryption", {
    bucket: bucket.id,
    rule: [
      kmsKeyArn === undefined
        ? { applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }
        : {
            applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: kmsKeyArn },
            // One call to KMS for many objects.
            bucketKeyEnabled: true,
          },
    ],
  });
  const versioning = versioned
    ? [
        new S3BucketVersioningA(scope, "versioning", {
          bucket: bucket.id,
          versioningConfiguration: { status: "Enabled" },
        }),
      ]
    : [];
  new S3BucketLifecycleConfiguration(scope, "lifecycle", {
    bucket: bucket.id,
    rule: [
      {
        ...lifecycle,
        status: "Enabled",
        filter: [{ prefix: "" }],
        abortIncompleteMultipartUpload: [{ daysAfterInitiation: 7 }],
      },
    ],
    dependsOn: versioning,
  });
  const policy = new S3BucketPolicy(scope, "policy", {
    bucket: bucket.id,
    policy: toTerraformJson({
      Version: "2012-10-17",
      Statement: [
        ...statements(bucket.arn),
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
  return { bucket, policy };
}
