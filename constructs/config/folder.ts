/** The folder of the environment files: the one that `ENVIRONMENTS` names, or `environments`. */
export function environmentsFolder(): string {
  return process.env.ENVIRONMENTS ?? "environments";
}
