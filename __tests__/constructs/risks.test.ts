import { readFileSync } from "node:fs";
import { join } from "node:path";
import { RISKS } from "../../constructs/risks";

const readme = readFileSync(join(__dirname, "../../README.md"), "utf8");

test.each(Object.entries(RISKS))("the README says what %s means", (risk, meaning) => {
  const row = readme.split("\n").find((line) => line.startsWith(`| \`${risk}\``));
  expect(row?.split("|")[2]?.trim()).toBe(meaning);
});
