import { App } from "cdktf";
import { IdentityProvider, MlflowStack, StateBackend } from "../../constructs";

const app = new App();

// What has no default, and a database and a bucket that leave nothing behind: for a trial.
new MlflowStack(app, "minimal", {
  region: "eu-west-1",
  state: StateBackend.s3({ bucket: "acme-terraform-state", lock: "lockfile" }),
  dns: { hostedZone: "example.com", recordName: "mlflow", domain: "example.com" },
  login: IdentityProvider.google({ emailDomains: ["example.com"] }),
  network: { egress: "public-ip" },
  artifactStore: { suffix: "acme-trial", forceDestroy: true },
  backendStore: { deletionProtection: false, skipFinalSnapshot: true },
  service: { cpu: 1024, memory: 2048, maxCapacity: 1 },
});

app.synth();
