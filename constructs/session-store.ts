import { ElasticacheServerlessCache } from "@cdktf/provider-aws/lib/elasticache-serverless-cache";
import { SecurityGroup } from "@cdktf/provider-aws/lib/security-group";
import { Construct } from "constructs";

/** What a session store is made of. */
export interface SessionStoreProps {
  /** Its name, and what other names derive from. */
  readonly name: string;
  /** The VPC's id. */
  readonly vpcId: string;
  /** Ids of subnets in two availability zones or more; the first three are used. */
  readonly subnetIds: string[];
  /**
   * The KMS key that it is encrypted with, from its creation on.
   * @default - AWS's own key for ElastiCache
   */
  readonly kmsKeyArn?: string;
}

/**
 * The ports of ElastiCache Serverless: of the primary and of replicas for reading. A client in cluster mode is told of
 * both, and asks either for the other's address.
 */
export const SESSION_STORE_PORTS = { primary: 6379, replica: 6380 };

/**
 * ElastiCache Serverless for Valkey, which oauth2-proxy keeps sessions in: TLS only, encrypted, never in a snapshot.
 *
 * It asks for no password: oauth2-proxy cannot log in by IAM (its pull request 3388), and the provider writes a password
 * into the state (until its pull request 45988, which neither 5.100 nor 6.25 has). Its security group keeps others out.
 */
export class SessionStore extends Construct {
  /** Where it answers: a `rediss:` URL. */
  public readonly url: string;
  /** Its security group; without rules, nobody reaches it. */
  public readonly securityGroupId: string;

  public constructor(scope: Construct, id: string, { name, vpcId, subnetIds, kmsKeyArn }: SessionStoreProps) {
    super(scope, id);
    const securityGroup = new SecurityGroup(this, "security-group", {
      name: `${name}-sessions`,
      description: "MLflow's sessions: reached by its tasks only",
      vpcId,
      tags: { Name: `${name}-sessions` },
    });
    const cache = new ElasticacheServerlessCache(this, "cache", {
      name,
      description: "Sessions of people who are logged in to MLflow",
      engine: "valkey",
      majorEngineVersion: "8",
      // Enough for tens of thousands of sessions; without limits, a flood of them would be billed.
      cacheUsageLimits: [{ dataStorage: [{ maximum: 1, unit: "GB" }], ecpuPerSecond: [{ maximum: 5000 }] }],
      // It takes two or three.
      subnetIds: subnetIds.slice(0, 3),
      securityGroupIds: [securityGroup.id],
      kmsKeyId: kmsKeyArn,
    });
    this.url = `rediss://${cache.endpoint.get(0).address}:${cache.endpoint.get(0).port}`;
    this.securityGroupId = securityGroup.id;
  }
}
