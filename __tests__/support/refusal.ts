import { ConfigurationError } from "../../constructs/errors";

/** The problems that an action is refused with, each as "path: message"; the whole message must hold them. */
export function refusal(action: () => unknown): string[] {
  try {
    action();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    expect(error.message.split("\n").slice(1)).toHaveLength(error.problems.length);
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
  throw new Error("nothing was refused");
}
