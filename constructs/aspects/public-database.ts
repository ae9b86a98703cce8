import type { GuardRule } from "./guard-rule";
import { isTrue } from "./synthesized-stack";

/** A database has no address on the internet. */
export const publicDatabase: GuardRule = {
  risk: "public-database",
  findings: (stack) =>
    stack
      .resources("aws_rds_cluster_instance", "aws_db_instance")
      .filter(({ attributes }) => isTrue(attributes.publicly_accessible))
      .map((resource) => ({
        resource,
        attribute: "publicly_accessible",
        message: "true gives the database an address on the internet: write false",
      })),
};
