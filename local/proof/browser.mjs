// Drives a real browser through the stack and prints what it saw as JSON; browser.py judges it.
// Input, JSON on stdin: {chromium, uri, httpUri, user, outsider, spki, run: {id, name, experimentId}, screenshots}
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const PATIENCE = 60_000;
const CALL = "/ajax-api/2.0/mlflow/experiments/search?max_results=1";
const input = JSON.parse(readFileSync(0, "utf8"));

/** A fresh profile each time: nobody is signed in, nothing is trusted but the given keys. */
async function withBrowser(trust, use) {
  const seen = {};
  const profile = mkdtempSync(join(tmpdir(), "proof-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: input.chromium,
    headless: false, // --headless=new is the full browser, playwright's own headless mode is not
    viewport: { width: 1440, height: 900 },
    args: [...FLAGS, `--ignore-certificate-errors-spki-list=${trust.join(",")}`],
  });
  try {
    const page = context.pages()[0] ?? (await context.newPage());
    page.setDefaultTimeout(PATIENCE);
    await use(page, context, seen).catch((error) => {
      seen.error = error.message.split("\n").slice(0, 4).join(" ");
      seen.at = page.url().split("?")[0];
    });
    return seen;
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

async function screenshot(page, name) {
  if (!input.screenshots) return;
  await page.waitForTimeout(1500); // tables and charts are drawn after their text is there
  await page.screenshot({ path: join(input.screenshots, `${name}.png`), animations: "disabled" });
}

async function signIn(page, { email, password }) {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

async function untrusted(page, context, seen) {
  seen.outcome = await page.goto(input.uri).then(
    (response) => `it answered ${response.status()}`,
    (error) => /net::\w+/.exec(error.message)?.[0] ?? error.message,
  );
}

/** The requests that led to this one by redirects, the first one first. */
function redirects(request) {
  const before = request.redirectedFrom();
  return before ? [...redirects(before), request] : [request];
}

async function user(page, context, seen) {
  const first = await page.goto(`${input.httpUri}/?from=http`);
  const hops = redirects(first.request());
  seen.hops = hops.map((request) => request.url().split("?")[0]);
  seen.httpStatus = (await hops[0].response()).status();
  seen.loginHost = new URL(page.url()).host;
  seen.tls = (await first.securityDetails())?.protocol;
  seen.loginTitle = await page.getByRole("heading").first().textContent();
  await screenshot(page, "login");

  await signIn(page, { ...input.user, password: `${input.user.password}-wrong` });
  seen.wrongPassword = await page.getByRole("alert").textContent();
  await signIn(page, input.user);
  await page.waitForURL(`${input.uri}/**`);
  seen.landed = page.url();
  seen.cookies = (await context.cookies(input.uri)).map(({ name, value, ...flags }) => ({
    name,
    size: value.length,
    ...flags,
  }));
  seen.calls = 0;
  seen.failedCalls = [];
  page.on("response", (response) => {
    seen.calls += 1;
    // 404 is not a failure: the page asks for optional parts, such as the users of MLflow's own login.
    if (response.status() >= 400 && response.status() !== 404)
      seen.failedCalls.push(`${response.status()} ${response.url()}`);
  });
  if (!input.run) return;
  const experiment = `${input.uri}/#/experiments/${input.run.experimentId}`;
  await page.goto(`${experiment}/runs`);
  await page.getByText("Model training", { exact: true }).click();
  await page.getByRole("link", { name: input.run.name }).first().waitFor();
  seen.experimentShowsRun = true;
  await screenshot(page, "experiment");
  await page.goto(`${experiment}/runs/${input.run.id}`);
  await page.getByText(input.run.id).first().waitFor();
  await screenshot(page, "run");
  await page.goto(`${experiment}/runs/${input.run.id}/model-metrics`);
  await page.locator(".js-plotly-plot .main-svg").first().waitFor();
  seen.runShowsMetrics = await page.getByText("val_auc").first().isVisible();
  await screenshot(page, "metrics");

  page.removeAllListeners("response");
  const copied = await context.cookies(input.uri);
  await page.goto(`${input.uri}/oauth2/sign_out`);
  // The identity provider may have logged the person in again by itself.
  await context.clearCookies();
  seen.afterLogout = (await page.goto(`${input.uri}${CALL}`)).status();
  await context.addCookies(copied);
  seen.replayed = (await page.goto(`${input.uri}${CALL}`)).status();
}

async function outsider(page, context, seen) {
  await page.goto(input.uri);
  const answered = page.waitForResponse((response) =>
    response.url().startsWith(`${input.uri}/oauth2/callback`),
  );
  await signIn(page, input.outsider);
  seen.status = (await answered).status();
  await page.waitForLoadState();
  seen.url = page.url().split("?")[0];
  seen.text = (await page.locator("body").innerText()).slice(0, 200);
  await screenshot(page, "refused");
  const cookies = await context.cookies(input.uri);
  // A large session is split: _0, _1, … The cookie of a login under way ends with _csrf and is no session.
  seen.sessionCookies = cookies.map(({ name }) => name).filter((name) => /^__Host-mlflow(_\d+)?$/.test(name));
  seen.homeStatus = (await page.goto(input.uri)).status();
}

console.log(
  JSON.stringify({
    untrusted: await withBrowser([], untrusted),
    user: await withBrowser(input.spki, user),
    outsider: await withBrowser(input.spki, outsider),
  }),
);
