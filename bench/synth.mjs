#!/usr/bin/env node
// Synthesis of the same environments, compiled and through ts-node, side by side:
//   npm run build && node bench/synth.mjs [RUNS]
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const RUNS = Number(process.argv[2] ?? 5);
const scratch = mkdtempSync(join(tmpdir(), "bench-synth-"));
const usageFile = join(scratch, "usage");

const ways = {
  "node dist/main.js": ["--max-semi-space-size=4", "dist/main.js"],
  "ts-node --transpile-only main.ts": ["node_modules/ts-node/dist/bin-transpile.js", "main.ts"],
  "ts-node main.ts": ["node_modules/ts-node/dist/bin.js", "main.ts"],
};

function measure(args) {
  const started = process.hrtime.bigint();
  const { status, stderr } = spawnSync(process.execPath, ["--require", "./bench/report-usage.cjs", ...args], {
    env: { ...process.env, CDKTF_OUTDIR: join(scratch, "out"), USAGE_FILE: usageFile },
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  return { seconds, megabytes: Number(readFileSync(usageFile, "utf8")) / 1024 };
}

const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const results = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
for (let run = 0; run < RUNS; run++) {
  for (const [way, args] of Object.entries(ways)) results[way].push(measure(args));
}
rmSync(scratch, { recursive: true });

const base = median(Object.values(results)[0].map(({ seconds }) => seconds));
for (const [way, runs] of Object.entries(results)) {
  const seconds = median(runs.map((run) => run.seconds));
  const megabytes = Math.max(...runs.map((run) => run.megabytes));
  console.log(
    `${way.padEnd(34)} ${seconds.toFixed(2).padStart(6)} s  ${megabytes.toFixed(0).padStart(5)} MB  × ${(seconds / base).toFixed(1)}`,
  );
}
