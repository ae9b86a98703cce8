import { execFileSync, spawnSync } from "node:child_process";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = join(__dirname, "..", "..");
const DEV = `
region: eu-west-1
state: { bucket: acme-terraform-state, lock: both }
dns: { hostedZone: example.com, recordName: mlflow, domain: example.com }
login: { provider: google, emailDomains: [example.com] }
programs:
  - { issuer: google, audience: "https://mlflow.example.com" }
  - { issuer: "https://ci.example.com", audience: it's, mayNamePeople: true }
acknowledgedRisks: [issuer-names-people]
loadBalancer: { httpsPort: 8443 }
`;

let folder: string;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "commands-")));
  compile();
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** What `cdktf synth` does first; passed over when no source is newer than its last output. */
function compile(): void {
  const sources = readdirSync(join(ROOT, "constructs"), { recursive: true, encoding: "utf8" });
  const changed = [...sources.map((file) => join("constructs", file)), "main.ts"].map(
    (file) => statSync(join(ROOT, file)).mtimeMs,
  );
  const compiled = statSync(join(ROOT, "dist/.tsbuildinfo"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (Math.max(...changed) < compiled) return;
  execFileSync(process.execPath, [
    join(ROOT, "node_modules/typescript/bin/tsc"),
    "-p",
    join(ROOT, "tsconfig.build.json"),
  ]);
}

/** Runs a program of dist/, or one at an absolute path, in an empty folder beside the folder of the environments. */
function run(program: string, environments: Record<string, string>, ...words: string[]) {
  const cwd = mkdtempSync(join(folder, "cwd-"));
  const ENVIRONMENTS = mkdtempSync(join(folder, "environments-"));
  for (const [name, text] of Object.entries(environments)) writeFileSync(join(ENVIRONMENTS, name), text);
  const { stdout, stderr, status } = spawnSync(process.execPath, [resolve(ROOT, "dist", program), ...words], {
    cwd,
    env: { ...process.env, ENVIRONMENTS },
    encoding: "utf8",
  });
  const written = readdirSync(cwd, { recursive: true, encoding: "utf8" }).sort();
  return { stdout, stderr: stderr.replaceAll(ENVIRONMENTS, "environments"), status, written };
}

describe("synthesis", () => {
  test("writes a stack for each environment", () => {
    const { status, stderr, written } = run("main.js", { "dev.yaml": DEV, "prod.yaml": DEV });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(written).toContain("cdktf.out/stacks/dev/cdk.tf.json");
    expect(written).toContain("cdktf.out/stacks/prod/cdk.tf.json");
  });

  test("names every mistake without a stack trace, and writes nothing", () => {
    const mistakes = `${DEV}service: { memory: 5000 }\nartefactStore: {}\naccountIds: [111122223333]\n`;
    expect(run("main.js", { "dev.yaml": DEV, "prod.yaml": mistakes })).toEqual({
      status: 1,
      stdout: "",
      stderr: [
        "environments/prod.yaml: 3 problems, nothing was written",
        "  artefactStore   unknown; did you mean artifactStore?",
        "  accountIds[0]   111122223333 is a number, must be a string: write it in quotes",
        "  service.memory  5000 MiB does not go with 2048 CPU units on Fargate: 4096–16384 in steps of 1024",
        "",
      ].join("\n"),
      written: [],
    });
  });

  test("tells what guard rules find in the same way", () => {
    // GIVEN main.ts with an override
    const program = join(folder, "overriding.js");
    writeFileSync(
      program,
      readFileSync(join(ROOT, "dist/main.js"), "utf8")
        .replaceAll('require("./', `require("${ROOT}/dist/`)
        .replace('require("cdktf")', `require("${ROOT}/node_modules/cdktf")`)
        .replace(
          "app.synth()",
          'app.node.findChild("dev").mlflow.loadBalancer.node.findChild("https-listener").addOverride("ssl_policy", "old"); $&',
        ),
    );
    // WHEN
    const { written, ...said } = run(program, { "dev.yaml": DEV });
    // THEN
    expect(said).toEqual({
      status: 1,
      stdout: "",
      stderr: [
        "dev: 1 problem, nothing was written",
        '  mlflow/load-balancer/https-listener.ssl_policy  "old" lets TLS 1.0 through: write one such as ' +
          '"ELBSecurityPolicy-TLS13-1-2-2021-06", or acknowledge it with acknowledgedRisks: ["weak-tls"]',
        "",
      ].join("\n"),
    });
    expect(written).toEqual(["cdktf.out", "cdktf.out/stacks", "cdktf.out/stacks/dev"]);
    const acknowledged = run(program, {
      "dev.yaml": DEV.replace("[issuer-names-people]", "[issuer-names-people, weak-tls]"),
    });
    expect(acknowledged.status).toBe(0);
    expect(acknowledged.written).toContain("cdktf.out/stacks/dev/cdk.tf.json");
  });

  test("says what to write where there is no environment", () => {
    expect(run("main.js", {})).toEqual({
      status: 1,
      stdout: "",
      stderr: [
        "environments: 1 problem, nothing was written",
        '  environments  has no environment: write one file for each, such as "dev.yaml" (docs/environments.md)',
        "",
      ].join("\n"),
      written: [],
    });
  });
});

describe("printing for scripts", () => {
  const print = "constructs/config/print.js";

  test("gives a shell what the file says, and its defaults", () => {
    // GIVEN
    const { status, stdout, stderr } = run(print, { "dev.yaml": DEV }, "dev");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    // WHEN
    const names = stdout
      .trim()
      .split("\n")
      .map((line) => line.split("=")[0]);
    const show = names.map((name) => `printf '%s\\n' "${name}: $${name}"`).join("\n");
    const shown = execFileSync("sh", ["-euc", `${stdout}\n${show}`], { encoding: "utf8" });
    // THEN
    expect(shown.trim().split("\n")).toEqual([
      "environment: dev",
      "region: eu-west-1",
      "deploymentName: oauth2-mlflow",
      "passwordVersion: 1",
      "accountIds: ",
      "assumeRole: ",
      "dnsAssumeRole: ",
      "stateBackend: s3",
      "stateBucket: acme-terraform-state",
      "stateKey: mlflow/dev/terraform.tfstate",
      "stateRegion: eu-west-1",
      "stateLock: both",
      "stateLockTable: terraform-locks",
      "hostedZone: example.com",
      "host: mlflow.example.com",
      "uri: https://mlflow.example.com:8443",
      "certificateArn: ",
      "certificateDomain: example.com",
      "sessionStore: cookie",
      "secretsPrefix: mlflow",
      "loginProvider: google",
      "loginIssuer: https://accounts.google.com",
      "ownIssuer: ",
      "emailDomains: example.com",
      "groups: ",
      "groupsClaim: groups",
      "programs: https://accounts.google.com=https://mlflow.example.com https://ci.example.com=it's",
    ]);
  });

  test("prints nothing when there are mistakes", () => {
    expect(run(print, { "dev.yaml": DEV }, "prod")).toEqual({
      status: 1,
      stdout: "",
      stderr: [
        "environments/prod.yaml: 1 problem, nothing was written",
        "  prod  is no environment: write one of dev",
        "",
      ].join("\n"),
      written: [],
    });
  });
});

test("schema and reference of the environment files are those of their type", () => {
  const { status, stderr } = spawnSync(process.execPath, ["scripts/write-schema.mjs", "--check"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
}, 60_000);
