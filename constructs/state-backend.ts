import { LocalBackend, S3Backend, type TerraformStack } from "cdktf";
import { checkOneOf, checkPattern } from "./checks";
import { type Problem, refuse } from "./errors";

/** How a state in S3 is locked against a second deployment at the same time. */
export type StateLock = "dynamodb" | "lockfile" | "both";

/** Where Terraform's state is kept in S3; `scripts/bootstrap-state.sh` makes the bucket and the table. */
export interface S3StateProps {
  /** The bucket's name. */
  readonly bucket: string;
  /**
   * The object's key.
   * @default "mlflow/<stack id>/terraform.tfstate"
   */
  readonly key?: string;
  /**
   * The bucket's region.
   * @default - the stack's region
   */
  readonly region?: string;
  /**
   * The lock: a DynamoDB table, an object beside the state (`lockfile`, the way that Terraform 1.11 recommends), or
   * `both` while you move from one to the other.
   * @default "dynamodb"
   */
  readonly lock?: StateLock;
  /**
   * The DynamoDB table, for the locks `dynamodb` and `both`.
   * @default "terraform-locks"
   */
  readonly lockTable?: string;
}

/** Where Terraform keeps its state. */
export abstract class StateBackend {
  /**
   * S3 with a lock.
   *
   * @param props the bucket, and how to lock
   * @throws ConfigurationError when a name is malformed
   */
  public static s3(props: S3StateProps): StateBackend {
    refuse("StateBackend.s3", s3StateProblems(props));
    return new S3State(props);
  }

  /**
   * A file in the working directory: for a trial, since it has no lock and nobody else has it.
   *
   * @param path the file's path; by default `terraform.<stack id>.tfstate` where synthesis ran
   */
  public static local(path?: string): StateBackend {
    return new LocalState(path);
  }

  /**
   * Adds the backend to a stack.
   *
   * @param stack the stack
   * @param region the stack's region
   */
  public abstract bind(stack: TerraformStack, region: string): void;
}

class S3State extends StateBackend {
  public constructor(private readonly props: S3StateProps) {
    super();
  }

  public override bind(stack: TerraformStack, region: string): void {
    const {
      bucket,
      key,
      region: bucketRegion,
      lock,
      lockTable,
    } = resolveS3State(this.props, stack.node.id, region);
    const config = {
      bucket,
      key,
      region: bucketRegion,
      encrypt: true,
      ...(lock === "lockfile" ? {} : { dynamodbTable: lockTable }),
      // CDKTF 0.21 writes the key though its type lacks it.
      ...(lock === "dynamodb" ? {} : { useLockfile: true }),
    };
    new S3Backend(stack, config);
  }
}

class LocalState extends StateBackend {
  public constructor(private readonly path?: string) {
    super();
  }

  public override bind(stack: TerraformStack): void {
    new LocalBackend(stack, { path: this.path });
  }
}

/**
 * A state in S3 with its defaults.
 *
 * @param props what was given
 * @param stackId the stack's id
 * @param region the stack's region
 */
export function resolveS3State(props: S3StateProps, stackId: string, region: string): Required<S3StateProps> {
  return {
    bucket: props.bucket,
    key: props.key ?? `mlflow/${stackId}/terraform.tfstate`,
    region: props.region ?? region,
    lock: props.lock ?? "dynamodb",
    lockTable: props.lockTable ?? "terraform-locks",
  };
}

/**
 * What is wrong with a state in S3.
 *
 * @param props the bucket, and how to lock
 */
export function s3StateProblems({ bucket, lock, lockTable }: Partial<S3StateProps>): Problem[] {
  return [
    ...checkPattern(
      "bucket",
      bucket,
      /^(?=.{3,63}$)[a-z0-9][a-z0-9.-]*[a-z0-9]$/,
      "an S3 bucket's name: 3–63 lower-case letters, digits, dots and hyphens",
    ),
    ...checkOneOf("lock", lock, ["dynamodb", "lockfile", "both"], "lock of a state in S3"),
    ...checkPattern(
      "lockTable",
      lockTable,
      /^[A-Za-z0-9_.-]{3,255}$/,
      "a DynamoDB table's name: 3–255 of A–Z a–z 0–9 _ . -",
    ),
  ];
}
