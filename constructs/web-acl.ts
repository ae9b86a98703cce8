import { CloudwatchLogGroup } from "@cdktf/provider-aws/lib/cloudwatch-log-group";
import { Wafv2WebAcl } from "@cdktf/provider-aws/lib/wafv2-web-acl";
import { Wafv2WebAclAssociation } from "@cdktf/provider-aws/lib/wafv2-web-acl-association";
import { Wafv2WebAclLoggingConfiguration } from "@cdktf/provider-aws/lib/wafv2-web-acl-logging-configuration";
import { Construct } from "constructs";
import { checkRange } from "./checks";
import { toTerraformJson } from "./containers/terraform-json";
import type { Problem } from "./errors";

/** The web application firewall's settings. */
export interface WafOptions {
  /**
   * How many requests one IP address may send in five minutes: 10–2000000000. Programs that log many small things, and
   * all who share a NAT gateway, send a lot.
   * @default 10000
   */
  readonly rateLimit?: number;
}

/** What a web ACL is made of. */
export interface WebAclProps extends WafOptions {
  /** Names derive from it. */
  readonly name: string;
  /** The load balancer's ARN. */
  readonly loadBalancerArn: string;
  /** How long its log is kept, in days. */
  readonly logRetentionDays: number;
  /**
   * The KMS key of its log.
   * @default - CloudWatch's own encryption
   */
  readonly kmsKeyArn?: string;
}

/**
 * Rules of AWS's common rule set that only count, since MLflow's own traffic breaks them: uploads are large, artifacts,
 * traces and prompts hold anything, their paths may end in `.log` or `.conf`, and queries list a hundred runs.
 */
const ONLY_COUNTED = [
  "SizeRestrictions_BODY",
  "SizeRestrictions_QUERYSTRING",
  "SizeRestrictions_URIPATH",
  "SizeRestrictions_Cookie_HEADER",
  "RestrictedExtensions_URIPATH",
  "RestrictedExtensions_QUERYARGUMENTS",
  "EC2MetaDataSSRF_BODY",
  "GenericLFI_BODY",
  "GenericRFI_BODY",
  "CrossSiteScripting_BODY",
];

/** AWS WAF in front of a load balancer: AWS's managed rules and a limit for each address. What it blocks is logged. */
export class WebAcl extends Construct {
  public constructor(scope: Construct, id: string, props: WebAclProps) {
    super(scope, id);
    const { name, loadBalancerArn, logRetentionDays, kmsKeyArn, rateLimit = 10000 } = props;
    const acl = new Wafv2WebAcl(this, "acl", {
      name,
      description: "MLflow's load balancer",
      scope: "REGIONAL",
      defaultAction: { allow: {} },
      visibilityConfig: { cloudwatchMetricsEnabled: true, metricName: name, sampledRequestsEnabled: false },
      // As blocks, rules without a version show a difference in each plan (terraform-provider-aws issue 33124).
      ruleJson: toTerraformJson(rules(rateLimit)),
    });
    new Wafv2WebAclAssociation(this, "association", { webAclArn: acl.arn, resourceArn: loadBalancerArn });
    const log = new CloudwatchLogGroup(this, "log-group", {
      // WAF takes no other name's beginning.
      name: `aws-waf-logs-${name}`,
      retentionInDays: logRetentionDays,
      kmsKeyId: kmsKeyArn,
    });
    new Wafv2WebAclLoggingConfiguration(this, "logging", {
      resourceArn: acl.arn,
      logDestinationConfigs: [log.arn],
      redactedFields: ["authorization", "cookie"].map((header) => ({ singleHeader: { name: header } })),
      loggingFilter: {
        defaultBehavior: "DROP",
        filter: [
          {
            behavior: "KEEP",
            requirement: "MEETS_ANY",
            condition: ["BLOCK", "COUNT", "EXCLUDED_AS_COUNT"].map((action) => ({
              actionCondition: { action },
            })),
          },
        ],
      },
    });
  }
}

/** The rules in the shape of the WAF API, in their order. */
function rules(rateLimit: number): object[] {
  const managed = (name: string, onlyCounted: readonly string[] = []) => ({
    Name: name,
    OverrideAction: { None: {} },
    Statement: {
      ManagedRuleGroupStatement: {
        VendorName: "AWS",
        Name: name,
        ...(onlyCounted.length === 0
          ? {}
          : { RuleActionOverrides: onlyCounted.map((Name) => ({ Name, ActionToUse: { Count: {} } })) }),
      },
    },
  });
  return [
    {
      Name: "RateLimit",
      Action: { Block: {} },
      Statement: { RateBasedStatement: { Limit: rateLimit, AggregateKeyType: "IP" } },
    },
    managed("AWSManagedRulesAmazonIpReputationList"),
    managed("AWSManagedRulesKnownBadInputsRuleSet"),
    managed("AWSManagedRulesCommonRuleSet", ONLY_COUNTED),
  ].map((rule, Priority) => ({
    ...rule,
    Priority,
    VisibilityConfig: {
      CloudWatchMetricsEnabled: true,
      MetricName: rule.Name,
      SampledRequestsEnabled: false,
    },
  }));
}

/**
 * What is wrong with a firewall's settings.
 *
 * @param options the settings
 */
export function wafProblems({ rateLimit }: WafOptions): Problem[] {
  return checkRange("rateLimit", rateLimit, 10, 2_000_000_000, "requests in five minutes");
}
