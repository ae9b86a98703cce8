import { WebAcl, type WebAclProps } from "../../constructs/web-acl";
import { testStack } from "../support/stack";
import { type Block, decode, Template } from "../support/template";

function synth(props: Partial<WebAclProps> = {}): Template {
  const stack = testStack();
  new WebAcl(stack, "waf", {
    name: "oauth2-mlflow",
    loadBalancerArn: "arn:load-balancer",
    logRetentionDays: 30,
    ...props,
  });
  return Template.of(stack);
}

function rules(template: Template): Block[] {
  return decode(template.resource("aws_wafv2_web_acl").rule_json) as Block[];
}

describe("the default web ACL", () => {
  const template = synth();
  const arn = template.ref("aws_wafv2_web_acl", "", "arn");

  test("stands before the load balancer and lets through what no rule blocks", () => {
    expect(template.resource("aws_wafv2_web_acl")).toMatchObject({
      name: "oauth2-mlflow",
      scope: "REGIONAL",
      default_action: { allow: {} },
    });
    expect(template.resource("aws_wafv2_web_acl_association")).toEqual({
      web_acl_arn: arn,
      resource_arn: "arn:load-balancer",
    });
  });

  test("limits each address, then has AWS's managed rules", () => {
    expect(rules(template).map(({ Name, Priority }) => [Priority, Name])).toEqual([
      [0, "RateLimit"],
      [1, "AWSManagedRulesAmazonIpReputationList"],
      [2, "AWSManagedRulesKnownBadInputsRuleSet"],
      [3, "AWSManagedRulesCommonRuleSet"],
    ]);
    expect(rules(template)[0]).toMatchObject({
      Action: { Block: {} },
      Statement: { RateBasedStatement: { Limit: 10000, AggregateKeyType: "IP" } },
    });
    for (const { Name, OverrideAction, Statement } of rules(template).slice(1)) {
      expect(OverrideAction).toEqual({ None: {} });
      expect(Statement.ManagedRuleGroupStatement).toMatchObject({ VendorName: "AWS", Name });
    }
  });

  test("only counts what MLflow's own traffic does: large bodies, bodies that hold anything, paths to logs", () => {
    const overrides = rules(template).flatMap(
      ({ Statement }) => Statement.ManagedRuleGroupStatement?.RuleActionOverrides ?? [],
    );
    for (const { ActionToUse } of overrides) expect(ActionToUse).toEqual({ Count: {} });
    expect(overrides.map(({ Name }) => Name).sort()).toEqual([
      "CrossSiteScripting_BODY",
      "EC2MetaDataSSRF_BODY",
      "GenericLFI_BODY",
      "GenericRFI_BODY",
      "RestrictedExtensions_QUERYARGUMENTS",
      "RestrictedExtensions_URIPATH",
      "SizeRestrictions_BODY",
      "SizeRestrictions_Cookie_HEADER",
      "SizeRestrictions_QUERYSTRING",
      "SizeRestrictions_URIPATH",
    ]);
  });

  test("logs what it blocks or counts, without tokens and cookies", () => {
    expect(template.resource("aws_cloudwatch_log_group")).toEqual({
      name: "aws-waf-logs-oauth2-mlflow",
      retention_in_days: 30,
    });
    expect(template.resource("aws_wafv2_web_acl_logging_configuration")).toMatchObject({
      resource_arn: arn,
      log_destination_configs: [template.ref("aws_cloudwatch_log_group", "", "arn")],
      redacted_fields: [{ single_header: { name: "authorization" } }, { single_header: { name: "cookie" } }],
      logging_filter: {
        default_behavior: "DROP",
        filter: [{ behavior: "KEEP", requirement: "MEETS_ANY" }],
      },
    });
  });
});

test("a web ACL has the given limit and key", () => {
  const template = synth({ rateLimit: 500, kmsKeyArn: "arn:key" });
  expect(rules(template)[0]?.Statement.RateBasedStatement.Limit).toBe(500);
  expect(template.resource("aws_cloudwatch_log_group").kms_key_id).toBe("arn:key");
});
