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

/** The company's identity provider. */
export interface LoginFile {
  /** `google`, or `oidc` for any OpenID Connect provider. */
  readonly provider: "google" | "oidc";
  /**
   * The issuer's URL; `oidc` needs it.
   * @default - Google's own
   */
  readonly issuer?: string;
  /** Domains of the e-mail addresses that may log in, such as `example.com`; sub-domains are not included. */
  readonly emailDomains: readonly string[];
}

/** An issuer of bearer tokens for programs. */
export interface ProgramFile {
  /** `google`, or the issuer's URL as in the tokens' `iss`. */
  readonly issuer: string;
  /** The `aud` that a token must have. */
  readonly audience: string;
}

/** One environment: a file in `environments/`, whose name is the stack's. */
export interface EnvironmentFile extends StackOptions, MlflowOptions {
  /** Where Terraform keeps its state. */
  readonly state: StateFile;
  /** Who logs people in. */
  readonly login: LoginFile;
  /**
   * Whose bearer tokens programs may send, beside those of the login's own client.
   * @default - no other issuer
   */
  readonly programs?: readonly ProgramFile[];
}
