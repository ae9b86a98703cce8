import { DataAwsAcmCertificate } from "@cdktf/provider-aws/lib/data-aws-acm-certificate";
import { Lb } from "@cdktf/provider-aws/lib/lb";
import { LbListener } from "@cdktf/provider-aws/lib/lb-listener";
import { LbTargetGroup } from "@cdktf/provider-aws/lib/lb-target-group";
import { SecurityGroup } from "@cdktf/provider-aws/lib/security-group";
import { VpcSecurityGroupIngressRule } from "@cdktf/provider-aws/lib/vpc-security-group-ingress-rule";
import { Construct } from "constructs";
import { checkPattern, checkRange, DOMAIN } from "./checks";
import { checkCidr } from "./cidr";
import { OAUTH2_PROXY_PORT } from "./containers/oauth2-proxy";
import { type Problem, refuse } from "./errors";
import type { INetwork } from "./network";

/** The load balancer's settings. */
export interface LoadBalancerOptions {
  /**
   * Whether it is reached from within the VPC (and what is connected to it) only.
   * @default false
   */
  readonly internal?: boolean;
  /**
   * IPv4 ranges that may reach it.
   * @default ["0.0.0.0/0"]
   */
  readonly allowedCidrs?: readonly string[];
  /**
   * The ARN of an ACM certificate in the same region that covers MLflow's name.
   * @default - the newest issued certificate whose main name is `certificateDomain`
   */
  readonly certificateArn?: string;
  /**
   * The main name of the ACM certificate to look for.
   * @default - the domain of `dns`
   */
  readonly certificateDomain?: string;
  /**
   * The port for TLS. With another one than 443 the port becomes part of MLflow's URL.
   * @default 443
   */
  readonly httpsPort?: number;
  /**
   * The port whose requests are redirected to the one for TLS.
   * @default 80
   */
  readonly httpPort?: number;
}

/** What a load balancer is made of. */
export interface LoadBalancerProps extends LoadBalancerOptions {
  /** Names derive from it. */
  readonly name: string;
  /** The network that it stands in. */
  readonly network: INetwork;
  /** The domain whose certificate is looked for when neither an ARN nor a certificate's domain is given. */
  readonly domain: string;
}

/** How long a connection may be silent, in seconds: uploads of large artifacts need more than the usual 60. */
const IDLE_TIMEOUT = 600;

/** Keys of certificates that a load balancer takes; ACM lists only RSA keys up to 2048 bits unless it is told. */
const CERTIFICATE_KEY_TYPES = [
  "RSA_2048",
  "RSA_3072",
  "RSA_4096",
  "EC_prime256v1",
  "EC_secp384r1",
  "EC_secp521r1",
];

/** The Application Load Balancer: TLS 1.2 or 1.3 in front, redirect from HTTP, oauth2-proxy behind. */
export class LoadBalancer extends Construct {
  /** Its own DNS name. */
  public readonly dnsName: string;
  /** The Route 53 zone id of its DNS name. */
  public readonly zoneId: string;
  /** The target group that tasks register in. */
  public readonly targetGroupArn: string;
  /** What `ALBRequestCountPerTarget` wants to know: load balancer and target group. */
  public readonly resourceLabel: string;
  /** Its security group; Mlflow lets it out to the tasks only. */
  public readonly securityGroupId: string;
  /** The listener for TLS: a service must not register before it exists. */
  public readonly listener: LbListener;

  public constructor(scope: Construct, id: string, props: LoadBalancerProps) {
    super(scope, id);
    refuse(this.node.path, loadBalancerProblems(props));
    const { name, network, internal = false, httpsPort = 443, httpPort = 80 } = props;
    this.securityGroupId = this.securityGroup(props, [httpsPort, httpPort]);
    const loadBalancer = new Lb(this, "load-balancer", {
      name,
      loadBalancerType: "application",
      internal,
      subnets: internal ? network.privateSubnetIds : network.publicSubnetIds,
      securityGroups: [this.securityGroupId],
      dropInvalidHeaderFields: true,
      idleTimeout: IDLE_TIMEOUT,
    });
    const targetGroup = new LbTargetGroup(this, "target-group", {
      name,
      targetType: "ip",
      protocol: "HTTP",
      port: OAUTH2_PROXY_PORT,
      vpcId: network.vpcId,
      deregistrationDelay: "60",
      healthCheck: { path: "/ping", matcher: "200-202" },
    });
    this.listener = new LbListener(this, "https-listener", {
      loadBalancerArn: loadBalancer.arn,
      port: httpsPort,
      protocol: "HTTPS",
      sslPolicy: "ELBSecurityPolicy-TLS13-1-2-2021-06",
      certificateArn: props.certificateArn ?? this.certificate(props.certificateDomain ?? props.domain),
      defaultAction: [{ type: "forward", targetGroupArn: targetGroup.arn }],
    });
    new LbListener(this, "http-listener", {
      loadBalancerArn: loadBalancer.arn,
      port: httpPort,
      protocol: "HTTP",
      defaultAction: [
        {
          type: "redirect",
          redirect: { protocol: "HTTPS", port: String(httpsPort), statusCode: "HTTP_301" },
        },
      ],
    });
    this.dnsName = loadBalancer.dnsName;
    this.zoneId = loadBalancer.zoneId;
    this.targetGroupArn = targetGroup.arn;
    this.resourceLabel = `${loadBalancer.arnSuffix}/${targetGroup.arnSuffix}`;
  }

  private certificate(domain: string): string {
    return new DataAwsAcmCertificate(this, "certificate", {
      domain,
      statuses: ["ISSUED"],
      keyTypes: CERTIFICATE_KEY_TYPES,
      mostRecent: true,
    }).arn;
  }

  private securityGroup(
    { name, network, allowedCidrs = ["0.0.0.0/0"] }: LoadBalancerProps,
    ports: number[],
  ): string {
    const group = new SecurityGroup(this, "security-group", {
      name: `${name}-load-balancer`,
      description: "MLflow's load balancer",
      vpcId: network.vpcId,
      tags: { Name: `${name}-load-balancer` },
    });
    for (const port of ports) {
      allowedCidrs.forEach((cidrIpv4, index) => {
        new VpcSecurityGroupIngressRule(this, `ingress-${port}-${index + 1}`, {
          securityGroupId: group.id,
          description: `port ${port} from ${cidrIpv4}`,
          cidrIpv4,
          ipProtocol: "tcp",
          fromPort: port,
          toPort: port,
        });
      });
    }
    return group.id;
  }
}

/**
 * What stands after `https://`: the host, with the port unless it is 443.
 *
 * @param host MLflow's full name
 * @param options the load balancer's settings
 */
export function publicHost(host: string, { httpsPort = 443 }: LoadBalancerOptions = {}): string {
  return httpsPort === 443 ? host : `${host}:${httpsPort}`;
}

/**
 * What is wrong with a load balancer's settings.
 *
 * @param options the settings
 */
export function loadBalancerProblems(options: LoadBalancerOptions): Problem[] {
  const { allowedCidrs = [], certificateArn, certificateDomain, httpsPort, httpPort } = options;
  const problems = [
    ...allowedCidrs.flatMap((cidr, index) => checkCidr(`allowedCidrs[${index}]`, cidr)),
    ...checkPattern("certificateArn", certificateArn, /^arn:[a-z-]+:acm:/, "the ARN of an ACM certificate"),
    ...checkPattern("certificateDomain", certificateDomain?.replace(/^\*\./, ""), DOMAIN, "a DNS name"),
    ...checkRange("httpsPort", httpsPort, 1, 65535, "as a port"),
    ...checkRange("httpPort", httpPort, 1, 65535, "as a port"),
  ];
  if (certificateArn !== undefined && certificateDomain !== undefined) {
    problems.push({
      path: "certificateDomain",
      message: "cannot go with certificateArn: remove one of the two",
    });
  }
  if ((httpsPort ?? 443) === (httpPort ?? 80)) {
    problems.push({
      path: "httpPort",
      message: `${httpPort ?? 80} is the port for TLS already: write another one`,
    });
  }
  return problems;
}
