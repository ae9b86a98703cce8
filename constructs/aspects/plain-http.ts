import { show } from "../checks";
import type { GuardRule } from "./guard-rule";
import { type Block, listOf, type Resource, type SynthesizedStack } from "./synthesized-stack";

/** A listener without TLS redirects to one with it, and does nothing else. */
export const plainHttp: GuardRule = {
  risk: "plain-http",
  findings: (stack) =>
    actionsOverHttp(stack)
      .filter(({ action }) => !redirectsToHttps(action))
      .map(({ resource, attribute, action }) => ({
        resource,
        attribute,
        message: `${show(action.type)} answers without TLS: write a redirect to HTTPS`,
      })),
};

function actionsOverHttp(
  stack: SynthesizedStack,
): { resource: Resource; attribute: string; action: Block }[] {
  const listeners = stack
    .resources("aws_lb_listener", "aws_alb_listener")
    .filter(({ attributes }) => attributes.protocol === "HTTP");
  const rules = stack
    .resources("aws_lb_listener_rule", "aws_alb_listener_rule")
    .filter(({ attributes }) => listeners.some((listener) => listener.is(attributes.listener_arn)));
  const actions = (resource: Resource, attribute: string) =>
    listOf<Block>(resource.attributes[attribute]).map((action) => ({ resource, attribute, action }));
  return [
    ...listeners.flatMap((resource) => actions(resource, "default_action")),
    ...rules.flatMap((resource) => actions(resource, "action")),
  ];
}

function redirectsToHttps({ type, redirect }: Block): boolean {
  return type === "redirect" && listOf<Block>(redirect).every(({ protocol }) => protocol === "HTTPS");
}
