import type { Risk } from "../risks";
import type { Resource, SynthesizedStack } from "./synthesized-stack";

/** Something that a guard rule does not let through. */
export interface Finding {
  /** Where it stands. */
  readonly resource: Resource;
  /** The attribute, in Terraform's spelling. */
  readonly attribute: string;
  /** What is wrong, with the value unless it may be secret; after a colon, what is allowed. */
  readonly message: string;
}

/** A rule about the whole stack, which also sees what the props cannot say: overrides, and resources of one's own. */
export interface GuardRule {
  /** Its name, and the risk whose acknowledgement switches it off. */
  readonly risk: Risk;
  /** All that it finds. Values that only Terraform knows are passed over. */
  readonly findings: (stack: SynthesizedStack) => Finding[];
}
