import { createHash, createPrivateKey, randomBytes } from "node:crypto";
import { createServer } from "node:https";
import { Provider, interactionPolicy } from "oidc-provider";
import { ConfigError, loadConfig } from "./config.mjs";
import { memoryAdapter } from "./memory-adapter.mjs";
import { errorPage, loginPage } from "./pages.mjs";

const HOUR = 60 * 60;
const MAX_FORM_BYTES = 4096;

function signingJwk(pem) {
  return {
    ...createPrivateKey(pem).export({ format: "jwk" }),
    use: "sig",
    alg: "RS256",
    kid: randomBytes(8).toString("hex"),
  };
}

function clientMetadata(client) {
  const isPublic = client.client_secret === undefined;
  return {
    ...client,
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    application_type: isPublic ? "native" : "web",
    token_endpoint_auth_method: isPublic ? "none" : "client_secret_basic",
  };
}

function subject(user) {
  return createHash("sha256").update(user.email).digest("hex").slice(0, 24);
}

function claimsOf(user) {
  return {
    sub: subject(user),
    email: user.email,
    email_verified: true,
    preferred_username: user.email.split("@")[0],
    groups: user.groups,
  };
}

/** Signing in is the consent: every client here belongs to the demo. */
async function grantAll(ctx) {
  const { client, session, provider } = ctx.oidc;
  const grant = new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
  grant.addOIDCScope("openid offline_access email profile groups");
  grant.addOIDCClaims(["sub", "email", "email_verified", "preferred_username", "groups"]);
  await grant.save();
  return grant;
}

function signInOnlyPolicy() {
  const policy = interactionPolicy.base();
  policy.get("consent").checks.remove("native_client_prompt");
  return policy;
}

function createProvider({ issuer, signingKey, clients, users }) {
  return new Provider(issuer, {
    adapter: memoryAdapter(),
    clients: clients.map(clientMetadata),
    jwks: { keys: [signingJwk(signingKey)] },
    cookies: { keys: [randomBytes(32).toString("hex")] },
    scopes: ["openid", "offline_access", "email", "profile", "groups"],
    claims: {
      openid: ["sub"],
      email: ["email", "email_verified"],
      profile: ["preferred_username", "groups"],
      groups: ["groups"],
    },
    conformIdTokenClaims: false,
    responseTypes: ["code"],
    pkce: { required: (ctx, client) => client.clientAuthMethod === "none" },
    clientBasedCORS: () => false,
    findAccount: (ctx, sub) => {
      const user = users.find((candidate) => subject(candidate) === sub);
      return user && { accountId: sub, claims: () => claimsOf(user) };
    },
    loadExistingGrant: grantAll,
    interactions: { policy: signInOnlyPolicy(), url: (ctx, { uid }) => `/login/${uid}` },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      resourceIndicators: { enabled: false },
    },
    ttl: {
      AccessToken: HOUR,
      AuthorizationCode: 60,
      IdToken: HOUR,
      RefreshToken: 24 * HOUR,
      Interaction: HOUR,
      Session: 8 * HOUR,
      Grant: 24 * HOUR,
    },
    renderError: (ctx, out) => {
      ctx.type = "html";
      ctx.body = errorPage({
        title: "This sign-in cannot go on",
        detail: out.error_description ?? out.error,
      });
    },
  });
}

async function readForm(request) {
  let body = "";
  for await (const chunk of request) {
    body += chunk;
    if (body.length > MAX_FORM_BYTES) throw new Error("form is too long");
  }
  return new URLSearchParams(body);
}

/** The page behind `interactions.url`: shows the form, checks the password, hands the result to the provider. */
function signIn(provider, users) {
  const send = (response, status, html) => {
    response.writeHead(status, {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    });
    response.end(html);
  };

  return async (request, response) => {
    let interaction;
    try {
      interaction = await provider.interactionDetails(request, response);
    } catch {
      const detail = "It was finished already, or is too old. Go back to the application and start again.";
      return send(response, 400, errorPage({ title: "This sign-in is over", detail }));
    }
    if (interaction.prompt.name === "consent") {
      return provider.interactionFinished(
        request,
        response,
        { consent: {} },
        { mergeWithLastSubmission: true },
      );
    }
    const goingTo = new URL(interaction.params.redirect_uri).host;
    if (request.method !== "POST") return send(response, 200, loginPage({ goingTo, users }));

    const form = await readForm(request);
    const email = (form.get("email") ?? "").trim().toLowerCase();
    const user = users.find((candidate) => candidate.email.toLowerCase() === email);
    if (!user || user.password !== form.get("password")) {
      console.log("sign-in refused: wrong e-mail or password");
      return send(response, 401, loginPage({ goingTo, users, email, error: "Wrong e-mail or password." }));
    }
    console.log(`signed in: ${user.email}`);
    return provider.interactionFinished(request, response, { login: { accountId: subject(user) } });
  };
}

function start() {
  const config = loadConfig(process.env.IDP_CONFIG);
  const provider = createProvider(config);
  provider.on("server_error", (ctx, error) => console.error(`error on ${ctx.path}: ${error.message}`));
  provider.on("authorization.error", (ctx, error) =>
    console.error(`authorization refused: ${error.message}`),
  );
  provider.on("grant.error", (ctx, error) => console.error(`token refused: ${error.message}`));

  const openId = provider.callback();
  const login = signIn(provider, config.users);
  const server = createServer({ cert: config.cert, key: config.key }, (request, response) => {
    if (!request.url.startsWith("/login/")) return openId(request, response);
    return login(request, response).catch((error) => {
      console.error(`error on the login page: ${error.message}`);
      response.destroy();
    });
  });
  server.on("error", (error) => {
    const inUse = error.code === "EADDRINUSE";
    console.error(
      inUse ? `port ${config.port} is in use. Stop the program that listens there` : error.message,
    );
    process.exit(1);
  });
  server.listen(config.port, "127.0.0.1", () => console.log("listening"));

  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => {
      server.close(() => process.exit(0));
      server.closeAllConnections();
    });
  }
}

try {
  start();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  process.exit(1);
}
