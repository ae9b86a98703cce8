import { App } from "cdktf";
import { IdentityProvider, MlflowStack, StateBackend } from "../../constructs";

const app = new App();

// In the company's own VPC, reached from within only, behind the company's own identity provider.
new MlflowStack(app, "existing-vpc", {
  region: "eu-west-1",
  accountIds: ["111122223333"],
  state: StateBackend.s3({ bucket: "acme-terraform-state" }),
  dns: { hostedZone: "example.com", recordName: "mlflow", domain: "ml.example.com" },
  login: IdentityProvider.oidc({ issuer: "https://login.example.com", emailDomains: ["example.com"] }),
  existingNetwork: {
    vpcId: "vpc-0a1b2c3d4e5f60718",
    publicSubnetIds: ["subnet-0a1b2c3d4e5f60711", "subnet-0a1b2c3d4e5f60712"],
    privateSubnetIds: ["subnet-0a1b2c3d4e5f60721", "subnet-0a1b2c3d4e5f60722"],
    databaseSubnetIds: ["subnet-0a1b2c3d4e5f60731", "subnet-0a1b2c3d4e5f60732"],
  },
  loadBalancer: {
    internal: true,
    allowedCidrs: ["10.0.0.0/8"],
    certificateArn: "arn:aws:acm:eu-west-1:111122223333:certificate/2f6a0b1c-3d4e-4f50-8a6b-7c8d9e0f1a2b",
  },
});

app.synth();
