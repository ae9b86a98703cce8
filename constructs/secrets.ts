import { DataAwsSecretsmanagerSecret } from "@cdktf/provider-aws/lib/data-aws-secretsmanager-secret";
import { TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { checkPattern } from "./checks";
import { type Problem, refuse } from "./errors";

/** The names of the secrets. */
export interface SecretsProps {
  /**
   * What stands before the `/` in the names of the four secrets: `<prefix>/oauth2-client-id`,
   * `<prefix>/oauth2-client-secret`, `<prefix>/oauth2-cookie-secret` and `<prefix>/store-db-password`.
   * Two deployments in one account may share them or have their own.
   *
   * @default "mlflow"
   */
  readonly prefix?: string;
}

/** The ARNs of the four secrets. */
export interface SecretArns {
  /** The OAuth 2.0 client's id. */
  readonly clientId: string;
  /** The OAuth 2.0 client's secret. */
  readonly clientSecret: string;
  /** The key that oauth2-proxy encrypts its cookies with. */
  readonly cookieSecret: string;
  /** The password of the database's user. */
  readonly databasePassword: string;
}

/**
 * The four secrets, which exist before the first deployment (`scripts/create-secrets.sh`). Only their names and ARNs
 * are known here; no value gets into the synthesized JSON, the plan or the state.
 */
export class Secrets extends Construct {
  /** The ARNs of the four secrets. */
  public readonly arns: SecretArns;

  /**
   * The database password as Terraform reads it anew in each run: only an attribute that is write-only may take it.
   * Needs Terraform 1.11 or OpenTofu 1.11.
   */
  public readonly ephemeralDatabasePassword: string;

  public constructor(scope: Construct, id: string, props: SecretsProps = {}) {
    super(scope, id);
    refuse(this.node.path, secretsProblems(props));
    const { prefix = "mlflow" } = props;
    const secret = (name: string) =>
      new DataAwsSecretsmanagerSecret(this, name, { name: `${prefix}/${name}` });
    const databasePassword = secret("store-db-password");
    this.arns = {
      clientId: secret("oauth2-client-id").arn,
      clientSecret: secret("oauth2-client-secret").arn,
      cookieSecret: secret("oauth2-cookie-secret").arn,
      databasePassword: databasePassword.arn,
    };
    this.ephemeralDatabasePassword = readEphemerally(databasePassword);
  }
}

// CDKTF 0.21 has no class for ephemeral resources.
function readEphemerally(secret: DataAwsSecretsmanagerSecret): string {
  const address = `aws_secretsmanager_secret_version.${secret.friendlyUniqueId}`;
  TerraformStack.of(secret).addOverride(`ephemeral.${address}`, { secret_id: secret.arn });
  return `\${ephemeral.${address}.secret_string}`;
}

/**
 * What is wrong with the names of the secrets.
 *
 * @param props the names
 */
export function secretsProblems({ prefix }: SecretsProps): Problem[] {
  return checkPattern(
    "prefix",
    prefix,
    /^[A-Za-z0-9_+=.@-][A-Za-z0-9/_+=.@-]{0,200}$/,
    "letters, digits and /_+=.@-",
  );
}
