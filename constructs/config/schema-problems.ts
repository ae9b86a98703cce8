import Ajv, { type ErrorObject } from "ajv";
import { Token } from "cdktf";
import { distance } from "fastest-levenshtein";
import { show } from "../checks";
import type { Problem } from "../errors";
import schema from "./environment.schema.json";

/** What a file holds, and what is wrong with its shape. */
export interface Checked {
  /** Unknown keys, missing keys, wrong types, values that are not in a list. */
  readonly problems: Problem[];
  /**
   * The data without its mistakes: unknown keys are left out, and values of a wrong type are tokens, which every further
   * check passes over.
   */
  readonly data: Record<string, unknown>;
}

const validate = new Ajv({ allErrors: true, verbose: true }).compile(schema);

/**
 * Checks the shape of an environment file against its schema.
 *
 * @param content what the YAML parser made of the file
 */
export function checkShape(content: unknown): Checked {
  const root = { file: structuredClone(content) };
  if (validate(content)) return { problems: [], data: root.file as Record<string, unknown> };
  const errors = validate.errors ?? [];
  const wrongTypes = new Set(
    errors.filter(({ keyword }) => keyword === "type").map((error) => error.instancePath),
  );
  const problems = errors
    .filter((error) => error.keyword !== "enum" || !wrongTypes.has(error.instancePath))
    .map((error) => {
      blank(root, ["file", ...segments(error.instancePath)], error);
      return { path: pathOf(error), message: messageOf(error) };
    });
  const data =
    typeof root.file === "object" && root.file !== null ? (root.file as Record<string, unknown>) : {};
  return { problems, data };
}

function segments(instancePath: string): string[] {
  const unescape = (part: string) => part.replaceAll("~1", "/").replaceAll("~0", "~");
  return instancePath.split("/").slice(1).map(unescape);
}

/** The value's path as people write it: `programs[0].audience`. */
function pathOf({ instancePath, keyword, params }: ErrorObject): string {
  const key: unknown =
    keyword === "required"
      ? params.missingProperty
      : keyword === "additionalProperties" && params.additionalProperty;
  const path = segments(instancePath).map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`));
  const text = [...path, ...(key ? [`.${String(key)}`] : [])].join("").replace(/^\./, "");
  return text === "" ? "(file)" : text;
}

function messageOf({ keyword, params, data, parentSchema }: ErrorObject): string {
  switch (keyword) {
    case "required": {
      const { description } = parentSchema?.properties[params.missingProperty] ?? {};
      return `is missing: ${firstSentence(String(description))}`;
    }
    case "additionalProperties":
      return unknownKey(params.additionalProperty, Object.keys(parentSchema?.properties ?? {}));
    case "enum":
      return `${show(data)} is not allowed: write one of ${params.allowedValues.join(", ")}`;
    case "type": {
      const quotes = params.type === "string" && typeof data === "number" ? ": write it in quotes" : "";
      return `${show(data)} is ${typeName(data)}, must be ${article(params.type)}${quotes}`;
    }
    default:
      throw new Error(`the schema of environment files uses "${keyword}", which has no message for people`);
  }
}

function unknownKey(key: string, known: readonly string[]): string {
  const [nearest] = known
    .map((name) => ({ name, changes: distance(name.toLowerCase(), key.toLowerCase()) }))
    .filter(({ changes }) => changes <= Math.max(2, key.length / 3))
    .sort((a, b) => a.changes - b.changes);
  return nearest === undefined
    ? `unknown; write one of ${known.join(", ")}`
    : `unknown; did you mean ${nearest.name}?`;
}

function firstSentence(description: string): string {
  const [sentence = ""] = description.split(/\.(?:\s|$)/);
  return sentence.replace(/^[A-Z](?![A-Z])/, (first) => first.toLowerCase());
}

function typeName(value: unknown): string {
  return value === null ? "empty" : article(Array.isArray(value) ? "array" : typeof value);
}

function article(type: string): string {
  const names: Record<string, string> = {
    object: "a block of keys",
    array: "a list",
    boolean: "true or false",
  };
  return names[type] ?? `a ${type}`;
}

function blank(root: object, path: readonly string[], { keyword, params }: ErrorObject): void {
  const parent = at(root, path.slice(0, -1));
  const key = path[path.length - 1] as string;
  if (keyword === "additionalProperties")
    delete (parent[key] as Record<string, unknown>)[params.additionalProperty];
  if (keyword !== "type" && keyword !== "enum") return;
  if (params.type === "number") parent[key] = Token.asNumber("unknown");
  else if (params.type === "string" || keyword === "enum")
    parent[key] = Token.asString({ resolve: () => "unknown" });
  else delete parent[key];
}

function at(root: object, path: readonly string[]): Record<string, unknown> {
  return path.reduce((value, key) => value[key] as Record<string, unknown>, root as Record<string, unknown>);
}
