import type { JwtIssuerOptions } from "../identity/jwt-issuer";
import type { LoginOptions } from "../identity/presets";
import type { MlflowOptions } from "../mlflow";
import type { StackOptions } from "../mlflow-stack";
import type { S3StateProps } from "../state-backend";

/** Where Terraform keeps its state. */
export interface StateFile extends Omit<S3StateProps, "bucket"> {
  /**
   * `s3`, or `local` for a file in the working directory: for a trial, since it has no lock and nobody else has it.
   * @default "s3"
   */
  readonly backend?: "s3" | "local";
  /**
   * The S3 bucket's name.
   * @default - none: `s3` needs it
   */
  readonly bucket?: string;
}

/** One environment: a file in `environments/`, whose name is the stack's. */
export interface EnvironmentFile extends StackOptions, MlflowOptions {
  /** Where Terraform keeps its state. */
  readonly state: StateFile;
  /** Who logs people in. */
  readonly login: LoginOptions;
  /**
   * Whose bearer tokens programs may send, beside those of the login's own client.
   * @default - no other issuer
   */
  readonly programs?: readonly JwtIssuerOptions[];
}
