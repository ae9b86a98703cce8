// Writes backendStore.passwordVersion into an environment file and leaves the rest of it as it is, comments and layout
// included: node scripts/write-password-version.mjs FILE VERSION
import { readFileSync, writeFileSync } from "node:fs";
import { isMap, parseDocument } from "yaml";

const [file, version] = process.argv.slice(2);
const text = readFileSync(file, "utf8");
const store = parseDocument(text).get("backendStore");
const entry = `passwordVersion: ${version}`;

function replace(start, end, part) {
  writeFileSync(file, text.slice(0, start) + part + text.slice(end));
}

if (store === undefined) {
  replace(text.length, text.length, `${text.endsWith("\n") ? "" : "\n"}backendStore:\n  ${entry}\n`);
} else if (isMap(store) && store.has("passwordVersion")) {
  const [start, end] = store.get("passwordVersion", true).range;
  replace(start, end, version);
} else if (isMap(store) && store.items.length > 0) {
  const [start] = store.items[0].key.range;
  const indent = text.slice(text.lastIndexOf("\n", start) + 1, start);
  replace(start, start, entry + (store.flow ? ", " : `\n${indent}`));
}
