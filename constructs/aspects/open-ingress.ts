import { show } from "../checks";
import type { Finding, GuardRule } from "./guard-rule";
import { type Block, listOf, type Resource, type SynthesizedStack } from "./synthesized-stack";

/** Half the internet twice is all of it. */
const ANYWHERE = /\/[0-7]$/;

interface Opening {
  readonly resource: Resource;
  readonly attribute: string;
  readonly group: unknown;
  readonly ranges: unknown[];
  readonly rule: Block;
}

/** From anywhere, nothing is reached but the ports of a load balancer's listeners. */
export const openIngress: GuardRule = {
  risk: "open-ingress",
  findings: (stack) =>
    openings(stack).flatMap((opening) => findings(opening, listenerPorts(stack, opening.group))),
};

function findings({ resource, attribute, ranges, rule }: Opening, allowed: readonly number[]): Finding[] {
  const open = ranges.filter((range) => typeof range === "string" && ANYWHERE.test(range));
  const protocol = String(rule.ip_protocol ?? rule.protocol);
  const [from, to] = [Number(rule.from_port), Number(rule.to_port)];
  if (open.length === 0 || (/^(tcp|6)$/.test(protocol) && from === to && allowed.includes(from))) return [];
  const ports =
    Number.isNaN(from) || /^(-1|all)$/.test(protocol)
      ? "every port"
      : from === to
        ? `port ${from}`
        : `ports ${from}–${to}`;
  const message =
    `${open.map(show).join(", ")} may reach ${ports}: write ranges of your own; everybody may reach a load ` +
    "balancer's listeners only";
  return [{ resource, attribute, message }];
}

function openings(stack: SynthesizedStack): Opening[] {
  const rules = stack.resources("aws_vpc_security_group_ingress_rule").map((resource) => {
    const { security_group_id: group, cidr_ipv4, cidr_ipv6 } = resource.attributes;
    const attribute = cidr_ipv4 === undefined ? "cidr_ipv6" : "cidr_ipv4";
    return { resource, attribute, group, ranges: [cidr_ipv4, cidr_ipv6], rule: resource.attributes };
  });
  const oldRules = stack
    .resources("aws_security_group_rule")
    .filter(({ attributes }) => attributes.type === "ingress")
    .map((resource) => {
      const { security_group_id: group } = resource.attributes;
      return { resource, attribute: "cidr_blocks", group, ...rangesOf(resource.attributes) };
    });
  const inline = stack.resources("aws_security_group", "aws_default_security_group").flatMap((resource) =>
    listOf<Block>(resource.attributes.ingress).map((rule) => ({
      resource,
      attribute: "ingress",
      group: resource,
      ...rangesOf(rule),
    })),
  );
  return [...rules, ...oldRules, ...inline];
}

function rangesOf(rule: Block): Pick<Opening, "ranges" | "rule"> {
  return { ranges: [...listOf(rule.cidr_blocks), ...listOf(rule.ipv6_cidr_blocks)], rule };
}

/** The ports of all listeners of the load balancers that have this security group. */
function listenerPorts(stack: SynthesizedStack, group: unknown): number[] {
  const isGroup = (reference: unknown) =>
    typeof group === "string" ? reference === group : (group as Resource).is(reference);
  return stack
    .resources("aws_lb", "aws_alb")
    .filter(({ attributes }) => listOf(attributes.security_groups).some(isGroup))
    .flatMap((balancer) =>
      stack
        .resources("aws_lb_listener", "aws_alb_listener")
        .filter(({ attributes }) => balancer.is(attributes.load_balancer_arn))
        .map(({ attributes }) => Number(attributes.port)),
    );
}
