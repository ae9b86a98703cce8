// Loaded by bench/synth.mjs into each measured process: its peak memory goes to the file that USAGE_FILE names.
const { writeFileSync } = require("node:fs");

process.on("exit", () => writeFileSync(process.env.USAGE_FILE, String(process.resourceUsage().maxRSS)));
