import { type Block, isExpression, listOf, type Resource, type SynthesizedStack } from "./synthesized-stack";

/** A container of a task definition. */
export interface Container {
  /** The task definition. */
  readonly resource: Resource;
  /** The container's definition, in the spelling of the ECS API. */
  readonly definition: Block;
  /** Its environment variables; the value of one that ECS reads from a secret is an expression. */
  readonly environment: ReadonlyMap<string, string>;
  /** The words of its entry point and command. */
  readonly words: readonly string[];
}

const found = new WeakMap<SynthesizedStack, Container[]>();

/** All containers. Task definitions that only Terraform can put together have none. */
export function containersOf(stack: SynthesizedStack): Container[] {
  // Most rules ask.
  const containers = found.get(stack) ?? stack.resources("aws_ecs_task_definition").flatMap(containersIn);
  found.set(stack, containers);
  return containers;
}

function containersIn(resource: Resource): Container[] {
  return listOf(decode(resource.attributes.container_definitions)).map((definition) => ({
    resource,
    definition,
    environment: new Map([
      ...listOf<Block>(definition.environment).map(({ name, value }) => [name, String(value)] as const),
      ...listOf<Block>(definition.secrets).map(({ name }) => [name, "${secret}"] as const),
    ]),
    words: [...listOf<string>(definition.entryPoint), ...listOf<string>(definition.command)].map(String),
  }));
}

function decode(json: unknown): Block[] {
  if (typeof json !== "string") return [];
  // Quotes in a Terraform expression would end the string that it stands in.
  const quoted = json.replace(/(?<!\$)\$\{[^}]*\}/g, (expression) => expression.replaceAll('"', "'"));
  try {
    return JSON.parse(quoted) as Block[];
  } catch {
    return [];
  }
}

/** Where a setting of oauth2-proxy stands, and what it says. */
export interface Setting {
  /** The container. */
  readonly container: Container;
  /** Its values that are known: several flags, or a list with commas. */
  readonly values: readonly string[];
  /** Whether it was given, by a value that is known or one that is not. */
  readonly given: boolean;
}

/**
 * A setting of each oauth2-proxy, from its flag and its environment variable.
 *
 * @param stack the stack
 * @param flag the flag's name without dashes, such as `cookie-secure`
 */
export function oauth2ProxySettings(stack: SynthesizedStack, flag: string): Setting[] {
  const variable = `OAUTH2_PROXY_${flag.toUpperCase().replaceAll("-", "_")}`;
  return containersOf(stack)
    .filter(({ definition }) => /oauth2-proxy/.test(`${definition.name} ${definition.image}`))
    .map((container) => {
      const { words, environment } = container;
      const all = [
        ...words.flatMap((word, index) => flagValue(word, words[index + 1], flag)),
        // Lists have a plural there.
        ...[variable, `${variable}S`].flatMap((name) => listOf(environment.get(name))),
      ].flatMap((value) => value.split(","));
      return { container, values: all.filter((value) => !isExpression(value)), given: all.length > 0 };
    });
}

function flagValue(word: string, next: string | undefined, flag: string): string[] {
  const match = new RegExp(`^--?${flag}(?:=(.*))?$`, "s").exec(word);
  if (match === null) return [];
  return [match[1] ?? (next === undefined || next.startsWith("-") ? "true" : next)];
}
