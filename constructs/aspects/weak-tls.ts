import { show } from "../checks";
import type { GuardRule } from "./guard-rule";
import { isExpression } from "./synthesized-stack";

/** Source: "Security policies for your Application Load Balancer", ELB user guide. */
const FROM_TLS_1_2 = /^ELBSecurityPolicy-(TLS13-1-[23]|TLS-1-2|FS-1-2)-/;

/** A listener for TLS speaks nothing older than TLS 1.2. */
export const weakTls: GuardRule = {
  risk: "weak-tls",
  findings: (stack) =>
    stack
      .resources("aws_lb_listener", "aws_alb_listener")
      .filter(({ attributes }) => /^(HTTPS|TLS)$/.test(attributes.protocol))
      .filter(
        ({ attributes: { ssl_policy: policy } }) => !isExpression(policy) && !FROM_TLS_1_2.test(policy ?? ""),
      )
      .map((resource) => {
        const { ssl_policy: policy } = resource.attributes;
        const found = policy === undefined ? "is missing, and AWS's own choice" : show(policy);
        const message = `${found} lets TLS 1.0 through: write one such as "ELBSecurityPolicy-TLS13-1-2-2021-06"`;
        return { resource, attribute: "ssl_policy", message };
      }),
};
