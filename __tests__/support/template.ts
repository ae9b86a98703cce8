import { readFileSync } from "node:fs";
import { Testing, type TerraformStack } from "cdktf";

/** The attributes of one block in the synthesized JSON. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- what a block holds is what tests are about
export type Block = Record<string, any>;

interface Synthesized {
  readonly resource?: Record<string, Record<string, Block>>;
  readonly data?: Record<string, Record<string, Block>>;
  readonly ephemeral?: Record<string, Record<string, Block>>;
  readonly [block: string]: Block | undefined;
}

/** A synthesized stack, to look things up in by type and by the last part of the construct's path. */
export class Template {
  /** Synthesizes a stack, with its validations. */
  public static of(stack: TerraformStack): Template {
    return new Template(JSON.parse(Testing.synth(stack, true)));
  }

  /** Reads a `cdk.tf.json`, without CDKTF's comments in it. */
  public static read(file: string): Template {
    return new Template(
      JSON.parse(readFileSync(file, "utf8"), (key, value) => (key === "//" ? undefined : value)),
    );
  }

  private constructor(public readonly json: Synthesized) {}

  /** The one resource of a type, or the one of several whose construct path ends with `id`. */
  public resource(type: string, id = ""): Block {
    return this.find("resource", type, id).block;
  }

  /** The same for a data source. */
  public data(type: string, id = ""): Block {
    return this.find("data", type, id).block;
  }

  /** How another resource refers to an attribute: `${aws_vpc.network_vpc_0123ABCD.id}`. */
  public ref(type: string, id: string, attribute: string): string {
    return `\${${type}.${this.find("resource", type, id).name}.${attribute}}`;
  }

  /** The same for a data source. */
  public dataRef(type: string, id: string, attribute: string): string {
    return `\${data.${type}.${this.find("data", type, id).name}.${attribute}}`;
  }

  /** All resources of a type. */
  public resources(type: string): Block[] {
    return Object.values(this.json.resource?.[type] ?? {});
  }

  /** The address of every resource, data source and ephemeral resource, sorted. */
  public get addresses(): string[] {
    return (["resource", "data", "ephemeral"] as const)
      .flatMap((kind) =>
        Object.entries(this.json[kind] ?? {}).flatMap(([type, blocks]) =>
          Object.keys(blocks).map((name) => `${kind === "resource" ? "" : `${kind}.`}${type}.${name}`),
        ),
      )
      .sort();
  }

  /** A container of the one task definition, decoded. */
  public container(name: string): Block {
    const containers = decode(this.resource("aws_ecs_task_definition").container_definitions) as Block[];
    const container = containers.find((each) => each.name === name);
    if (container === undefined) throw new Error(`no container ${name} in the task definition`);
    return container;
  }

  /** The statements of a role's inline policy or of a bucket's policy, decoded. */
  public statements(type: string, id = ""): Block[] {
    return (decode(this.resource(type, id).policy) as Block).Statement;
  }

  private find(kind: "resource" | "data", type: string, id: string): { name: string; block: Block } {
    const found = Object.entries(this.json[kind]?.[type] ?? {}).filter(([name]) =>
      name.replace(/_[0-9A-F]{8}$/, "").endsWith(id),
    );
    const [match] = found;
    if (match === undefined || found.length > 1) {
      throw new Error(
        `${found.length} blocks are ${kind} ${type} ${id}, not one\n${this.addresses.join("\n")}`,
      );
    }
    return { name: match[0], block: match[1] };
  }
}

/** JSON in a Terraform string: references stay as they are, escaped literals become literal again. */
export function decode(text: string): unknown {
  return JSON.parse(text.replaceAll("$${", "${").replaceAll("%%{", "%{"));
}
