import { TerraformOutput } from "cdktf";
import { ArtifactStore, type ArtifactStoreOptions } from "../../constructs/artifact-store";
import { refusal } from "../support/refusal";
import { testStack } from "../support/stack";
import { Template } from "../support/template";

function synth(options: ArtifactStoreOptions & { readonly kmsKeyArn?: string } = {}) {
  const stack = testStack();
  const store = new ArtifactStore(stack, "artifact-store", { name: "oauth2-mlflow", ...options });
  new TerraformOutput(stack, "uri", { value: store.uri });
  return { store, stack, template: Template.of(stack) };
}

describe("the default artifact store", () => {
  const { template, store, stack } = synth();
  const bucket = template.ref("aws_s3_bucket", "", "id");
  const arn = template.ref("aws_s3_bucket", "", "arn");

  test("has the documented name with eight random lower-case letters and digits", () => {
    expect(template.resource("aws_s3_bucket")).toEqual({
      bucket: `oauth2-mlflow-artifacts-${template.ref("random_string", "", "result")}`,
      force_destroy: false,
    });
    expect(template.resource("random_string")).toEqual({ length: 8, special: false, upper: false });
  });

  test("is closed to the public in all four ways", () => {
    expect(template.resource("aws_s3_bucket_public_access_block")).toEqual({
      bucket,
      block_public_acls: true,
      block_public_policy: true,
      ignore_public_acls: true,
      restrict_public_buckets: true,
    });
  });

  test("is encrypted and versioned", () => {
    expect(template.resource("aws_s3_bucket_server_side_encryption_configuration")).toEqual({
      bucket,
      rule: [{ apply_server_side_encryption_by_default: { sse_algorithm: "AES256" } }],
    });
    expect(template.resource("aws_s3_bucket_versioning")).toEqual({
      bucket,
      versioning_configuration: { status: "Enabled" },
    });
  });

  test("refuses requests without TLS", () => {
    expect(template.statements("aws_s3_bucket_policy")).toEqual([
      {
        Sid: "TlsOnly",
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: [arn, `${arn}/*`],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ]);
  });

  test("removes uploads that nobody finished, of all objects, after a week", () => {
    expect(template.resource("aws_s3_bucket_lifecycle_configuration").rule).toEqual([
      {
        id: "abort-incomplete-uploads",
        status: "Enabled",
        filter: [{ prefix: "" }],
        abort_incomplete_multipart_upload: [{ days_after_initiation: 7 }],
      },
    ]);
  });

  test("is used from the bucket's root on", () => {
    expect(template.json.output?.uri.value).toBe(`s3://${template.ref("aws_s3_bucket", "", "bucket")}/`);
  });

  test("lets MLflow list the bucket and read, write and delete objects, no more", () => {
    expect(store.statements.map(({ actions }) => actions)).toEqual([
      ["s3:ListBucket", "s3:ListBucketMultipartUploads"],
      [
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts",
      ],
    ]);
  });

  test("shares the random provider with a second store", () => {
    // WHEN
    new ArtifactStore(stack, "second", { name: "second" });
    // THEN
    expect(Template.of(stack).json.provider?.random).toHaveLength(1);
  });
});

describe("an artifact store with everything set", () => {
  const { template } = synth({ suffix: "acme-1", path: "/team/ml", forceDestroy: true });

  test("has the given name and goes with its artifacts", () => {
    expect(template.resource("aws_s3_bucket")).toEqual({
      bucket: "oauth2-mlflow-artifacts-acme-1",
      force_destroy: true,
    });
    expect(template.json.output?.uri.value).toBe(
      `s3://${template.ref("aws_s3_bucket", "", "bucket")}/team/ml`,
    );
  });

  test("does without the random provider", () => {
    expect(template.json.provider).not.toHaveProperty("random");
    expect(template.resources("random_string")).toEqual([]);
  });
});

describe("an artifact store with a key of its own", () => {
  const key = "arn:aws:kms:eu-west-1:111122223333:key/1";
  const { template, store } = synth({ kmsKeyArn: key });

  test("is encrypted with it, with one call to KMS for many objects", () => {
    expect(template.resource("aws_s3_bucket_server_side_encryption_configuration").rule).toEqual([
      {
        apply_server_side_encryption_by_default: { sse_algorithm: "aws:kms", kms_master_key_id: key },
        bucket_key_enabled: true,
      },
    ]);
  });

  test("lets MLflow use the key", () => {
    expect(store.statements.slice(-1)).toEqual([
      { actions: ["kms:Decrypt", "kms:GenerateDataKey"], resources: [key] },
    ]);
  });
});

describe("an artifact store is refused with", () => {
  test.each<[string, ArtifactStoreOptions & { name?: string }, string]>([
    [
      "a bucket's name that is too long",
      { suffix: "a".repeat(40) },
      `suffix: "oauth2-mlflow-artifacts-${"a".repeat(40)}" has 64 characters, a bucket's name has at most 63: shorten it by 1`,
    ],
    [
      "capital letters in the suffix",
      { suffix: "Acme" },
      'suffix: "Acme" is malformed: write lower-case letters, digits and hyphens',
    ],
    [
      "a path that does not start at the root",
      { path: "mlflow" },
      'path: "mlflow" is malformed: write an S3 path that starts with "/", such as "/mlflow"',
    ],
    [
      "an empty folder in the path",
      { path: "/a//b" },
      'path: "/a//b" is malformed: write an S3 path that starts with "/", such as "/mlflow"',
    ],
  ])("%s", (_, options, problem) => {
    expect(refusal(() => synth(options))).toEqual([problem]);
  });
});
