import { LoadBalancer, type LoadBalancerOptions, publicHost } from "../../constructs/load-balancer";
import { Network } from "../../constructs/network";
import { refusal } from "../support/refusal";
import { testStack } from "../support/stack";
import { Template } from "../support/template";

const CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/1";

function synth(options: LoadBalancerOptions = {}) {
  const stack = testStack();
  const network = Network.fromExisting({
    vpcId: "vpc-1",
    publicSubnetIds: ["public-1", "public-2"],
    privateSubnetIds: ["private-1", "private-2"],
  });
  new LoadBalancer(stack, "front", {
    name: "oauth2-mlflow",
    domain: "example.com",
    publicHost: publicHost("mlflow.example.com", options),
    network,
    ...options,
  });
  return Template.of(stack);
}

function refusalWith(status_code: string, message_body: string) {
  return {
    type: "fixed-response",
    fixed_response: { content_type: "text/plain", status_code, message_body },
  };
}

describe("the default load balancer", () => {
  const template = synth();

  test("is on the internet and drops malformed headers", () => {
    expect(template.resource("aws_lb")).toEqual({
      name: "oauth2-mlflow",
      load_balancer_type: "application",
      internal: false,
      subnets: ["public-1", "public-2"],
      security_groups: [template.ref("aws_security_group", "", "id")],
      drop_invalid_header_fields: true,
      idle_timeout: 600,
    });
  });

  test("speaks TLS 1.2 and 1.3 with the domain's certificate, and has nothing under other names", () => {
    expect(template.resource("aws_lb_listener", "https-listener")).toEqual({
      load_balancer_arn: template.ref("aws_lb", "", "arn"),
      port: 443,
      protocol: "HTTPS",
      ssl_policy: "ELBSecurityPolicy-TLS13-1-2-2021-06",
      certificate_arn: template.dataRef("aws_acm_certificate", "", "arn"),
      default_action: [refusalWith("421", "there is nothing under this name")],
    });
    expect(template.data("aws_acm_certificate")).toEqual({
      domain: "example.com",
      statuses: ["ISSUED"],
      key_types: ["RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"],
      most_recent: true,
    });
  });

  test("forwards what is for its own host, and not from pages of other sites", () => {
    const listener_arn = template.ref("aws_lb_listener", "https-listener", "arn");
    const forward = [{ type: "forward", target_group_arn: template.ref("aws_lb_target_group", "", "arn") }];
    const host = { host_header: { values: ["mlflow.example.com"] } };
    const origin = (value: string) => ({ http_header: { http_header_name: "Origin", values: [value] } });
    expect(template.resource("aws_lb_listener_rule", "own-origin")).toEqual({
      listener_arn,
      priority: 1,
      condition: [host, origin("https://mlflow.example.com")],
      action: forward,
    });
    expect(template.resource("aws_lb_listener_rule", "other-origins")).toEqual({
      listener_arn,
      priority: 2,
      condition: [origin("*")],
      action: [refusalWith("403", "pages of other sites may not ask here")],
    });
    expect(template.resource("aws_lb_listener_rule", "own-host")).toEqual({
      listener_arn,
      priority: 3,
      condition: [host],
      action: forward,
    });
    expect(template.resources("aws_lb_listener_rule")).toHaveLength(3);
  });

  test("redirects HTTP to HTTPS, under its own name only", () => {
    expect(template.resource("aws_lb_listener", "http-listener")).toEqual({
      load_balancer_arn: template.ref("aws_lb", "", "arn"),
      port: 80,
      protocol: "HTTP",
      default_action: [
        {
          type: "redirect",
          redirect: { protocol: "HTTPS", host: "mlflow.example.com", port: "443", status_code: "HTTP_301" },
        },
      ],
    });
  });

  test("checks oauth2-proxy's health on /ping", () => {
    expect(template.resource("aws_lb_target_group")).toEqual({
      name: "oauth2-mlflow",
      target_type: "ip",
      protocol: "HTTP",
      port: 8080,
      vpc_id: "vpc-1",
      deregistration_delay: "300",
      health_check: { path: "/ping", matcher: "200-202" },
    });
  });

  test("lets everybody in on 443 and 80, and itself out nowhere", () => {
    const securityGroup = template.ref("aws_security_group", "", "id");
    const rule = (port: number) => ({
      security_group_id: securityGroup,
      description: `port ${port} from 0.0.0.0/0`,
      cidr_ipv4: "0.0.0.0/0",
      ip_protocol: "tcp",
      from_port: port,
      to_port: port,
    });
    expect(template.resource("aws_vpc_security_group_ingress_rule", "ingress-443-1")).toEqual(rule(443));
    expect(template.resource("aws_vpc_security_group_ingress_rule", "ingress-80-1")).toEqual(rule(80));
    expect(template.resources("aws_vpc_security_group_ingress_rule")).toHaveLength(2);
    expect(template.resources("aws_vpc_security_group_egress_rule")).toEqual([]);
    expect(template.resource("aws_security_group")).toMatchObject({ vpc_id: "vpc-1" });
    expect(template.resource("aws_security_group")).not.toHaveProperty("egress");
  });
});

describe("a load balancer with everything set", () => {
  const template = synth({
    internal: true,
    allowedCidrs: ["10.0.0.0/8", "192.168.0.0/16"],
    certificateArn: CERTIFICATE,
    httpsPort: 8443,
    httpPort: 8088,
  });

  test("stands in the private subnets", () => {
    expect(template.resource("aws_lb")).toMatchObject({
      internal: true,
      subnets: ["private-1", "private-2"],
    });
  });

  test("has the given certificate and looks for none", () => {
    expect(template.resource("aws_lb_listener", "https-listener")).toMatchObject({
      certificate_arn: CERTIFICATE,
      port: 8443,
    });
    expect(template.json.data).toBeUndefined();
  });

  test("knows its own origin by the port", () => {
    const [host, origin] = template.resource("aws_lb_listener_rule", "own-origin").condition;
    expect(host.host_header.values).toEqual(["mlflow.example.com"]);
    expect(origin.http_header.values).toEqual(["https://mlflow.example.com:8443"]);
  });

  test("redirects to its own port", () => {
    const listener = template.resource("aws_lb_listener", "http-listener");
    expect(listener.port).toBe(8088);
    expect(listener.default_action[0].redirect.port).toBe("8443");
  });

  test("lets only the given ranges in, on both ports", () => {
    expect(
      template
        .resources("aws_vpc_security_group_ingress_rule")
        .map((rule) => [rule.cidr_ipv4, rule.from_port, rule.to_port]),
    ).toEqual([
      ["10.0.0.0/8", 8088, 8088],
      ["192.168.0.0/16", 8088, 8088],
      ["10.0.0.0/8", 8443, 8443],
      ["192.168.0.0/16", 8443, 8443],
    ]);
  });
});

test("its TLS policy can be chosen, and its deletion refused", () => {
  const template = synth({ tlsPolicy: "ELBSecurityPolicy-TLS13-1-3-2021-06", deletionProtection: true });
  expect(template.resource("aws_lb_listener", "https-listener").ssl_policy).toBe(
    "ELBSecurityPolicy-TLS13-1-3-2021-06",
  );
  expect(template.resource("aws_lb").enable_deletion_protection).toBe(true);
});

describe("a load balancer with access logs", () => {
  const template = synth({ accessLogRetentionDays: 90 });
  const bucket = template.ref("aws_s3_bucket", "", "id");
  const arn = template.ref("aws_s3_bucket", "", "arn");
  const account = template.dataRef("aws_caller_identity", "", "account_id");

  test("writes them once it may", () => {
    expect(template.resource("aws_lb").access_logs).toEqual({
      bucket: template.ref("aws_s3_bucket_policy", "", "bucket"),
      enabled: true,
    });
    expect(template.statements("aws_s3_bucket_policy")).toEqual([
      {
        Sid: "LoadBalancer",
        Effect: "Allow",
        Principal: { Service: "logdelivery.elasticloadbalancing.amazonaws.com" },
        Action: "s3:PutObject",
        Resource: `${arn}/AWSLogs/${account}/*`,
      },
      expect.objectContaining({ Sid: "TlsOnly", Effect: "Deny", Resource: [arn, `${arn}/*`] }),
    ]);
  });

  test("keeps them in a private bucket with keys of S3, as long as told", () => {
    expect(template.resource("aws_s3_bucket")).toEqual({ bucket: `oauth2-mlflow-access-logs-${account}` });
    expect(template.resource("aws_s3_bucket_public_access_block")).toEqual({
      bucket,
      block_public_acls: true,
      block_public_policy: true,
      ignore_public_acls: true,
      restrict_public_buckets: true,
    });
    expect(template.resource("aws_s3_bucket_server_side_encryption_configuration").rule).toEqual([
      { apply_server_side_encryption_by_default: { sse_algorithm: "AES256" } },
    ]);
    expect(template.resource("aws_s3_bucket_lifecycle_configuration").rule).toMatchObject([
      { status: "Enabled", expiration: [{ days: 90 }] },
    ]);
  });
});

test("a certificate can be looked for by another name, also a wildcard", () => {
  expect(synth({ certificateDomain: "*.example.com" }).data("aws_acm_certificate").domain).toBe(
    "*.example.com",
  );
});

test("the public host has the port unless it is 443", () => {
  expect(publicHost("mlflow.example.com")).toBe("mlflow.example.com");
  expect(publicHost("mlflow.example.com", { httpsPort: 443 })).toBe("mlflow.example.com");
  expect(publicHost("mlflow.example.com", { httpsPort: 8443 })).toBe("mlflow.example.com:8443");
});

describe("a load balancer is refused with", () => {
  test.each<[string, LoadBalancerOptions, string]>([
    [
      "a certificate both by ARN and by domain",
      { certificateArn: CERTIFICATE, certificateDomain: "example.com" },
      "certificateDomain: cannot go with certificateArn: remove one of the two",
    ],
    [
      "a certificate of another service",
      { certificateArn: "arn:aws:iam::111122223333:server-certificate/old" },
      'certificateArn: "arn:aws:iam::111122223333:server-certificate/old" is malformed: write the ARN of an ACM certificate',
    ],
    [
      "a URL for the certificate's domain",
      { certificateDomain: "https://example.com" },
      'certificateDomain: "https://example.com" is malformed: write a DNS name',
    ],
    [
      "the port for TLS twice",
      { httpPort: 443 },
      "httpPort: 443 is the port for TLS already: write another one",
    ],
    [
      "the port for HTTP twice",
      { httpsPort: 80 },
      "httpPort: 80 is the port for TLS already: write another one",
    ],
    [
      "a port that is none",
      { httpsPort: 70000 },
      "httpsPort: 70000 as a port is out of range: write 1–65535",
    ],
    [
      "an old TLS policy",
      { tlsPolicy: "ELBSecurityPolicy-2016-08" as "ELBSecurityPolicy-TLS13-1-2-2021-06" },
      'tlsPolicy: "ELBSecurityPolicy-2016-08" is no policy with TLS 1.3: write one of ' +
        "ELBSecurityPolicy-TLS13-1-2-2021-06, ELBSecurityPolicy-TLS13-1-2-Res-2021-06, " +
        "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09, ELBSecurityPolicy-TLS13-1-2-FIPS-2023-04, " +
        "ELBSecurityPolicy-TLS13-1-2-FIPS-PQ-2025-09, ELBSecurityPolicy-TLS13-1-3-2021-06, " +
        "ELBSecurityPolicy-TLS13-1-3-FIPS-2023-04",
    ],
    [
      "access logs that are gone at once",
      { accessLogRetentionDays: 0 },
      "accessLogRetentionDays: 0 days is out of range: write 1–3653",
    ],
    [
      "a limit that nobody gets through",
      { waf: { rateLimit: 1 } },
      "waf.rateLimit: 1 requests in five minutes is out of range: write 10–2000000000",
    ],
    [
      "an address for a range",
      { allowedCidrs: ["10.0.0.0/8", "10.1.2.3"] },
      'allowedCidrs[1]: "10.1.2.3" is no IPv4 range: write address and prefix length, such as "10.1.0.0/16"',
    ],
    [
      "a range of an impossible size",
      { allowedCidrs: ["10.0.0.0/33"] },
      'allowedCidrs[0]: "10.0.0.0/33" has a size that AWS refuses: write a prefix length of 0–32, not 33',
    ],
    [
      "host bits in a range",
      { allowedCidrs: ["10.1.2.3/8"] },
      'allowedCidrs[0]: "10.1.2.3/8" starts within its range: write 10.0.0.0/8',
    ],
  ])("%s", (_, options, problem) => {
    expect(refusal(() => synth(options))).toEqual([problem]);
  });
});
