import { RandomProvider } from "@cdktf/provider-random/lib/provider";
import { StringResource } from "@cdktf/provider-random/lib/string-resource";
import { TerraformStack, Token } from "cdktf";
import { Construct } from "constructs";
import { checkPattern, show } from "./checks";
import { type Problem, refuse } from "./errors";
import { privateBucket } from "./private-bucket";
import type { Statement } from "./service-role";

/** The artifact store's settings. */
export interface ArtifactStoreOptions {
  /**
   * The end of the bucket's name, `<name>-artifacts-<suffix>`, which must be unique in all of AWS.
   * @default - eight random letters and digits, made once by the random provider
   */
  readonly suffix?: string;
  /**
   * The folder in the bucket that artifacts go to; starts with `/`.
   * @default "/"
   */
  readonly path?: string;
  /**
   * Whether MLflow passes artifacts on. If not, clients read and write the bucket themselves with AWS credentials of
   * their own. Experiments keep the way that they were made with.
   * @default true
   */
  readonly proxied?: boolean;
  /**
   * Whether destroying the stack deletes the bucket with all artifacts in it.
   * @default false
   */
  readonly forceDestroy?: boolean;
}

/** What an artifact store is made of. */
export interface ArtifactStoreProps extends ArtifactStoreOptions {
  /** The bucket's name derives from it. */
  readonly name: string;
  /**
   * The KMS key that objects are encrypted with.
   * @default - keys of S3
   */
  readonly kmsKeyArn?: string;
}

/** The S3 bucket for artifacts: private, encrypted, versioned, reached over TLS only. */
export class ArtifactStore extends Construct {
  /** The bucket's name. */
  public readonly bucketName: string;
  /** Where MLflow puts artifacts: `s3://bucket/path`. */
  public readonly uri: string;

  private readonly bucketArn: string;
  private readonly kmsKeyArn: string | undefined;

  public constructor(scope: Construct, id: string, props: ArtifactStoreProps) {
    super(scope, id);
    refuse(this.node.path, artifactStoreProblems(props));
    const { name, suffix = this.randomSuffix(), path = "/", forceDestroy = false } = props;
    this.kmsKeyArn = props.kmsKeyArn;
    const { bucket } = privateBucket(this, {
      name: `${name}-artifacts-${suffix}`,
      forceDestroy,
      kmsKeyArn: this.kmsKeyArn,
      versioned: true,
      lifecycle: { id: "abort-incomplete-uploads" },
    });
    this.bucketName = bucket.bucket;
    this.bucketArn = bucket.arn;
    this.uri = `s3://${bucket.bucket}${path}`;
  }

  /** What MLflow must be allowed to do with the bucket. */
  public get statements(): Statement[] {
    return [
      { actions: ["s3:ListBucket", "s3:ListBucketMultipartUploads"], resources: [this.bucketArn] },
      {
        actions: [
          "s3:GetObject",
          "s3:PutObject",
          "s3:DeleteObject",
          "s3:AbortMultipartUpload",
          "s3:ListMultipartUploadParts",
        ],
        resources: [`${this.bucketArn}/*`],
      },
      ...(this.kmsKeyArn === undefined
        ? []
        : [{ actions: ["kms:Decrypt", "kms:GenerateDataKey"], resources: [this.kmsKeyArn] }]),
    ];
  }

  private randomSuffix(): string {
    const hasProvider = TerraformStack.of(this)
      .allProviders()
      .some((provider) => provider instanceof RandomProvider);
    if (!hasProvider) new RandomProvider(this, "random");
    return new StringResource(this, "suffix", { length: 8, upper: false, special: false }).result;
  }
}

/**
 * What is wrong with an artifact store's settings.
 *
 * @param props the settings, and the name if it is known
 */
export function artifactStoreProblems({ name, suffix, path }: Partial<ArtifactStoreProps>): Problem[] {
  const problems = [
    ...checkPattern(
      "suffix",
      suffix,
      /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/,
      "lower-case letters, digits and hyphens",
    ),
    ...checkPattern(
      "path",
      path,
      /^\/([A-Za-z0-9!_.*'()-]+\/?)*$/,
      'an S3 path that starts with "/", such as "/mlflow"',
    ),
  ];
  if (
    name !== undefined &&
    suffix !== undefined &&
    !Token.isUnresolved(name) &&
    !Token.isUnresolved(suffix)
  ) {
    const bucket = `${name}-artifacts-${suffix}`;
    if (bucket.length > 63) {
      const message = `${show(bucket)} has ${bucket.length} characters, a bucket's name has at most 63: shorten it by ${bucket.length - 63}`;
      problems.push({ path: "suffix", message });
    }
  }
  return problems;
}
