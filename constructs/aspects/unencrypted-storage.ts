import type { GuardRule } from "./guard-rule";
import { isExpression, isTrue } from "./synthesized-stack";

/** What is encrypted only where it is asked for. Buckets and log groups always are. */
const ASKED_FOR: Readonly<Record<string, string>> = {
  aws_rds_cluster: "storage_encrypted",
  aws_db_instance: "storage_encrypted",
  aws_efs_file_system: "encrypted",
  aws_ebs_volume: "encrypted",
  aws_elasticache_replication_group: "at_rest_encryption_enabled",
};

/** What is stored is encrypted. */
export const unencryptedStorage: GuardRule = {
  risk: "unencrypted-storage",
  findings: (stack) =>
    stack.resources(...Object.keys(ASKED_FOR)).flatMap((resource) => {
      const attribute = ASKED_FOR[resource.type] as string;
      const value: unknown = resource.attributes[attribute];
      if (isTrue(value) || isExpression(value)) return [];
      return [{ resource, attribute, message: "is not true: write true, which only a new one can get" }];
    }),
};
