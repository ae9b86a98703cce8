import { readFileSync } from "node:fs";

/** A mistake of the person who wrote the configuration: shown without a stack trace. */
export class ConfigError extends Error {}

function read(file, what) {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError(
      `${what}: cannot read "${file}" (${error.code}). Check the path and its permissions`,
    );
  }
}

function parse(file) {
  try {
    return JSON.parse(read(file, "IDP_CONFIG"));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`IDP_CONFIG: "${file}" is not JSON (${error.message})`);
  }
}

/** Reads the file that IDP_CONFIG names; the shape is in README.md. */
export function loadConfig(file) {
  if (!file) {
    throw new ConfigError(
      "IDP_CONFIG is not set. Set it to the path of a JSON file, see local/identity_provider/README.md",
    );
  }
  const config = parse(file);
  const wanted = {
    issuer: "an https URL",
    port: "a port number",
    certFile: "the path of a PEM file",
    keyFile: "the path of a PEM file",
    signingKeyFile: "the path of a PEM file",
    clients: "a list of {client_id, client_secret, redirect_uris}",
    users: "a list of {email, password, groups}",
  };
  const missing = Object.keys(wanted).filter((key) => config[key] === undefined);
  if (missing.length > 0) {
    throw new ConfigError(
      [`${file}: missing keys`, ...missing.map((key) => `  ${key}  ${wanted[key]}`)].join("\n"),
    );
  }
  return {
    issuer: config.issuer,
    port: config.port,
    cert: read(config.certFile, "certFile"),
    key: read(config.keyFile, "keyFile"),
    signingKey: read(config.signingKeyFile, "signingKeyFile"),
    clients: config.clients,
    users: config.users,
  };
}
