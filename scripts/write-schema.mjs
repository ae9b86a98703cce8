#!/usr/bin/env node
// Writes the JSON schema of the environment files from their TypeScript type, for editors and for the loader.
// With --check it compares instead, and exits with 1 where the file is out of date.
import { readFileSync, writeFileSync } from "node:fs";
import { createGenerator } from "ts-json-schema-generator";

const FILE = "constructs/config/environment.schema.json";
const schema = createGenerator({
  path: "constructs/config/environment-file.ts",
  tsconfig: "tsconfig.json",
  type: "EnvironmentFile",
  skipTypeCheck: true,
  topRef: false,
  expose: "none",
}).createSchema("EnvironmentFile");
// A default that starts with "- " describes a behaviour: editors must not offer it as a value.
const withoutBehaviours = (key, value) => (key === "default" && /^- /.test(value) ? undefined : value);
const text = `${JSON.stringify(schema, withoutBehaviours, 2)}\n`;

if (!process.argv.includes("--check")) {
  writeFileSync(FILE, text);
} else if (readFileSync(FILE, "utf8") !== text) {
  console.error(`${FILE} is out of date: run npm run schema`);
  process.exit(1);
}
