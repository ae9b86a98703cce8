import { Token } from "cdktf";
import { checkOneOf, checkPattern, show } from "./checks";
import { closedRangeProblems } from "./closed-egress";
import type { Problem } from "./errors";

/** A VPC that exists already. */
export interface ExistingNetwork {
  /** The VPC's id. */
  readonly vpcId: string;
  /**
   * Ids of subnets with a route to an internet gateway, for the load balancer; two availability zones or more. An
   * internal load balancer stands in the private ones: the list may then be empty.
   */
  readonly publicSubnetIds: readonly string[];
  /**
   * Ids of subnets for the tasks, with a way to the internet (NAT gateway, transit gateway, proxy) unless `egress` says
   * otherwise.
   */
  readonly privateSubnetIds: readonly string[];
  /**
   * Ids of subnets for the database; two availability zones or more.
   * @default - the private subnets
   */
  readonly databaseSubnetIds?: readonly string[];
  /**
   * What tasks reach by TLS: with `internet` every address, with `endpoints` only `endpointCidrs`, S3 by its gateway
   * endpoint, and `identityProviderCidrs`. That needs images from ECR and an identity provider of your own.
   * @default "internet"
   */
  readonly egress?: "internet" | "endpoints";
  /**
   * IPv4 ranges of the interface endpoints for ECR (`ecr.api`, `ecr.dkr`), Secrets Manager and CloudWatch Logs, in this
   * VPC or in one that it is connected to; goes with `egress: endpoints`, which needs it. Their security groups must let
   * the private subnets in on port 443.
   * @default - none
   */
  readonly endpointCidrs?: readonly string[];
  /**
   * IPv4 ranges that the identity provider answers from, such as `10.20.0.0/16`; goes with `egress: endpoints`, which
   * needs it.
   * @default - none
   */
  readonly identityProviderCidrs?: readonly string[];
}

/**
 * What is wrong with an existing network. Lists that only Terraform knows are passed over.
 *
 * @param existing ids of the VPC and its subnets, as far as they are known
 * @param internal whether the load balancer stands in the private subnets and not in the public ones
 */
export function existingNetworkProblems(existing: Partial<ExistingNetwork>, internal: boolean): Problem[] {
  const { vpcId, publicSubnetIds, privateSubnetIds, databaseSubnetIds, egress = "internet" } = existing;
  const shared = internal || databaseSubnetIds === undefined;
  return [
    ...checkPattern(
      "vpcId",
      vpcId,
      /^vpc-([0-9a-f]{8}|[0-9a-f]{17})$/,
      'a VPC\'s id, such as "vpc-0a1b2c3d4e5f60718"',
    ),
    ...subnetProblems("publicSubnetIds", publicSubnetIds, internal ? 0 : 2, "a load balancer"),
    ...subnetProblems(
      "privateSubnetIds",
      privateSubnetIds,
      shared ? 2 : 1,
      internal ? "a load balancer" : "Aurora",
    ),
    ...subnetProblems("databaseSubnetIds", databaseSubnetIds, 2, "Aurora"),
    ...checkOneOf("egress", egress, ["internet", "endpoints"], "way out"),
    ...closedRangeProblems("endpointCidrs", existing.endpointCidrs, egress),
    ...closedRangeProblems("identityProviderCidrs", existing.identityProviderCidrs, egress),
  ];
}

function subnetProblems(
  path: string,
  ids: readonly string[] | undefined,
  least: number,
  who: string,
): Problem[] {
  if (ids === undefined || Token.isUnresolved(ids)) return [];
  const problems = ids.flatMap((id, index) => {
    const at = `${path}[${index}]`;
    if (!Token.isUnresolved(id) && ids.indexOf(id) < index) {
      return [{ path: at, message: `${show(id)} stands here twice: write each subnet once` }];
    }
    return checkPattern(
      at,
      id,
      /^subnet-([0-9a-f]{8}|[0-9a-f]{17})$/,
      'a subnet\'s id, such as "subnet-0a1b2c3d4e5f60718"',
    );
  });
  if (ids.length >= least) return problems;
  const message =
    least === 1
      ? "[] leaves no place for tasks: write one subnet or more"
      : `${ids.length} is too few: ${who} needs subnets in two or more availability zones`;
  return [...problems, { path, message }];
}
