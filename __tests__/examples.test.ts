import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Template } from "./support/template";

const EXAMPLES = join(__dirname, "..", "examples");

describe.each(readdirSync(EXAMPLES))("the example %s", (name) => {
  let template: Template;

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), "example-"));
    process.env.CDKTF_OUTDIR = folder;
    try {
      await import(join(EXAMPLES, name, "main"));
      template = Template.read(join(folder, "stacks", name, "cdk.tf.json"));
    } finally {
      delete process.env.CDKTF_OUTDIR;
      rmSync(folder, { recursive: true });
    }
  });

  test("synthesizes to what its snapshot holds", () => {
    expect(template.json).toMatchSnapshot();
  });

  // A changed address makes Terraform destroy the resource and create another one. It needs a move, a line in the
  // changelog, and a change by hand here.
  test("keeps the address of every resource", () => {
    const addresses = readFileSync(join(__dirname, "addresses", `${name}.txt`), "utf8");
    expect(template.addresses).toEqual(addresses.trim().split("\n"));
  });
});

test("README shows the documented example", () => {
  const lines = (code: string) => code.split("\n").filter((line) => line !== "" && !line.startsWith("//"));
  const readme = readFileSync(join(__dirname, "..", "README.md"), "utf8");
  const shown = /```ts\n([^`]*)```/.exec(readme)?.[1] ?? "";
  const example = readFileSync(join(EXAMPLES, "documented", "main.ts"), "utf8");
  expect(
    lines(shown.replace('"cdktf-mlflow"', '"../../constructs"').replace('"mlflow-dev"', '"documented"')),
  ).toEqual(lines(example));
});
