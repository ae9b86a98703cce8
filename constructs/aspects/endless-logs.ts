import type { GuardRule } from "./guard-rule";

/** Each log group says how long it keeps what it holds; 0, for ever, must be said too. */
export const endlessLogs: GuardRule = {
  risk: "endless-logs",
  findings: (stack) =>
    stack
      .resources("aws_cloudwatch_log_group")
      .filter(({ attributes }) => attributes.retention_in_days === undefined)
      .map((resource) => ({
        resource,
        attribute: "retention_in_days",
        message: "is missing, which keeps logs for ever: write a number of days",
      })),
};
