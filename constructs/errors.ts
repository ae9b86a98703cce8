/** One mistake in what a construct or an environment file was given. */
export interface Problem {
  /** Where the value stands, from the props' root: `service.memory`. */
  readonly path: string;
  /** What is wrong, with the value; what is allowed; what to do. */
  readonly message: string;
}

/**
 * Thrown before anything is written when props or an environment file are wrong. Its message lists every problem
 * on a line of its own, with the path aligned in a column.
 */
export class ConfigurationError extends Error {
  /** All problems that were found. */
  public readonly problems: readonly Problem[];

  public constructor(source: string, problems: readonly Problem[]) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    const width = Math.min(36, Math.max(...problems.map(({ path }) => path.length)));
    const lines = problems.map(({ path, message }) => `  ${path.padEnd(width)}  ${message}`);
    super([`${source}: ${count}, nothing was written`, ...lines].join("\n"));
    this.name = "ConfigurationError";
    this.problems = problems;
  }
}

/**
 * Throws when there are problems.
 *
 * @param source what was given: a file's name or a construct's path
 * @param problems all that was found wrong with it
 * @throws ConfigurationError when `problems` is not empty
 */
export function refuse(source: string, problems: readonly Problem[]): void {
  if (problems.length > 0) throw new ConfigurationError(source, problems);
}

/**
 * Puts a path in front of each problem's own.
 *
 * @param prefix the path of the object that was checked, such as `service`
 * @param problems what was found in it, with paths that start there
 */
export function under(prefix: string, problems: readonly Problem[]): Problem[] {
  return problems.map(({ path, message }) => ({ path: path === "" ? prefix : `${prefix}.${path}`, message }));
}
