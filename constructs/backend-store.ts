import { DbSubnetGroup } from "@cdktf/provider-aws/lib/db-subnet-group";
import { RdsCluster } from "@cdktf/provider-aws/lib/rds-cluster";
import { RdsClusterInstance } from "@cdktf/provider-aws/lib/rds-cluster-instance";
import { RdsClusterParameterGroup } from "@cdktf/provider-aws/lib/rds-cluster-parameter-group";
import { SecurityGroup } from "@cdktf/provider-aws/lib/security-group";
import { Construct } from "constructs";
import { checkPattern, checkRange } from "./checks";
import type { BackendStoreConnection } from "./containers/backend-store-uri";
import { type Problem, refuse } from "./errors";

/** The backend store's settings. */
export interface BackendStoreOptions {
  /**
   * The most that the database may grow to, in Aurora capacity units (ACU; one has about 2 GiB of memory): 1–256 in
   * steps of 0.5.
   * @default 4
   */
  readonly maxCapacity?: number;
  /**
   * Whether the database pauses (0 ACU, no charge for compute) when nobody is connected. If not, it stays at 0.5 ACU.
   * @default true
   */
  readonly autoPause?: boolean;
  /**
   * How long nobody must have been connected before it pauses, in seconds: 300–86400.
   * @default 300
   */
  readonly secondsUntilAutoPause?: number;
  /**
   * Whether the database can be destroyed without a final snapshot (`<name>-final`). For throw-away use.
   * @default false
   */
  readonly skipFinalSnapshot?: boolean;
  /**
   * Whether AWS refuses to delete the database.
   * @default true
   */
  readonly deletionProtection?: boolean;
  /**
   * Aurora MySQL's version, or the start of one: AWS then takes its default. A pause needs 3.08 or later.
   * @default "8.0"
   */
  readonly engineVersion?: string;
  /**
   * Raised after the password's secret has changed, as `scripts/rotate-database-password.sh` does: Terraform does not
   * keep the password, so it cannot see that. The database then gets the new password, and new tasks replace the old.
   * @default 1
   */
  readonly passwordVersion?: number;
}

/** What a backend store is made of. */
export interface BackendStoreProps extends BackendStoreOptions {
  /** Names derive from it. */
  readonly name: string;
  /** The VPC's id. */
  readonly vpcId: string;
  /** Ids of subnets in two availability zones or more. */
  readonly subnetIds: string[];
  /** The ARN of the password's secret. */
  readonly passwordSecretArn: string;
  /** The password as an ephemeral value (`Secrets.ephemeralDatabasePassword`): it is kept nowhere. */
  readonly ephemeralPassword: string;
  /**
   * The KMS key that the database is encrypted with, from its creation on.
   * @default - AWS's own key for RDS
   */
  readonly kmsKeyArn?: string;
}

const PORT = 3306;
const USER = "ecs_task";
const DATABASE = "mlflow";
const BACKUP_DAYS = 14;

/** The Aurora Serverless v2 MySQL cluster that MLflow keeps everything but artifacts in. */
export class BackendStore extends Construct {
  /** How containers reach it. */
  public readonly connection: BackendStoreConnection;
  /** The security group of the database; without rules, nobody reaches it. */
  public readonly securityGroupId: string;
  /** The cluster's identifier. */
  public readonly clusterIdentifier: string;
  /** Whether the database pauses when nobody is connected. */
  public readonly autoPause: boolean;
  /** The instance that answers: a service must not start before it exists. */
  public readonly instance: RdsClusterInstance;

  public constructor(scope: Construct, id: string, props: BackendStoreProps) {
    super(scope, id);
    refuse(this.node.path, backendStoreProblems(props));
    const {
      name,
      maxCapacity = 4,
      autoPause = true,
      secondsUntilAutoPause = 300,
      skipFinalSnapshot = false,
      passwordVersion = 1,
    } = props;
    this.autoPause = autoPause;
    const securityGroup = new SecurityGroup(this, "security-group", {
      name: `${name}-database`,
      description: "MLflow's database: reached by its tasks only",
      vpcId: props.vpcId,
      tags: { Name: `${name}-database` },
    });
    const cluster = new RdsCluster(this, "cluster", {
      clusterIdentifier: name,
      engine: "aurora-mysql",
      engineMode: "provisioned",
      engineVersion: props.engineVersion ?? "8.0",
      port: PORT,
      databaseName: DATABASE,
      masterUsername: USER,
      masterPasswordWo: props.ephemeralPassword,
      masterPasswordWoVersion: passwordVersion,
      dbSubnetGroupName: new DbSubnetGroup(this, "subnet-group", { name, subnetIds: props.subnetIds }).name,
      dbClusterParameterGroupName: this.parameterGroup(name).name,
      vpcSecurityGroupIds: [securityGroup.id],
      serverlessv2ScalingConfiguration: {
        minCapacity: autoPause ? 0 : 0.5,
        maxCapacity,
        ...(autoPause ? { secondsUntilAutoPause } : {}),
      },
      backupRetentionPeriod: BACKUP_DAYS,
      copyTagsToSnapshot: true,
      storageEncrypted: true,
      kmsKeyId: props.kmsKeyArn,
      deletionProtection: props.deletionProtection ?? true,
      skipFinalSnapshot,
      ...(skipFinalSnapshot ? {} : { finalSnapshotIdentifier: `${name}-final` }),
      applyImmediately: true,
    });
    this.instance = new RdsClusterInstance(this, "instance", {
      identifier: `${name}-1`,
      clusterIdentifier: cluster.id,
      engine: cluster.engine,
      instanceClass: "db.serverless",
      dbSubnetGroupName: cluster.dbSubnetGroupName,
      publiclyAccessible: false,
      autoMinorVersionUpgrade: true,
      applyImmediately: true,
    });
    this.securityGroupId = securityGroup.id;
    this.clusterIdentifier = cluster.clusterIdentifier;
    this.connection = {
      user: USER,
      passwordSecretArn: props.passwordSecretArn,
      passwordVersion,
      endpoint: cluster.endpoint,
      port: PORT,
      databaseName: DATABASE,
    };
  }

  // Tables of mixed character sets break MLflow's migrations (mlflow issue 17896).
  private parameterGroup(name: string): RdsClusterParameterGroup {
    return new RdsClusterParameterGroup(this, "parameter-group", {
      name,
      family: "aurora-mysql8.0",
      description: "utf8mb4 everywhere",
      parameter: [
        { name: "character_set_server", value: "utf8mb4" },
        { name: "collation_server", value: "utf8mb4_unicode_ci" },
      ],
    });
  }
}

/**
 * What is wrong with a backend store's settings.
 *
 * @param options the settings
 */
export function backendStoreProblems(options: BackendStoreOptions): Problem[] {
  return [
    ...checkRange("maxCapacity", options.maxCapacity, 1, 256, "ACU", 0.5),
    ...checkRange("secondsUntilAutoPause", options.secondsUntilAutoPause, 300, 86400, "seconds"),
    ...checkPattern(
      "engineVersion",
      options.engineVersion,
      /^8\.0(\.|$)/,
      'a version of Aurora MySQL 8.0, such as "8.0"',
    ),
    ...checkRange("passwordVersion", options.passwordVersion, 1, Number.MAX_SAFE_INTEGER, "as a version"),
  ];
}
