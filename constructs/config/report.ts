import { ConfigurationError } from "../errors";

/**
 * Runs a command; mistakes of the user are printed without a stack trace, and the exit code is 1.
 *
 * @param command what to run
 */
export function reportingMistakes(command: () => void): void {
  try {
    command();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
