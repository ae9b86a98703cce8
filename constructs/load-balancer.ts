import { DataAwsAcmCertificate } from "@cdktf/provider-aws/lib/data-aws-acm-certificate";
import { Lb } from "@cdktf/provider-aws/lib/lb";
import { LbListener } from "@cdktf/provider-aws/lib/lb-listener";
import { LbListenerRule } from "@cdktf/provider-aws/lib/lb-listener-rule";
import { LbTargetGroup } from "@cdktf/provider-aws/lib/lb-target-group";
import { SecurityGroup } from "@cdktf/provider-aws/lib/security-group";
import { VpcSecurityGroupIngressRule } from "@cdktf/provider-aws/lib/vpc-security-group-ingress-rule";
import { Construct } from "constructs";
import { AccessLogs } from "./access-logs";
import { checkOneOf, checkPattern, checkRange, DOMAIN } from "./checks";
import { checkCidr } from "./cidr";
import { OAUTH2_PROXY_PORT } from "./containers/oauth2-proxy";
import { type Problem, refuse, under } from "./errors";
import type { INetwork } from "./network";
import { TIMEOUTS } from "./timeouts";
import { type WafOptions, wafProblems, WebAcl } from "./web-acl";

const TLS_POLICIES = [
  "ELBSecurityPolicy-TLS13-1-2-2021-06",
  "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
  "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
  "ELBSecurityPolicy-TLS13-1-2-FIPS-2023-04",
  "ELBSecurityPolicy-TLS13-1-2-FIPS-PQ-2025-09",
  "ELBSecurityPolicy-TLS13-1-3-2021-06",
  "ELBSecurityPolicy-TLS13-1-3-FIPS-2023-04",
] as const;

/** AWS's policies for TLS that know 1.3 and nothing before 1.2, all with forward secrecy. */
export type TlsPolicy = (typeof TLS_POLICIES)[number];

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
  /**
   * The versions and ciphers of TLS: one of AWS's policies with TLS 1.3, and 1.2 where its name says so.
   * @default "ELBSecurityPolicy-TLS13-1-2-2021-06"
   */
  readonly tlsPolicy?: TlsPolicy;
  /**
   * How long access logs are kept, in days, in a bucket of their own. The bucket must be empty before the stack can be
   * destroyed.
   * @default - no access logs
   */
  readonly accessLogRetentionDays?: number;
  /**
   * AWS WAF with AWS's managed rules (known bad inputs, addresses of ill repute, the common rule set) and a limit for
   * each address; `{}` has the defaults.
   * @default - no firewall
   */
  readonly waf?: WafOptions;
  /**
   * Whether AWS refuses to delete the load balancer.
   * @default false
   */
  readonly deletionProtection?: boolean;
}

/** What a load balancer is made of. */
export interface LoadBalancerProps extends LoadBalancerOptions {
  /** Names derive from it. */
  readonly name: string;
  /** The network that it stands in. */
  readonly network: INetwork;
  /** The domain whose certificate is looked for when neither an ARN nor a certificate's domain is given. */
  readonly domain: string;
  /** What stands after `https://` in the browser's address bar: requests for another host are refused. */
  readonly publicHost: string;
  /**
   * The KMS key of the firewall's log.
   * @default - CloudWatch's own encryption
   */
  readonly kmsKeyArn?: string;
}

/** How long the firewall's log is kept, in days. */
const WAF_LOG_RETENTION = 30;

/** Keys of certificates that a load balancer takes; ACM lists only RSA keys up to 2048 bits unless it is told. */
const CERTIFICATE_KEY_TYPES = [
  "RSA_2048",
  "RSA_3072",
  "RSA_4096",
  "EC_prime256v1",
  "EC_secp384r1",
  "EC_secp521r1",
];

/**
 * The Application Load Balancer: TLS 1.2 or 1.3 in front, redirect from HTTP, oauth2-proxy behind. It passes on what is for
 * MLflow's own host, and neither from a page of another site nor from one that does not say from which (`Origin: null`).
 */
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
  /** The rule that lets requests through: a service must not register before it exists. */
  public readonly rule: LbListenerRule;

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
      idleTimeout: TIMEOUTS.loadBalancerIdle,
      enableDeletionProtection: props.deletionProtection,
      accessLogs: this.accessLogs(props),
    });
    if (props.waf !== undefined) {
      new WebAcl(this, "waf", {
        ...props.waf,
        name,
        loadBalancerArn: loadBalancer.arn,
        logRetentionDays: WAF_LOG_RETENTION,
        kmsKeyArn: props.kmsKeyArn,
      });
    }
    const targetGroup = new LbTargetGroup(this, "target-group", {
      name,
      targetType: "ip",
      protocol: "HTTP",
      port: OAUTH2_PROXY_PORT,
      vpcId: network.vpcId,
      deregistrationDelay: String(TIMEOUTS.deregistrationDelay),
      healthCheck: { path: "/ping", matcher: "200-202" },
    });
    const listener = new LbListener(this, "https-listener", {
      loadBalancerArn: loadBalancer.arn,
      port: httpsPort,
      protocol: "HTTPS",
      sslPolicy: props.tlsPolicy ?? "ELBSecurityPolicy-TLS13-1-2-2021-06",
      certificateArn: props.certificateArn ?? this.certificate(props.certificateDomain ?? props.domain),
      defaultAction: [answer(421, "there is nothing under this name")],
    });
    const [host = ""] = props.publicHost.split(":");
    this.rule = this.rules(listener.arn, targetGroup.arn, host, `https://${props.publicHost}`);
    new LbListener(this, "http-listener", {
      loadBalancerArn: loadBalancer.arn,
      port: httpPort,
      protocol: "HTTP",
      defaultAction: [
        {
          type: "redirect",
          redirect: { protocol: "HTTPS", host, port: String(httpsPort), statusCode: "HTTP_301" },
        },
      ],
    });
    this.dnsName = loadBalancer.dnsName;
    this.zoneId = loadBalancer.zoneId;
    this.targetGroupArn = targetGroup.arn;
    this.resourceLabel = `${loadBalancer.arnSuffix}/${targetGroup.arnSuffix}`;
  }

  /** No condition of a rule can be negated, so what is allowed comes before what is not. */
  private rules(listenerArn: string, targetGroupArn: string, host: string, origin: string): LbListenerRule {
    const forward = { type: "forward", targetGroupArn };
    const forHost = { hostHeader: { values: [host] } };
    const from = (value: string) => ({ httpHeader: { httpHeaderName: "Origin", values: [value] } });
    new LbListenerRule(this, "own-origin", {
      listenerArn,
      priority: 1,
      condition: [forHost, from(origin)],
      action: [forward],
    });
    new LbListenerRule(this, "other-origins", {
      listenerArn,
      priority: 2,
      condition: [from("*")],
      action: [answer(403, "pages of other sites may not ask here")],
    });
    return new LbListenerRule(this, "own-host", {
      listenerArn,
      priority: 3,
      condition: [forHost],
      action: [forward],
    });
  }

  private accessLogs({ name, accessLogRetentionDays }: LoadBalancerProps) {
    if (accessLogRetentionDays === undefined) return undefined;
    const { bucketName } = new AccessLogs(this, "access-logs", {
      name,
      retentionDays: accessLogRetentionDays,
    });
    return { bucket: bucketName, enabled: true };
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

function answer(statusCode: number, messageBody: string) {
  const contentType = "text/plain";
  return {
    type: "fixed-response",
    fixedResponse: { contentType, statusCode: String(statusCode), messageBody },
  };
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
    ...checkOneOf("tlsPolicy", options.tlsPolicy, TLS_POLICIES, "policy with TLS 1.3"),
    ...checkRange("accessLogRetentionDays", options.accessLogRetentionDays, 1, 3653, "days"),
    ...under("waf", wafProblems(options.waf ?? {})),
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
