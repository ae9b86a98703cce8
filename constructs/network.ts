import { DefaultSecurityGroup } from "@cdktf/provider-aws/lib/default-security-group";
import { Eip } from "@cdktf/provider-aws/lib/eip";
import { InternetGateway } from "@cdktf/provider-aws/lib/internet-gateway";
import { NatGateway } from "@cdktf/provider-aws/lib/nat-gateway";
import { Route } from "@cdktf/provider-aws/lib/route";
import { RouteTable } from "@cdktf/provider-aws/lib/route-table";
import { RouteTableAssociation } from "@cdktf/provider-aws/lib/route-table-association";
import { Subnet } from "@cdktf/provider-aws/lib/subnet";
import { Vpc } from "@cdktf/provider-aws/lib/vpc";
import { VpcEndpoint } from "@cdktf/provider-aws/lib/vpc-endpoint";
import { Construct } from "constructs";
import { checkOneOf, checkPattern, checkRetention } from "./checks";
import { type CidrPlan, cidrProblems } from "./cidr";
import { type ClosedEgress, closedRangeProblems } from "./closed-egress";
import { type Problem, refuse } from "./errors";
import type { ExistingNetwork } from "./existing-network";
import { flowLogs } from "./flow-logs";
import { InterfaceEndpoints } from "./interface-endpoints";

/** How tasks reach what they need: image registry, identity provider, AWS APIs. */
export type Egress = "nat" | "nat-per-az" | "public-ip" | "endpoints";

/** The VPC's settings. */
export interface NetworkOptions {
  /**
   * The VPC's IPv4 range.
   * @default "10.1.0.0/16"
   */
  readonly cidr?: string;
  /**
   * Two or more availability zones; the first subnet of each kind goes into the first one.
   * @default - the region's `a` and `b`
   */
  readonly availabilityZones?: readonly string[];
  /**
   * Ranges of the load balancer's subnets, one for each availability zone. With `egress: endpoints` there are none.
   * @default ["10.1.11.0/24", "10.1.12.0/24"]
   */
  readonly publicSubnetCidrs?: readonly string[];
  /**
   * Ranges of the tasks' subnets, one for each availability zone.
   * @default ["10.1.1.0/24", "10.1.2.0/24"]
   */
  readonly privateSubnetCidrs?: readonly string[];
  /**
   * Ranges of the database's subnets, one for each availability zone.
   * @default ["10.1.201.0/24", "10.1.202.0/24"]
   */
  readonly databaseSubnetCidrs?: readonly string[];
  /**
   * How tasks reach the internet: one NAT gateway, one in each availability zone (a zone's failure then leaves the
   * others working), or public subnets with a public IP for each task (no NAT gateway to pay for). With `endpoints`
   * they do not: the VPC has no internet gateway, and tasks reach AWS by VPC endpoints, `identityProviderCidrs` and
   * nothing else. This needs an internal load balancer, images from ECR and an identity provider of your own.
   * @default "nat"
   */
  readonly egress?: Egress;
  /**
   * IPv4 ranges that the identity provider answers from, such as `10.20.0.0/16`; goes with `egress: endpoints`, which
   * needs it. The way there, a transit gateway or a peering, is yours to attach to the VPC.
   * @default - none
   */
  readonly identityProviderCidrs?: readonly string[];
  /**
   * How long VPC flow logs are kept, in days.
   * @default 30
   */
  readonly flowLogRetentionDays?: number;
}

/** What the other parts need to know of a network. */
export interface INetwork {
  /** The VPC's id. */
  readonly vpcId: string;
  /** Subnets of an internet-facing load balancer. */
  readonly publicSubnetIds: string[];
  /** Subnets without addresses on the internet. */
  readonly privateSubnetIds: string[];
  /** Subnets of the database. */
  readonly databaseSubnetIds: string[];
  /** Subnets that tasks run in. */
  readonly taskSubnetIds: string[];
  /** Whether tasks need a public IP to reach the internet. */
  readonly assignPublicIp: boolean;
  /**
   * All that tasks reach outside their subnets, where there is no way to the internet.
   * @default - they reach the internet
   */
  readonly closedEgress?: ClosedEgress;
}

/** What a network is made of. */
export interface NetworkProps extends NetworkOptions {
  /** Names derive from it. */
  readonly name: string;
  /** The AWS region. */
  readonly region: string;
  /**
   * The KMS key that flow logs are encrypted with.
   * @default - CloudWatch's own encryption
   */
  readonly kmsKeyArn?: string;
}

const ANYWHERE = "0.0.0.0/0";
const DEFAULTS = {
  cidr: "10.1.0.0/16",
  publicSubnetCidrs: ["10.1.11.0/24", "10.1.12.0/24"],
  privateSubnetCidrs: ["10.1.1.0/24", "10.1.2.0/24"],
  databaseSubnetCidrs: ["10.1.201.0/24", "10.1.202.0/24"],
};

/**
 * A VPC with public, private and database subnets, flow logs, an S3 gateway endpoint, and a default security group
 * that lets nothing through. With `egress: endpoints` it has no public subnets and no way to the internet.
 */
export class Network extends Construct implements INetwork {
  /**
   * A network that exists already; nothing is created in it.
   *
   * @param existing ids of the VPC and its subnets
   */
  public static fromExisting(existing: ExistingNetwork): INetwork {
    return {
      vpcId: existing.vpcId,
      publicSubnetIds: [...existing.publicSubnetIds],
      privateSubnetIds: [...existing.privateSubnetIds],
      databaseSubnetIds: [...(existing.databaseSubnetIds ?? existing.privateSubnetIds)],
      taskSubnetIds: [...existing.privateSubnetIds],
      assignPublicIp: false,
      ...(existing.egress === "endpoints"
        ? {
            closedEgress: {
              endpointCidrs: [...(existing.endpointCidrs ?? [])],
              identityProviderCidrs: [...(existing.identityProviderCidrs ?? [])],
            },
          }
        : {}),
    };
  }

  /** The VPC's id. */
  public readonly vpcId: string;
  /** Subnets of an internet-facing load balancer. */
  public readonly publicSubnetIds: string[];
  /** Subnets without addresses on the internet. */
  public readonly privateSubnetIds: string[];
  /** Subnets of the database. */
  public readonly databaseSubnetIds: string[];
  /** Whether tasks need a public IP to reach the internet. */
  public readonly assignPublicIp: boolean;
  /** All that tasks reach outside their subnets, where there is no way to the internet. */
  public readonly closedEgress?: ClosedEgress;

  private readonly name: string;
  private readonly zones: readonly string[];

  public constructor(scope: Construct, id: string, props: NetworkProps) {
    super(scope, id);
    refuse(this.node.path, networkProblems(props));
    const { cidr, publicSubnetCidrs, privateSubnetCidrs, databaseSubnetCidrs } = rangesOf(props);
    const { name, region, egress = "nat", flowLogRetentionDays = 30 } = props;
    this.name = name;
    this.zones = props.availabilityZones ?? [`${region}a`, `${region}b`];
    this.assignPublicIp = egress === "public-ip";

    const vpc = new Vpc(this, "vpc", {
      cidrBlock: cidr,
      enableDnsSupport: true,
      enableDnsHostnames: true,
      tags: { Name: name },
    });
    this.vpcId = vpc.id;
    new DefaultSecurityGroup(this, "default-security-group", {
      vpcId: vpc.id,
      tags: { Name: `${name}-default` },
    });

    const publicTable = egress === "endpoints" ? undefined : this.publicRouteTable();
    this.publicSubnetIds =
      publicTable === undefined ? [] : this.subnets("public", publicSubnetCidrs, () => publicTable.table);

    const natCount = { nat: 1, "nat-per-az": this.zones.length, "public-ip": 0, endpoints: 0 }[egress];
    const privateTables = this.privateRouteTables(natCount, publicTable?.gateway);
    const privateTable = (zone: number) => privateTables[zone % privateTables.length] as RouteTable;
    this.privateSubnetIds = this.subnets("private", privateSubnetCidrs, privateTable);

    const databaseTable = this.routeTable("database");
    this.databaseSubnetIds = this.subnets("database", databaseSubnetCidrs, () => databaseTable);

    const s3Endpoint = new VpcEndpoint(this, "s3-endpoint", {
      vpcId: vpc.id,
      serviceName: `com.amazonaws.${region}.s3`,
      vpcEndpointType: "Gateway",
      routeTableIds: [...(publicTable === undefined ? [] : [publicTable.table]), ...privateTables].map(
        (table) => table.id,
      ),
      tags: { Name: `${name}-s3` },
    });
    if (egress === "endpoints") {
      const endpoints = new InterfaceEndpoints(this, "endpoints", {
        name,
        region,
        vpcId: vpc.id,
        subnetIds: this.privateSubnetIds,
      });
      s3Endpoint.policy = endpoints.s3Policy;
      this.closedEgress = {
        endpointSecurityGroupId: endpoints.securityGroupId,
        endpointCidrs: [],
        identityProviderCidrs: [...(props.identityProviderCidrs ?? [])],
      };
    }
    flowLogs(this, { name, vpcId: vpc.id, retentionDays: flowLogRetentionDays, kmsKeyArn: props.kmsKeyArn });
  }

  /** Subnets that tasks run in. */
  public get taskSubnetIds(): string[] {
    return this.assignPublicIp ? this.publicSubnetIds : this.privateSubnetIds;
  }

  private subnets(
    kind: string,
    cidrs: readonly string[],
    routeTable: (zone: number) => RouteTable,
  ): string[] {
    return cidrs.map((cidrBlock, index) => {
      const subnet = new Subnet(this, `${kind}-subnet-${index + 1}`, {
        vpcId: this.vpcId,
        cidrBlock,
        availabilityZone: this.zones[index],
        mapPublicIpOnLaunch: false,
        tags: { Name: `${this.name}-${kind}-${index + 1}` },
      });
      new RouteTableAssociation(this, `${kind}-route-table-association-${index + 1}`, {
        subnetId: subnet.id,
        routeTableId: routeTable(index).id,
      });
      return subnet.id;
    });
  }

  private routeTable(kind: string): RouteTable {
    return new RouteTable(this, `${kind}-route-table`, {
      vpcId: this.vpcId,
      tags: { Name: `${this.name}-${kind}` },
    });
  }

  private publicRouteTable(): { table: RouteTable; gateway: InternetGateway } {
    const table = this.routeTable("public");
    const gateway = new InternetGateway(this, "internet-gateway", {
      vpcId: this.vpcId,
      tags: { Name: this.name },
    });
    new Route(this, "public-route", {
      routeTableId: table.id,
      destinationCidrBlock: ANYWHERE,
      gatewayId: gateway.id,
    });
    return { table, gateway };
  }

  /** One route table for each NAT gateway; without any, one that leads nowhere. */
  private privateRouteTables(natCount: number, gateway: InternetGateway | undefined): RouteTable[] {
    if (gateway === undefined || natCount === 0) return [this.routeTable("private")];
    return this.publicSubnetIds.slice(0, natCount).map((subnetId, index) => {
      const kind = `private-${index + 1}`;
      const tags = { Name: `${this.name}-${index + 1}` };
      const table = this.routeTable(kind);
      const address = new Eip(this, `nat-address-${index + 1}`, {
        domain: "vpc",
        tags,
        dependsOn: [gateway],
      });
      const nat = new NatGateway(this, `nat-gateway-${index + 1}`, {
        subnetId,
        allocationId: address.id,
        tags,
      });
      new Route(this, `${kind}-route`, {
        routeTableId: table.id,
        destinationCidrBlock: ANYWHERE,
        natGatewayId: nat.id,
      });
      return table;
    });
  }
}

/**
 * What is wrong with a network's settings.
 *
 * @param options the settings
 */
export function networkProblems(options: NetworkOptions): Problem[] {
  const { availabilityZones: zones, egress, flowLogRetentionDays } = options;
  const ranges = rangesOf(options);
  return [
    ...cidrProblems(ranges),
    ...zoneProblems(zones, ranges, egress === "endpoints" ? ["private", "database"] : undefined),
    ...checkOneOf("egress", egress, ["nat", "nat-per-az", "public-ip", "endpoints"], "way out"),
    ...closedProblems(options),
    ...checkRetention("flowLogRetentionDays", flowLogRetentionDays),
  ];
}

function rangesOf(options: NetworkOptions): CidrPlan {
  return {
    cidr: options.cidr ?? DEFAULTS.cidr,
    publicSubnetCidrs:
      options.publicSubnetCidrs ?? (options.egress === "endpoints" ? [] : DEFAULTS.publicSubnetCidrs),
    privateSubnetCidrs: options.privateSubnetCidrs ?? DEFAULTS.privateSubnetCidrs,
    databaseSubnetCidrs: options.databaseSubnetCidrs ?? DEFAULTS.databaseSubnetCidrs,
  };
}

function closedProblems({ egress = "nat", publicSubnetCidrs = [], ...options }: NetworkOptions): Problem[] {
  const problems = closedRangeProblems("identityProviderCidrs", options.identityProviderCidrs, egress);
  if (egress === "endpoints" && publicSubnetCidrs.length > 0) {
    const message = "cannot go with egress: endpoints, which has no public subnets: remove one of the two";
    problems.push({ path: "publicSubnetCidrs", message });
  }
  return problems;
}

function zoneProblems(
  zones: readonly string[] | undefined,
  ranges: CidrPlan,
  kinds: readonly ("public" | "private" | "database")[] = ["public", "private", "database"],
): Problem[] {
  const problems = (zones ?? []).flatMap((zone, index) =>
    checkPattern(
      `availabilityZones[${index}]`,
      zone,
      /^[a-z]{2}(-[a-z]+)+-\d[a-z]$/,
      'a zone\'s name, such as "eu-west-1a"',
    ),
  );
  if (zones !== undefined && zones.length < 2) {
    const message = `${zones.length} is too few: a load balancer and Aurora need two or more availability zones`;
    problems.push({ path: "availabilityZones", message });
  }
  const count = zones?.length ?? 2;
  for (const kind of kinds) {
    const path = `${kind}SubnetCidrs` as const;
    const found = ranges[path].length;
    if (found === count) continue;
    problems.push({
      path,
      message: `${found} ranges for ${count} availability zones: write one for each zone`,
    });
  }
  return problems;
}
