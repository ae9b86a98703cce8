import { show } from "../checks";
import { type Container, containersOf, oauth2ProxySettings } from "./containers";
import type { Finding, GuardRule } from "./guard-rule";

/** MLflow's own checks. Source: mlflow/environment_variables.py and `mlflow server --help`, 3.17. */
const LISTS: Readonly<Record<string, string>> = {
  MLFLOW_SERVER_ALLOWED_HOSTS: "allowed-hosts",
  MLFLOW_SERVER_CORS_ALLOWED_ORIGINS: "cors-allowed-origins",
};

/** MLflow answers to names that are written out, and oauth2-proxy redirects to such after login. */
export const wildcardHost: GuardRule = {
  risk: "wildcard-host",
  findings: (stack) => [
    ...oauth2ProxySettings(stack, "whitelist-domain").flatMap(({ container: { resource }, values }) =>
      values
        .filter((value) => /^\.|\*/.test(value))
        .map((value) => ({
          resource,
          attribute: "container_definitions",
          message: `${show(value)} in --whitelist-domain of oauth2-proxy: write whole names`,
        })),
    ),
    ...containersOf(stack).flatMap(inMlflow),
  ],
};

function inMlflow({ resource, definition, environment, words }: Container): Finding[] {
  const finding = (message: string): Finding => ({ resource, attribute: "container_definitions", message });
  const command = words.join(" ");
  const lists = Object.entries(LISTS).flatMap(([variable, option]) => {
    const given = [environment.get(variable), new RegExp(`--${option}[= ]+(\\S+)`).exec(command)?.[1]];
    return given
      .filter((value) => value?.includes("*"))
      .map((value) =>
        finding(`${show(value)} in ${variable} or --${option} of ${definition.name}: write whole names`),
      );
  });
  const off =
    environment.get("MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE")?.toLowerCase() === "true" ||
    /--disable-security-middleware(?!\S)/.test(command);
  return off
    ? [...lists, finding(`${definition.name} has its checks of Host and Origin switched off: leave them on`)]
    : lists;
}
