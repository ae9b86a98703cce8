import { DataAwsRoute53Zone } from "@cdktf/provider-aws/lib/data-aws-route53-zone";
import { Route53Record } from "@cdktf/provider-aws/lib/route53-record";
import { type TerraformProvider, Token } from "cdktf";
import { Construct } from "constructs";
import { checkDomain, checkPattern, show } from "./checks";
import { type Problem, refuse } from "./errors";

/** MLflow's name. */
export interface DnsOptions {
  /** The Route 53 zone, which exists already: `example.com`. */
  readonly hostedZone: string;
  /** The record's name without the domain: `mlflow`. */
  readonly recordName: string;
  /** The domain that the record belongs to, the zone's or one below it: `example.com`. */
  readonly domain: string;
}

/** What a record is made of. */
export interface DnsRecordProps extends DnsOptions {
  /** The load balancer's own DNS name. */
  readonly targetDnsName: string;
  /** The Route 53 zone id of the load balancer's name. */
  readonly targetZoneId: string;
  /**
   * The provider of the account that the hosted zone lives in.
   * @default - the stack's
   */
  readonly provider?: TerraformProvider;
}

/** The alias record that leads to the load balancer. */
export class DnsRecord extends Construct {
  public constructor(scope: Construct, id: string, props: DnsRecordProps) {
    super(scope, id);
    refuse(this.node.path, dnsProblems(props));
    const { provider } = props;
    const zone = new DataAwsRoute53Zone(this, "zone", {
      name: props.hostedZone,
      privateZone: false,
      provider,
    });
    new Route53Record(this, "record", {
      zoneId: zone.zoneId,
      name: hostName(props),
      type: "A",
      alias: { name: props.targetDnsName, zoneId: props.targetZoneId, evaluateTargetHealth: true },
      provider,
    });
  }
}

/**
 * The full name: `mlflow.example.com`.
 *
 * @param dns record and domain
 */
export function hostName({ recordName, domain }: Pick<DnsOptions, "recordName" | "domain">): string {
  return `${recordName}.${domain}`;
}

/**
 * What is wrong with MLflow's name.
 *
 * @param dns zone, record and domain
 */
export function dnsProblems(dns: Partial<DnsOptions>): Problem[] {
  const { hostedZone, recordName, domain } = dns;
  const problems = [
    ...checkDomain("hostedZone", hostedZone),
    ...recordProblems(recordName, domain),
    ...checkDomain("domain", domain),
  ];
  const known = [hostedZone, domain].every((name) => name !== undefined && !Token.isUnresolved(name));
  if (problems.length === 0 && known && domain !== hostedZone && !domain?.endsWith(`.${hostedZone}`)) {
    const message = `${show(domain)} lies outside the zone ${show(hostedZone)}: write the zone's own name or one below it`;
    problems.push({ path: "domain", message });
  }
  return problems;
}

function recordProblems(recordName: string | undefined, domain: string | undefined): Problem[] {
  if (domain !== undefined && recordName?.endsWith(`.${domain}`)) {
    const fix = recordName.slice(0, -domain.length - 1);
    return [
      { path: "recordName", message: `${show(recordName)} holds the domain already: write ${show(fix)}` },
    ];
  }
  const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
  return checkPattern(
    "recordName",
    recordName,
    label,
    'one name in lower case without dots, such as "mlflow"',
  );
}
