import { App } from "cdktf";
import { IdentityProvider, JwtIssuer, MlflowStack, StateBackend } from "../../constructs";

const app = new App();

// Everything that is not said here has the documented default.
new MlflowStack(app, "documented", {
  region: "eu-west-1",
  state: StateBackend.s3({ bucket: "acme-terraform-state", lockTable: "terraform-locks" }),
  dns: { hostedZone: "example.com", recordName: "mlflow", domain: "example.com" },
  login: IdentityProvider.google({ emailDomains: ["example.com"] }),
  programs: [
    JwtIssuer.googleServiceAccounts({ audience: "https://mlflow.example.com", projects: ["my-project"] }),
  ],
});

app.synth();
