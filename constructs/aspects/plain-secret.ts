import { type Container, containersOf } from "./containers";
import type { Finding, GuardRule } from "./guard-rule";
import { type Block, listOf } from "./synthesized-stack";

const SECRET = "(password|passwd|secret|token|api_?key|access_?key|private_?key|credentials?)";
const VARIABLE = new RegExp(`${SECRET}$`, "i");
const FLAG = new RegExp(`^--?([\\w-]*[-_])?${SECRET.replaceAll("_", "[-_]")}=(?!true$|false$)(.)`, "i");
/** `scheme://user:password@host`. */
const URI = /:\/\/[^\s/:@$]*:[^\s/@$]+@/;

/** Attributes that keep what they are given in the plan and the state, and what to take instead. */
const KEPT_IN_STATE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  aws_rds_cluster: { master_password: "master_password_wo" },
  aws_db_instance: { password: "password_wo" },
  aws_secretsmanager_secret_version: { secret_string: "secret_string_wo" },
  aws_elasticache_replication_group: { auth_token: "a user group" },
};

/** No secret stands in a task definition, the synthesized JSON or the state. */
export const plainSecret: GuardRule = {
  risk: "plain-secret",
  findings: (stack) => [
    ...containersOf(stack).flatMap(inContainer),
    ...stack.resources(...Object.keys(KEPT_IN_STATE)).flatMap((resource) =>
      Object.entries(KEPT_IN_STATE[resource.type] ?? {})
        .filter(([attribute]) => resource.attributes[attribute] !== undefined)
        .map(([attribute, instead]) => ({
          resource,
          attribute,
          message: `is kept in the plan and the state: write ${instead}`,
        })),
    ),
  ],
};

/** The values themselves are never shown. */
function inContainer({ resource, definition, words }: Container): Finding[] {
  const finding = (what: string): Finding => ({
    resource,
    attribute: "container_definitions",
    message: `${what} of ${definition.name} holds a secret in plain text: let ECS read it, by secrets`,
  });
  return [
    ...listOf<Block>(definition.environment)
      .filter(({ name, value }) => (VARIABLE.test(name) && value !== "") || URI.test(value))
      .map(({ name }) => finding(`environment variable ${name}`)),
    ...words.flatMap((word, index) =>
      FLAG.test(word) || URI.test(word) ? [finding(`word ${index + 1} of the command`)] : [],
    ),
  ];
}
