import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import { type DnsOptions, DnsRecord } from "../../constructs/dns-record";
import { refusal } from "../support/refusal";
import { testStack } from "../support/stack";
import { Template } from "../support/template";

const DNS: DnsOptions = { hostedZone: "example.com", recordName: "mlflow", domain: "example.com" };
const TARGET = { targetDnsName: "lb.example.net", targetZoneId: "Z1" };

describe("the record", () => {
  const stack = testStack();
  new DnsRecord(stack, "dns-record", { ...DNS, ...TARGET, domain: "ml.example.com" });
  const template = Template.of(stack);

  test("is an alias of the load balancer that follows its health", () => {
    expect(template.resource("aws_route53_record")).toEqual({
      zone_id: template.dataRef("aws_route53_zone", "", "zone_id"),
      name: "mlflow.ml.example.com",
      type: "A",
      alias: { name: "lb.example.net", zone_id: "Z1", evaluate_target_health: true },
    });
  });

  test("goes to the public zone of that name", () => {
    expect(template.data("aws_route53_zone")).toEqual({ name: "example.com", private_zone: false });
  });
});

test("zone and record can belong to another account", () => {
  // GIVEN
  const stack = testStack();
  const provider = new AwsProvider(stack, "dns", { alias: "dns" });
  // WHEN
  new DnsRecord(stack, "dns-record", { ...DNS, ...TARGET, provider });
  // THEN
  const template = Template.of(stack);
  expect(template.data("aws_route53_zone").provider).toBe("aws.dns");
  expect(template.resource("aws_route53_record").provider).toBe("aws.dns");
});

describe("a record is refused with", () => {
  const dnsName =
    'is malformed: write a DNS name in lower case without "https://" and "/", such as "example.com"';
  const label = 'is malformed: write one name in lower case without dots, such as "mlflow"';

  test.each<[string, Partial<DnsOptions>, string[]]>([
    [
      "a domain outside the zone",
      { domain: "example.org" },
      [
        'domain: "example.org" lies outside the zone "example.com": write the zone\'s own name or one below it',
      ],
    ],
    [
      "a domain that only ends like the zone",
      { domain: "myexample.com" },
      [
        'domain: "myexample.com" lies outside the zone "example.com": write the zone\'s own name or one below it',
      ],
    ],
    [
      "the domain in the record's name",
      { recordName: "mlflow.example.com" },
      ['recordName: "mlflow.example.com" holds the domain already: write "mlflow"'],
    ],
    ["dots in the record's name", { recordName: "ml.flow" }, [`recordName: "ml.flow" ${label}`]],
    [
      "a record's name that is too long",
      { recordName: "a".repeat(64) },
      [`recordName: "${"a".repeat(64)}" ${label}`],
    ],
    [
      "a URL, capitals, a final dot",
      { hostedZone: "https://example.com", domain: "example.com." },
      [`hostedZone: "https://example.com" ${dnsName}`, `domain: "example.com." ${dnsName}`],
    ],
    ["capital letters", { domain: "Example.com" }, [`domain: "Example.com" ${dnsName}`]],
    ["a top-level domain", { hostedZone: "com" }, [`hostedZone: "com" ${dnsName}`]],
  ])("%s", (_, dns, problems) => {
    expect(refusal(() => new DnsRecord(testStack(), "dns-record", { ...DNS, ...TARGET, ...dns }))).toEqual(
      problems,
    );
  });
});
