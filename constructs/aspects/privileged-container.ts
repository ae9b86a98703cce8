import { show } from "../checks";
import { containersOf } from "./containers";
import type { Finding, GuardRule } from "./guard-rule";
import { listOf } from "./synthesized-stack";

/** A container has no more rights than its user. checkov looks for a key that ECS does not know (CKV_AWS_334, 3.3.30). */
export const privilegedContainer: GuardRule = {
  risk: "privileged-container",
  findings: (stack) =>
    containersOf(stack).flatMap(({ resource, definition }): Finding[] => {
      const finding = (message: string): Finding => ({
        resource,
        attribute: "container_definitions",
        message,
      });
      const added = listOf<string>(definition.linuxParameters?.capabilities?.add);
      return [
        ...(definition.privileged === true ? [finding(`${definition.name} is privileged: write false`)] : []),
        ...(added.length > 0
          ? [finding(`${definition.name} is given ${added.map(show).join(", ")}: add no capability`)]
          : []),
      ];
    }),
};
