import { DataAwsPrefixList } from "@cdktf/provider-aws/lib/data-aws-prefix-list";
import {
  VpcSecurityGroupEgressRule,
  type VpcSecurityGroupEgressRuleConfig,
} from "@cdktf/provider-aws/lib/vpc-security-group-egress-rule";
import { VpcSecurityGroupIngressRule } from "@cdktf/provider-aws/lib/vpc-security-group-ingress-rule";
import { type TerraformProvider, Token } from "cdktf";
import { Construct } from "constructs";
import { ArtifactStore, type ArtifactStoreOptions, artifactStoreProblems } from "./artifact-store";
import { BackendStore, type BackendStoreOptions, backendStoreProblems } from "./backend-store";
import { checkKmsKeyArn, checkPattern, show } from "./checks";
import { type ClosedEgress, closedEgressProblems } from "./closed-egress";
import { OAUTH2_PROXY_PORT } from "./containers/oauth2-proxy";
import { type DnsOptions, DnsRecord, dnsProblems, hostName } from "./dns-record";
import { type Problem, refuse, under } from "./errors";
import { type ExistingNetwork, existingNetworkProblems } from "./existing-network";
import { LoadBalancer, type LoadBalancerOptions, loadBalancerProblems, publicHost } from "./load-balancer";
import { type INetwork, Network, type NetworkOptions, networkProblems } from "./network";
import type { Risk } from "./risks";
import { Secrets, type SecretsProps, secretsProblems } from "./secrets";
import { SESSION_STORE_PORTS, SessionStore } from "./session-store";
import {
  type AccessProps,
  accessProblems,
  TrackingService,
  type TrackingServiceOptions,
  trackingServiceProblems,
} from "./tracking-service";

/** What can be set, whichever way it is written: in code or in an environment file. */
export interface MlflowOptions {
  /**
   * Every name in AWS derives from it, so two deployments with different names fit into one account: at most 32
   * lower-case letters, digits and hyphens.
   * @default "oauth2-mlflow"
   */
  readonly name?: string;
  /** MLflow's name in DNS: `https://<recordName>.<domain>`. */
  readonly dns: DnsOptions;
  /**
   * The names of the four secrets.
   * @default - `mlflow/…`
   */
  readonly secrets?: SecretsProps;
  /**
   * The VPC to create.
   * @default - a VPC 10.1.0.0/16 in two availability zones with one NAT gateway
   */
  readonly network?: NetworkOptions;
  /**
   * A VPC that exists already, instead of `network`.
   * @default - a VPC is created
   */
  readonly existingNetwork?: ExistingNetwork;
  /**
   * The bucket for artifacts.
   * @default - a bucket with a random suffix that survives the stack unless it is empty
   */
  readonly artifactStore?: ArtifactStoreOptions;
  /**
   * The database.
   * @default - up to 4 ACU, pauses after 300 seconds, protected against deletion
   */
  readonly backendStore?: BackendStoreOptions;
  /**
   * The tasks.
   * @default - one to four tasks with 2 vCPU and 4 GiB
   */
  readonly service?: TrackingServiceOptions;
  /**
   * Where sessions of people who are logged in are kept: whole in the browser's `cookie`, which can be large, and good
   * until it expires; or in `elasticache` (Serverless for Valkey), so that the cookie is small, and logging out or
   * deleting a session ends it.
   * @default "cookie"
   */
  readonly sessionStore?: "cookie" | "elasticache";
  /**
   * The load balancer.
   * @default - on the internet, ports 443 and 80
   */
  readonly loadBalancer?: LoadBalancerOptions;
  /**
   * The ARN of a KMS key of your own for the bucket, the database, the session store and all logs; the four secrets may
   * have it too. Its policy must let CloudWatch Logs of the region use it. Terraform replaces a database or session
   * store that has another key.
   * @default - AWS's own keys
   */
  readonly kmsKeyArn?: string;
  /**
   * Openings that are otherwise refused.
   * @default - none
   */
  readonly acknowledgedRisks?: readonly Risk[];
}

/** MLflow behind an identity provider. */
export interface MlflowProps extends MlflowOptions, AccessProps {
  /** The AWS region. */
  readonly region: string;
  /**
   * The provider of the account that the hosted zone lives in.
   * @default - the stack's
   */
  readonly dnsProvider?: TerraformProvider;
}

/** MLflow on AWS behind an identity provider: wires the parts and says who may reach whom. */
export class Mlflow extends Construct {
  /** MLflow's URL. */
  public readonly uri: string;
  /** The network. */
  public readonly network: INetwork;
  /** The bucket for artifacts. */
  public readonly artifactStore: ArtifactStore;
  /** The database. */
  public readonly backendStore: BackendStore;
  /** The load balancer. */
  public readonly loadBalancer: LoadBalancer;
  /** Where sessions are kept, if not in cookies. */
  public readonly sessionStore?: SessionStore;
  /** The service. */
  public readonly service: TrackingService;

  public constructor(scope: Construct, id: string, props: MlflowProps) {
    super(scope, id);
    refuse(this.node.path, mlflowProblems(props));
    const { name = "oauth2-mlflow", region, dns, login, programs = [], kmsKeyArn } = props;
    const host = publicHost(hostName(dns), props.loadBalancer);
    this.uri = `https://${host}`;

    const secrets = new Secrets(this, "secrets", props.secrets);
    this.network =
      props.existingNetwork === undefined
        ? new Network(this, "network", { ...props.network, name, region, kmsKeyArn })
        : Network.fromExisting(props.existingNetwork);
    this.artifactStore = new ArtifactStore(this, "artifact-store", {
      ...props.artifactStore,
      name,
      kmsKeyArn,
    });
    this.backendStore = new BackendStore(this, "backend-store", {
      ...props.backendStore,
      name,
      vpcId: this.network.vpcId,
      subnetIds: this.network.databaseSubnetIds,
      passwordSecretArn: secrets.arns.databasePassword,
      ephemeralPassword: secrets.ephemeralDatabasePassword,
      kmsKeyArn,
    });
    this.loadBalancer = new LoadBalancer(this, "load-balancer", {
      ...props.loadBalancer,
      name,
      network: this.network,
      domain: dns.domain,
      publicHost: host,
      kmsKeyArn,
    });
    if (props.sessionStore === "elasticache") {
      this.sessionStore = new SessionStore(this, "session-store", {
        name,
        vpcId: this.network.vpcId,
        subnetIds: this.network.databaseSubnetIds,
        kmsKeyArn,
      });
    }
    this.service = new TrackingService(this, "service", {
      ...props.service,
      name,
      region,
      network: this.network,
      backendStore: this.backendStore,
      artifactStore: this.artifactStore,
      proxyArtifacts: props.artifactStore?.proxied ?? true,
      secrets: secrets.arns,
      login,
      programs,
      acknowledgedRisks: props.acknowledgedRisks,
      loadBalancer: this.loadBalancer,
      publicHost: host,
      sessionStore: this.sessionStore,
      kmsKeyArn,
    });
    new DnsRecord(this, "dns-record", {
      ...dns,
      targetDnsName: this.loadBalancer.dnsName,
      targetZoneId: this.loadBalancer.zoneId,
      provider: props.dnsProvider,
    });
    this.letThrough(region, issuerPorts([login, ...programs]));
  }

  /**
   * Load balancer → service → database and session store, and the service to TLS ports: on the internet, or where there
   * is no way to it, of AWS's endpoints and the identity provider. Nothing else.
   */
  private letThrough(region: string, ports: number[]): void {
    const { loadBalancer, service, backendStore, sessionStore } = this;
    this.connect(
      "load-balancer-to-service",
      loadBalancer.securityGroupId,
      service.securityGroupId,
      OAUTH2_PROXY_PORT,
    );
    this.connect(
      "service-to-database",
      service.securityGroupId,
      backendStore.securityGroupId,
      backendStore.connection.port,
    );
    if (sessionStore !== undefined) {
      for (const [node, port] of Object.entries(SESSION_STORE_PORTS)) {
        const id = `service-to-session-store-${node}`;
        this.connect(id, service.securityGroupId, sessionStore.securityGroupId, port);
      }
    }
    const { closedEgress } = this.network;
    if (closedEgress !== undefined) return this.letOut(closedEgress, region, ports);
    for (const port of ports) {
      this.letOutTo(`service-to-internet-${port}`, port, {
        cidrIpv4: "0.0.0.0/0",
        description: `TLS on port ${port}: AWS APIs, image registries, identity providers`,
      });
    }
  }

  private letOut(egress: ClosedEgress, region: string, ports: number[]): void {
    const { endpointSecurityGroupId, endpointCidrs, identityProviderCidrs } = egress;
    if (endpointSecurityGroupId !== undefined) {
      this.connect("service-to-endpoints", this.service.securityGroupId, endpointSecurityGroupId, 443);
    }
    const s3 = new DataAwsPrefixList(this, "s3-prefix-list", { name: `com.amazonaws.${region}.s3` });
    this.letOutTo("service-to-s3", 443, {
      prefixListId: s3.id,
      description: "artifacts, and layers of images, in S3",
    });
    endpointCidrs.forEach((cidrIpv4, index) => {
      // AWS refuses the same rule twice.
      if (identityProviderCidrs.includes(cidrIpv4)) return;
      this.letOutTo(`service-to-endpoints-${index + 1}`, 443, {
        cidrIpv4,
        description: `AWS APIs in ${cidrIpv4}`,
      });
    });
    identityProviderCidrs.forEach((cidrIpv4, index) => {
      for (const port of ports) {
        this.letOutTo(`service-to-identity-provider-${index + 1}-${port}`, port, {
          cidrIpv4,
          description: `identity provider in ${cidrIpv4}`,
        });
      }
    });
  }

  private letOutTo(id: string, port: number, to: Destination): void {
    new VpcSecurityGroupEgressRule(this, id, {
      ...to,
      securityGroupId: this.service.securityGroupId,
      ipProtocol: "tcp",
      fromPort: port,
      toPort: port,
    });
  }

  private connect(id: string, from: string, to: string, port: number): void {
    const rule = { description: id.replaceAll("-", " "), ipProtocol: "tcp", fromPort: port, toPort: port };
    new VpcSecurityGroupEgressRule(this, `${id}-egress`, {
      ...rule,
      securityGroupId: from,
      referencedSecurityGroupId: to,
    });
    new VpcSecurityGroupIngressRule(this, `${id}-ingress`, {
      ...rule,
      securityGroupId: to,
      referencedSecurityGroupId: from,
    });
  }
}

type Destination = Pick<VpcSecurityGroupEgressRuleConfig, "cidrIpv4" | "prefixListId" | "description">;

/** 443, and the ports of issuers that are known to have another one. */
function issuerPorts(issuers: readonly { readonly issuer?: string | undefined }[]): number[] {
  const known = issuers.flatMap(({ issuer }) =>
    issuer === undefined || Token.isUnresolved(issuer) ? [] : [issuer],
  );
  const ports = known.map((issuer) => Number(new URL(issuer).port || 443));
  return [...new Set([443, ...ports])].sort((a, b) => a - b);
}

/**
 * What is wrong with the props, all at once. Parts that are absent are passed over.
 *
 * @param props the props, or what is known of them
 */
export function mlflowProblems(props: Partial<MlflowProps>): Problem[] {
  const { name = "oauth2-mlflow" } = props;
  const both = props.network !== undefined && props.existingNetwork !== undefined;
  return [
    ...nameProblems(name),
    ...under("dns", dnsProblems(props.dns ?? {})),
    ...accessProblems(props),
    ...under("secrets", secretsProblems(props.secrets ?? {})),
    ...under("network", networkProblems(props.network ?? {})),
    ...under(
      "existingNetwork",
      existingNetworkProblems(props.existingNetwork ?? {}, props.loadBalancer?.internal === true),
    ),
    ...(both ? [{ path: "existingNetwork", message: "cannot go with network: remove one of the two" }] : []),
    ...under("artifactStore", artifactStoreProblems({ ...props.artifactStore, name })),
    ...under("backendStore", backendStoreProblems(props.backendStore ?? {})),
    ...under("service", trackingServiceProblems(props.service ?? {})),
    ...under("loadBalancer", loadBalancerProblems(props.loadBalancer ?? {})),
    ...checkKmsKeyArn("kmsKeyArn", props.kmsKeyArn, props.region),
    ...closedEgressProblems(props),
  ];
}

function nameProblems(name: string): Problem[] {
  if (name.length > 32) {
    const message = `${show(name)} has ${name.length} characters, the name of a target group has at most 32: shorten it by ${name.length - 32}`;
    return [{ path: "name", message }];
  }
  const form = /^(?!internal-)[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
  return checkPattern(
    "name",
    name,
    form,
    'lower-case letters, digits and single hyphens, a letter first, not "internal-"',
  );
}
