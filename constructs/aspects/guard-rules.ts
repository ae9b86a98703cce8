import { Aspects, type IAspect, TerraformStack } from "cdktf";
import type { IConstruct } from "constructs";
import { show } from "../checks";
import { type Problem, refuse } from "../errors";
import type { Risk } from "../risks";
import { endlessLogs } from "./endless-logs";
import type { GuardRule } from "./guard-rule";
import { httpRedirect } from "./http-redirect";
import { insecureCookie } from "./insecure-cookie";
import { openIngress } from "./open-ingress";
import { plainHttp } from "./plain-http";
import { plainSecret } from "./plain-secret";
import { privilegedContainer } from "./privileged-container";
import { publicBucket } from "./public-bucket";
import { publicDatabase } from "./public-database";
import { type Block, SynthesizedStack } from "./synthesized-stack";
import { unauthenticatedRoute } from "./unauthenticated-route";
import { unencryptedStorage } from "./unencrypted-storage";
import { weakTls } from "./weak-tls";
import { wildcardHost } from "./wildcard-host";

/** All guard rules. docs/guard-rules.md has the same list, with reasons. */
export const GUARD_RULES: readonly GuardRule[] = [
  openIngress,
  publicDatabase,
  publicBucket,
  weakTls,
  plainHttp,
  insecureCookie,
  httpRedirect,
  wildcardHost,
  unauthenticatedRoute,
  plainSecret,
  privilegedContainer,
  unencryptedStorage,
  endlessLogs,
];

/**
 * Refuses a stack of one's own at synthesis where a guard rule finds something; `MlflowStack` does so by itself. The
 * rules see what will be written: all resources of the stack, with overrides and what other aspects have changed.
 *
 * @param stack the stack, whose synthesis then throws a ConfigurationError with all findings at once
 * @param acknowledgedRisks rules that are passed over
 */
export function applyGuardRules(stack: TerraformStack, acknowledgedRisks: readonly Risk[] = []): void {
  Aspects.of(stack).add(new GuardRules(acknowledgedRisks));
}

class GuardRules implements IAspect {
  public constructor(private readonly acknowledgedRisks: readonly Risk[]) {}

  public visit(node: IConstruct): void {
    if (!TerraformStack.isStack(node)) return;
    // Looked at when it is written: by then all aspects are through, and nothing need be resolved twice.
    const toTerraform = node.toTerraform.bind(node);
    node.toTerraform = () => {
      const json: Block = toTerraform();
      refuse(node.node.id, findings(json, this.acknowledgedRisks));
      return json;
    };
  }
}

function findings(json: Block, acknowledgedRisks: readonly Risk[]): Problem[] {
  const synthesized = new SynthesizedStack(json);
  return GUARD_RULES.filter(({ risk }) => !acknowledgedRisks.includes(risk)).flatMap((rule) =>
    rule.findings(synthesized).map(({ resource, attribute, message }) => ({
      path: `${resource.path}.${attribute}`,
      message: `${message}, or acknowledge it with acknowledgedRisks: [${show(rule.risk)}]`,
    })),
  );
}
