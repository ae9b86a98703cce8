import type { Finding, GuardRule } from "./guard-rule";
import { isExpression, isTrue } from "./synthesized-stack";

const BLOCKS = ["block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"];

/** Each bucket has a public access block, with all four parts. */
export const publicBucket: GuardRule = {
  risk: "public-bucket",
  findings: (stack) =>
    stack.resources("aws_s3_bucket").flatMap((bucket): Finding[] => {
      const [block] = stack
        .resources("aws_s3_bucket_public_access_block")
        .filter(({ attributes }) => bucket.is(attributes.bucket));
      if (block === undefined) {
        const message = "has no aws_s3_bucket_public_access_block: give it one with all four parts true";
        return [{ resource: bucket, attribute: "bucket", message }];
      }
      return BLOCKS.filter(
        (part) => !isTrue(block.attributes[part]) && !isExpression(block.attributes[part]),
      ).map((attribute) => ({ resource: block, attribute, message: "is not true: write true" }));
    }),
};
