#!/usr/bin/env node
// Generates bindings of the AWS provider into .gen/, for a provider newer than the prebuilt package's 6.25.0:
//   npm run get [-- VERSION]      VERSION is a Terraform version constraint, by default the stack's own
// Only what constructs/ imports is generated: two megabytes instead of ninety. To use them, replace
// "@cdktf/provider-aws/lib/…" by ".gen/providers/aws/…"; names and folders are the same.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const { generateProviderBindingsFromSchema } = createRequire(import.meta.url)("@cdktf/provider-generator");
const SOURCE = "registry.terraform.io/hashicorp/aws";
const version = process.argv[2] ?? ">= 5.100, < 7";

/** What the constructs import: `vpc`, `data-aws-partition`, `provider`, … */
function importedBindings() {
  const files = readdirSync("constructs", { recursive: true }).filter((file) => file.endsWith(".ts"));
  const sources = files.map((file) => readFileSync(`constructs/${file}`, "utf8"));
  const imports = sources.flatMap((text) => [...text.matchAll(/@cdktf\/provider-aws\/lib\/([\w-]+)/g)]);
  return new Set(imports.map(([, leaf]) => leaf.replaceAll("-", "_")));
}

/** Terraform with the provider mirror that the local stack has found, unless the user has a configuration. */
function terraform(...args) {
  const own = process.env.TF_CLI_CONFIG_FILE;
  const found = ".local/terraform.tfrc";
  const env = { ...process.env, CHECKPOINT_DISABLE: "1" };
  if (!(own && existsSync(own)) && existsSync(found)) env.TF_CLI_CONFIG_FILE = `${process.cwd()}/${found}`;
  const binary = process.env.TERRAFORM_BINARY_NAME ?? "terraform";
  const { status, stdout, stderr } = spawnSync(binary, ["-chdir=.gen/schema", ...args], {
    env,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
  });
  if (status === 0) return stdout;
  console.error(`${binary} ${args.join(" ")} failed:\n${stderr ?? "it is not installed"}`);
  process.exit(1);
}

rmSync(".gen", { recursive: true, force: true });
mkdirSync(".gen/schema", { recursive: true });
const required = { required_providers: { aws: { source: SOURCE, version } } };
writeFileSync(".gen/schema/main.tf.json", JSON.stringify({ terraform: required }));
terraform("init", "-input=false", "-no-color");
const schema = JSON.parse(terraform("providers", "schema", "-json"));
const installed = JSON.parse(terraform("version", "-json")).provider_selections[SOURCE];

const wanted = importedBindings();
const only = (schemas, nameOf) =>
  Object.fromEntries(Object.entries(schemas).filter(([type]) => wanted.has(nameOf(type))));
const aws = schema.provider_schemas[SOURCE];
const resources = only(aws.resource_schemas, (type) => type.replace(/^aws_/, ""));
const dataSources = only(aws.data_source_schemas, (type) => `data_${type}`);
await generateProviderBindingsFromSchema(".gen", {
  format_version: schema.format_version,
  provider_schemas: {
    [SOURCE]: { provider: aws.provider, resource_schemas: resources, data_source_schemas: dataSources },
  },
  provider_versions: { [SOURCE]: installed },
});
rmSync(".gen/schema", { recursive: true });
const missing = [...wanted].filter(
  (leaf) => leaf !== "provider" && !resources[`aws_${leaf}`] && !dataSources[leaf.replace(/^data_/, "")],
);
console.log(
  `.gen/providers/aws: provider ${installed}, ${Object.keys(resources).length} resources, ` +
    `${Object.keys(dataSources).length} data sources`,
);
if (missing.length > 0) {
  console.error(`provider ${installed} does not know: ${missing.join(", ")}`);
  process.exit(1);
}
