import { TerraformOutput } from "cdktf";
import { Secrets, type SecretsProps } from "../../constructs/secrets";
import { refusal } from "../support/refusal";
import { testStack } from "../support/stack";
import { Template } from "../support/template";

function synth(props?: SecretsProps): Template {
  const stack = testStack();
  const secrets = new Secrets(stack, "secrets", props);
  new TerraformOutput(stack, "arns", { value: secrets.arns });
  new TerraformOutput(stack, "password", { value: secrets.ephemeralDatabasePassword });
  return Template.of(stack);
}

describe("the default secrets", () => {
  const template = synth();
  const arn = (name: string) => template.dataRef("aws_secretsmanager_secret", name, "arn");

  test("are the four documented ones, found by name", () => {
    expect(
      Object.values(template.json.data?.aws_secretsmanager_secret ?? {})
        .map(({ name }) => name)
        .sort(),
    ).toEqual([
      "mlflow/oauth2-client-id",
      "mlflow/oauth2-client-secret",
      "mlflow/oauth2-cookie-secret",
      "mlflow/store-db-password",
    ]);
    expect(template.json.output?.arns.value).toEqual({
      clientId: arn("oauth2-client-id"),
      clientSecret: arn("oauth2-client-secret"),
      cookieSecret: arn("oauth2-cookie-secret"),
      databasePassword: arn("store-db-password"),
    });
  });

  test("are read for no value but the database password, and that ephemerally", () => {
    const [address] = template.addresses.filter((each) => each.startsWith("ephemeral."));
    expect(template.json.ephemeral).toEqual({
      aws_secretsmanager_secret_version: {
        [address?.split(".")[2] ?? ""]: { secret_id: arn("store-db-password") },
      },
    });
    expect(template.json.output?.password.value).toBe(`\${${address}.secret_string}`);
    expect(template.addresses.filter((each) => each.includes("secret_version"))).toEqual([address]);
  });
});

test("secrets have the given prefix", () => {
  expect(synth({ prefix: "team/a" }).data("aws_secretsmanager_secret", "store-db-password").name).toBe(
    "team/a/store-db-password",
  );
});

test("a prefix that Secrets Manager refuses is refused", () => {
  expect(refusal(() => synth({ prefix: "my secrets" }))).toEqual([
    'prefix: "my secrets" is malformed: write letters, digits and /_+=.@-',
  ]);
});
