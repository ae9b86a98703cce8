#!/usr/bin/env node
// Writes the JSON schema of the environment files and their reference page from their TypeScript type.
// With --check it compares instead, and exits with 1 where a file is out of date.
import { readFileSync, writeFileSync } from "node:fs";
import { createGenerator } from "ts-json-schema-generator";

const schema = createGenerator({
  path: "constructs/config/environment-file.ts",
  tsconfig: "tsconfig.json",
  type: "EnvironmentFile",
  skipTypeCheck: true,
  topRef: false,
  expose: "none",
}).createSchema("EnvironmentFile");

/** One row for each key, required ones first, blocks before their own keys. */
function rows({ properties, required = [] }, prefix = "") {
  const keys = [...required, ...Object.keys(properties).filter((key) => !required.includes(key))];
  return keys.flatMap((key) => {
    const value = properties[key];
    const path = `${prefix}${key}`;
    const inner = value.type === "array" ? value.items : value;
    const nested = inner.properties ? rows(inner, value.type === "array" ? `${path}[].` : `${path}.`) : [];
    const absent = required.includes(key) ? "required" : byDefault(value.default);
    return [
      `| \`${path}\` | ${typeOf(value)} | ${absent} | ${value.description.replaceAll("|", "\\|")} |`,
      ...nested,
    ];
  });
}

function byDefault(value) {
  return typeof value === "string" && value.startsWith("- ")
    ? value.slice(2)
    : `\`${JSON.stringify(value)}\``;
}

function typeOf({ type, items, enum: values, properties }) {
  if (values) return values.map((value) => `\`${value}\``).join(", ");
  if (type === "array") return `list of ${items.properties ? "blocks" : typeOf(items)}`;
  return properties ? "block" : type === "object" ? "map" : type;
}

// A default that starts with "- " describes a behaviour: editors must not offer it as a value.
const withoutBehaviours = (key, value) => (key === "default" && /^- /.test(value) ? undefined : value);

const files = {
  "constructs/config/environment.schema.json": `${JSON.stringify(schema, withoutBehaviours, 2)}\n`,
  "docs/environments.md": `# Environment files

One file in \`environments/\` is one MLflow: one stack, one state, one account and region. The file's name without
\`.yaml\` is the stack's: \`npx cdktf deploy dev\` deploys \`environments/dev.yaml\`. With this first line an editor
completes keys and shows what they mean (VS Code with the YAML extension, for one):

\`\`\`yaml
# yaml-language-server: $schema=../constructs/config/environment.schema.json
\`\`\`

All mistakes of a file are reported at once, before anything is written. This page is generated from the type
\`EnvironmentFile\` (\`npm run schema\`); in code, the props of \`MlflowStack\` have the same names.

| key | type | default | meaning |
| --- | --- | --- | --- |
${rows(schema).join("\n")}
`,
};

for (const [file, text] of Object.entries(files)) {
  if (!process.argv.includes("--check")) {
    writeFileSync(file, text);
  } else if (readFileSync(file, "utf8") !== text) {
    console.error(`${file} is out of date: run npm run schema`);
    process.exitCode = 1;
  }
}
