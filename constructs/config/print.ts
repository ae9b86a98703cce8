/**
 * `node dist/constructs/config/print.js NAME` prints what an environment file says, resolved, as `key='value'` lines
 * that a shell can evaluate. The scripts in `scripts/` read environments this way.
 */
import { join } from "node:path";
import { allEmailDomains } from "../containers/oauth2-proxy";
import { hostName } from "../dns-record";
import { publicHost } from "../load-balancer";
import { resolveS3State } from "../state-backend";
import { environmentsFolder } from "./folder";
import { type Environment, loadEnvironment } from "./load";
import { reportingMistakes } from "./report";

function values({ name, file, props }: Environment): Record<string, string> {
  const { state, dns, login } = file;
  const s3 =
    state.backend === "local"
      ? undefined
      : resolveS3State({ ...state, bucket: String(state.bucket) }, name, file.region);
  const host = hostName(dns);
  return {
    environment: name,
    region: file.region,
    deploymentName: file.name ?? "oauth2-mlflow",
    passwordVersion: String(file.backendStore?.passwordVersion ?? 1),
    accountIds: (file.accountIds ?? []).join(" "),
    assumeRole: file.assumeRole ?? "",
    dnsAssumeRole: file.dnsAssumeRole ?? "",
    stateBackend: state.backend ?? "s3",
    stateBucket: s3?.bucket ?? "",
    stateKey: s3?.key ?? "",
    stateRegion: s3?.region ?? "",
    stateLock: s3?.lock ?? "",
    stateLockTable: s3?.lockTable ?? "",
    hostedZone: dns.hostedZone,
    host,
    uri: `https://${publicHost(host, file.loadBalancer)}`,
    certificateArn: file.loadBalancer?.certificateArn ?? "",
    certificateDomain: file.loadBalancer?.certificateDomain ?? dns.domain,
    sessionStore: file.sessionStore ?? "cookie",
    secretsPrefix: file.secrets?.prefix ?? "mlflow",
    loginProvider: login.provider,
    loginIssuer: props.login.issuer ?? "",
    // The one whose tokens need no entry under programs.
    ownIssuer: login.provider === "google" ? "" : (props.login.issuer ?? ""),
    emailDomains: allEmailDomains(props.login, props.programs ?? []).join(" "),
    // Groups may have spaces in their names.
    groups: flagValues(props.login.flags, "allowed-group", "gitlab-group").join(","),
    groupsClaim: flagValues(props.login.flags, "oidc-groups-claim")[0] ?? "groups",
    programs: (props.programs ?? []).map(({ issuer, audience }) => `${issuer}=${audience}`).join(" "),
  };
}

function flagValues(flags: readonly string[], ...names: readonly string[]): string[] {
  return flags.flatMap((flag) => {
    const [, name, value] = /^--([a-z-]+)=(.*)$/.exec(flag) ?? [];
    return names.includes(String(name)) ? [String(value)] : [];
  });
}

reportingMistakes(() => {
  const environment = loadEnvironment(join(environmentsFolder(), `${process.argv[2]}.yaml`));
  for (const [key, value] of Object.entries(values(environment))) {
    console.log(`${key}='${value.replaceAll("'", `'\\''`)}'`);
  }
});
