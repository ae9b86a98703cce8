/** What stands in one block of the synthesized JSON, in Terraform's spelling. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a guard rule looks at whatever was written there
export type Block = Record<string, any>;

/** One resource as Terraform will read it. */
export interface Resource {
  /** Its Terraform type: `aws_lb_listener`. */
  readonly type: string;
  /** Its construct's path below the stack, or its address where it has no construct. */
  readonly path: string;
  /** Its attributes with all overrides. Values that only Terraform knows are expressions: `${…}`. */
  readonly attributes: Block;
  /** Whether an attribute of another resource points to this one, by a reference or by a name that it was given. */
  readonly is: (reference: unknown) => boolean;
}

/** The resources of a stack as they will be written. */
export class SynthesizedStack {
  private readonly all: readonly Resource[];

  public constructor(json: Block) {
    this.all = Object.entries(json.resource ?? {}).flatMap(([type, named]) =>
      Object.entries(named as Block).map(([name, attributes]) => resource(type, name, attributes)),
    );
  }

  /** All resources of some types. */
  public resources(...types: readonly string[]): Resource[] {
    return this.all.filter(({ type }) => types.includes(type));
  }
}

function resource(type: string, name: string, attributes: Block): Resource {
  const address = `${type}.${name}`;
  const path: unknown = attributes["//"]?.metadata?.path;
  return {
    type,
    path: typeof path === "string" ? path.slice(path.indexOf("/") + 1) : address,
    attributes,
    is: (reference) =>
      typeof reference === "string" &&
      (reference.startsWith(`\${${address}.`) ||
        (!isExpression(reference) && reference === attributes.bucket)),
  };
}

/** An attribute's values, whether it was written alone, as a list, or not at all. */
export function listOf<T = unknown>(value: T | readonly T[] | undefined | null): T[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? [...value] : [value as T];
}

/** Whether only Terraform knows the value, or a part of it. */
export function isExpression(value: unknown): boolean {
  return typeof value === "string" && /(?<!\$)\$\{/.test(value);
}

/** Whether a value is true, in one of the ways that Terraform takes it. */
export function isTrue(value: unknown): boolean {
  return value === true || value === "true";
}
