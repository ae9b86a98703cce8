import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Aspects, TerraformResource, TerraformStack, Testing } from "cdktf";
import { applyGuardRules } from "../../../constructs";
import { GUARD_RULES } from "../../../constructs/aspects/guard-rules";
import type { Risk } from "../../../constructs/risks";
import { refusal } from "../../support/refusal";
import type { Block } from "../../support/template";

/** Resources by address; references between them are Terraform's own. */
type Resources = Record<string, Block>;

function stackOf(resources: Resources, acknowledgedRisks?: readonly Risk[]): TerraformStack {
  const stack = new TerraformStack(Testing.app(), "own");
  applyGuardRules(stack, acknowledgedRisks);
  for (const [address, attributes] of Object.entries(resources)) {
    const [terraformResourceType = "", name = ""] = address.split(".");
    const resource = new TerraformResource(stack, name, { terraformResourceType });
    resource.overrideLogicalId(name);
    Object.entries(attributes).forEach(([key, value]) => resource.addOverride(key, value));
  }
  return stack;
}

function findings(resources: Resources, acknowledgedRisks?: readonly Risk[]): string[] {
  return refusal(() => Testing.synth(stackOf(resources, acknowledgedRisks), true));
}

/** A task definition with these containers, in the shape that toTerraformJson writes. */
const task = (...containers: Block[]): Resources => ({
  "aws_ecs_task_definition.task": { container_definitions: JSON.stringify(containers) },
});

const PROXY = {
  name: "login",
  image: "quay.io/oauth2-proxy/oauth2-proxy:v7.15.3",
  command: ["--redirect-url=https://mlflow.example.com/oauth2/callback"],
};
const proxy = (...command: string[]) => task({ ...PROXY, command: [...PROXY.command, ...command] });
const proxyVariable = (name: string, value: string) =>
  task({ ...PROXY, environment: [{ name: `OAUTH2_PROXY_${name}`, value }] });

const LOAD_BALANCER: Resources = {
  "aws_security_group.front": {},
  "aws_lb.balancer": { security_groups: ["${aws_security_group.front.id}"] },
  "aws_lb_listener.https": {
    load_balancer_arn: "${aws_lb.balancer.arn}",
    port: 443,
    protocol: "HTTPS",
    ssl_policy: "ELBSecurityPolicy-TLS13-1-2-2021-06",
  },
};
const ingress = (rule: Block): Resources => ({
  "aws_vpc_security_group_ingress_rule.in": {
    security_group_id: "${aws_security_group.front.id}",
    ip_protocol: "tcp",
    from_port: 443,
    to_port: 443,
    ...rule,
  },
});
const BLOCKED = {
  bucket: "${aws_s3_bucket.logs.id}",
  block_public_acls: true,
  block_public_policy: true,
  ignore_public_acls: true,
  restrict_public_buckets: true,
};
const HTTP = { protocol: "HTTP", port: 80 };
const REDIRECT = { type: "redirect", redirect: [{ protocol: "HTTPS", status_code: "HTTP_301" }] };
const own = "write ranges of your own; everybody may reach a load balancer's listeners only";
const definitions = "task.container_definitions";
const plain = (what: string) =>
  `${definitions}: ${what} holds a secret in plain text: let ECS read it, by secrets`;

const RULES: Record<
  string,
  {
    readonly compliant: Record<string, Resources>;
    readonly refused: Record<string, [Resources, ...string[]]>;
  }
> = {
  "open-ingress": {
    compliant: {
      "everybody on a listener's port": { ...LOAD_BALANCER, ...ingress({ cidr_ipv4: "0.0.0.0/0" }) },
      "ranges of the company": {
        "aws_security_group.own": { ingress: [{ from_port: 22, to_port: 22, cidr_blocks: ["10.0.0.0/8"] }] },
      },
      "what only Terraform knows": ingress({ cidr_ipv4: "${var.cidr}" }),
      "a rule that lets out": {
        "aws_security_group_rule.out": {
          type: "egress",
          cidr_blocks: ["0.0.0.0/0"],
          from_port: 0,
          to_port: 0,
        },
      },
    },
    refused: {
      "another port of a load balancer": [
        { ...LOAD_BALANCER, ...ingress({ cidr_ipv4: "0.0.0.0/0", to_port: 444 }) },
        `in.cidr_ipv4: "0.0.0.0/0" may reach ports 443–444: ${own}`,
      ],
      "the port of a listener, but another protocol": [
        { ...LOAD_BALANCER, ...ingress({ cidr_ipv6: "::/0", ip_protocol: "udp" }) },
        `in.cidr_ipv6: "::/0" may reach port 443: ${own}`,
      ],
      "a group that is no load balancer's": [
        {
          ...LOAD_BALANCER,
          ...ingress({ cidr_ipv4: "0.0.0.0/0", security_group_id: "${aws_security_group.tasks.id}" }),
        },
        `in.cidr_ipv4: "0.0.0.0/0" may reach port 443: ${own}`,
      ],
      "half the internet, in a rule of the older kind": [
        {
          "aws_security_group_rule.in": {
            type: "ingress",
            security_group_id: "sg-1",
            protocol: "tcp",
            from_port: 3306,
            to_port: 3306,
            cidr_blocks: ["10.0.0.0/8", "0.0.0.0/1"],
          },
        },
        `in.cidr_blocks: "0.0.0.0/1" may reach port 3306: ${own}`,
      ],
      "a group's own rules": [
        {
          "aws_security_group.own": { ingress: [{ protocol: "-1", ipv6_cidr_blocks: ["::/0"] }] },
          "aws_default_security_group.first": {
            ingress: { protocol: "-1", from_port: 0, to_port: 0, cidr_blocks: ["0.0.0.0/0"] },
          },
        },
        `first.ingress: "0.0.0.0/0" may reach every port: ${own}`,
        `own.ingress: "::/0" may reach every port: ${own}`,
      ],
    },
  },
  "public-database": {
    compliant: {
      "a private one": {
        "aws_rds_cluster_instance.db": { publicly_accessible: false },
        "aws_db_instance.db2": { storage_encrypted: true },
      },
    },
    refused: {
      "public ones": [
        {
          "aws_rds_cluster_instance.db": { publicly_accessible: true },
          "aws_db_instance.db2": { storage_encrypted: true, publicly_accessible: "true" },
        },
        "db.publicly_accessible: true gives the database an address on the internet: write false",
        "db2.publicly_accessible: true gives the database an address on the internet: write false",
      ],
    },
  },
  "public-bucket": {
    compliant: {
      "a blocked bucket": {
        "aws_s3_bucket.logs": {},
        "aws_s3_bucket_public_access_block.block": BLOCKED,
      },
      "a bucket that is blocked by its name": {
        "aws_s3_bucket.logs": { bucket: "acme-logs" },
        "aws_s3_bucket_public_access_block.block": { ...BLOCKED, bucket: "acme-logs" },
      },
    },
    refused: {
      "a bucket without a block": [
        {
          "aws_s3_bucket.logs": {},
          "aws_s3_bucket_public_access_block.block": { ...BLOCKED, bucket: "another" },
        },
        "logs.bucket: has no aws_s3_bucket_public_access_block: give it one with all four parts true",
      ],
      "a block with gaps": [
        {
          "aws_s3_bucket.logs": {},
          "aws_s3_bucket_public_access_block.block": {
            ...BLOCKED,
            block_public_policy: false,
            restrict_public_buckets: undefined,
          },
        },
        "block.block_public_policy: is not true: write true",
        "block.restrict_public_buckets: is not true: write true",
      ],
    },
  },
  "weak-tls": {
    compliant: {
      "TLS 1.2 and 1.3": LOAD_BALANCER,
      "TLS 1.2 alone": {
        "aws_lb_listener.tls": { protocol: "TLS", ssl_policy: "ELBSecurityPolicy-FS-1-2-Res-2020-10" },
      },
      "what only Terraform knows": {
        "aws_lb_listener.tls": { protocol: "HTTPS", ssl_policy: "${var.policy}" },
      },
    },
    refused: {
      "no policy": [
        { "aws_lb_listener.tls": { protocol: "HTTPS" } },
        "tls.ssl_policy: is missing, and AWS's own choice lets TLS 1.0 through: " +
          'write one such as "ELBSecurityPolicy-TLS13-1-2-2021-06"',
      ],
      "a policy with TLS 1.0": [
        { "aws_alb_listener.tls": { protocol: "TLS", ssl_policy: "ELBSecurityPolicy-TLS13-1-0-2021-06" } },
        'tls.ssl_policy: "ELBSecurityPolicy-TLS13-1-0-2021-06" lets TLS 1.0 through: ' +
          'write one such as "ELBSecurityPolicy-TLS13-1-2-2021-06"',
      ],
    },
  },
  "plain-http": {
    compliant: {
      "a redirect": { "aws_lb_listener.http": { ...HTTP, default_action: [REDIRECT] } },
      "a rule of a listener with TLS": {
        ...LOAD_BALANCER,
        "aws_lb_listener_rule.rule": {
          listener_arn: "${aws_lb_listener.https.arn}",
          action: [{ type: "forward" }],
        },
      },
    },
    refused: {
      "an answer": [
        { "aws_lb_listener.http": { ...HTTP, default_action: { type: "forward" } } },
        'http.default_action: "forward" answers without TLS: write a redirect to HTTPS',
      ],
      "a redirect that stays": [
        {
          "aws_lb_listener.http": {
            ...HTTP,
            default_action: [{ type: "redirect", redirect: [{ status_code: "HTTP_301" }] }],
          },
        },
        'http.default_action: "redirect" answers without TLS: write a redirect to HTTPS',
      ],
      "an answer by a rule": [
        {
          "aws_lb_listener.http": { ...HTTP, default_action: [REDIRECT] },
          "aws_lb_listener_rule.rule": {
            listener_arn: "${aws_lb_listener.http.arn}",
            action: [{ type: "fixed-response" }],
          },
        },
        'rule.action: "fixed-response" answers without TLS: write a redirect to HTTPS',
      ],
    },
  },
  "insecure-cookie": {
    compliant: {
      "the defaults": proxy(),
      "what is said": proxy("--cookie-secure", "--cookie-httponly=true"),
    },
    refused: {
      "a flag": [
        proxy("--cookie-secure=false"),
        `${definitions}: --cookie-secure of oauth2-proxy is false: write true`,
      ],
      "a variable": [
        proxyVariable("COOKIE_HTTPONLY", "0"),
        `${definitions}: --cookie-httponly of oauth2-proxy is false: write true`,
      ],
    },
  },
  "http-redirect": {
    compliant: {
      TLS: proxy(),
      "what only Terraform knows": task({ ...PROXY, command: ['--redirect-url=${lookup(var.urls, "dev")}'] }),
      "a variable": task({
        ...PROXY,
        command: [],
        environment: [
          { name: "OAUTH2_PROXY_REDIRECT_URL", value: "https://mlflow.example.com/oauth2/callback" },
        ],
      }),
      "another container": task({
        name: "mlflow",
        image: "mlflow",
        command: ["--redirect-url=http://a.example"],
      }),
      "a task definition that only Terraform can put together": {
        "aws_ecs_task_definition.task": { container_definitions: "${jsonencode(var.containers)}" },
      },
    },
    refused: {
      HTTP: [
        task({ ...PROXY, command: ["--redirect-url", "http://mlflow.example.com/oauth2/callback"] }),
        `${definitions}: --redirect-url of oauth2-proxy: "http://mlflow.example.com/oauth2/callback": ` +
          "write https://…/oauth2/callback",
      ],
      nothing: [
        task({ ...PROXY, command: [] }),
        `${definitions}: --redirect-url of oauth2-proxy: is missing, so each request's Host decides: ` +
          "write https://…/oauth2/callback",
      ],
    },
  },
  "wildcard-host": {
    compliant: {
      "whole names": task(
        { ...PROXY, command: [...PROXY.command, "--whitelist-domain=login.example.com"] },
        {
          name: "mlflow",
          command: ["mlflow server --allowed-hosts=mlflow.example.com"],
          environment: [
            { name: "MLFLOW_SERVER_ALLOWED_HOSTS", value: "mlflow.example.com,localhost:5000" },
            { name: "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE", value: "false" },
          ],
        },
      ),
    },
    refused: {
      "oauth2-proxy's own": [
        proxy("--whitelist-domain=.example.com", "--whitelist-domain=login.example.com,*.example.net"),
        `${definitions}: ".example.com" in --whitelist-domain of oauth2-proxy: write whole names`,
        `${definitions}: "*.example.net" in --whitelist-domain of oauth2-proxy: write whole names`,
      ],
      "MLflow's by variables": [
        task({
          name: "mlflow",
          environment: [
            { name: "MLFLOW_SERVER_ALLOWED_HOSTS", value: "localhost,*.example.com" },
            { name: "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS", value: "*" },
            { name: "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE", value: "True" },
          ],
        }),
        `${definitions}: "localhost,*.example.com" in MLFLOW_SERVER_ALLOWED_HOSTS or --allowed-hosts of mlflow: write whole names`,
        `${definitions}: "*" in MLFLOW_SERVER_CORS_ALLOWED_ORIGINS or --cors-allowed-origins of mlflow: write whole names`,
        `${definitions}: mlflow has its checks of Host and Origin switched off: leave them on`,
      ],
      "MLflow's by options": [
        task({
          name: "mlflow",
          command: ["server", "--allowed-hosts", "*", "--disable-security-middleware"],
        }),
        `${definitions}: "*" in MLFLOW_SERVER_ALLOWED_HOSTS or --allowed-hosts of mlflow: write whole names`,
        `${definitions}: mlflow has its checks of Host and Origin switched off: leave them on`,
      ],
    },
  },
  "unauthenticated-route": {
    compliant: { none: proxy(), "what is said": proxy("--skip-auth-preflight=false") },
    refused: {
      "a path": [
        proxy("--skip-auth-route=GET=^/health$"),
        `${definitions}: --skip-auth-route of oauth2-proxy is "GET=^/health$": leave it out`,
      ],
      "a method": [
        proxy("--skip-auth-preflight"),
        `${definitions}: --skip-auth-preflight of oauth2-proxy is "true": leave it out`,
      ],
      "an address": [
        proxyVariable("TRUSTED_IPS", "10.0.0.0/8"),
        `${definitions}: --trusted-ip of oauth2-proxy is "10.0.0.0/8": leave it out`,
      ],
    },
  },
  "plain-secret": {
    compliant: {
      "secrets, and words about them": task({
        ...PROXY,
        command: [
          ...PROXY.command,
          "--pass-access-token=false",
          "--skip-jwt-bearer-tokens=true",
          "--client-secret-file=/run/secret",
          "--api-route=^/api(/|$)",
          "--extra-jwt-issuers=https://login.example.com=mlflow@example.com",
          'uri="mysql://user:$PASSWORD@$HOST"',
        ],
        environment: [
          { name: "AWS_CONTAINER_TOKEN", value: "" },
          { name: "TOKEN_URL", value: "https://login.example.com/token" },
        ],
        secrets: [{ name: "OAUTH2_PROXY_CLIENT_SECRET", valueFrom: "${aws_secretsmanager_secret.it.arn}" }],
      }),
      "write-only passwords": {
        "aws_rds_cluster.db": { storage_encrypted: true, master_password_wo: "${ephemeral.it}" },
        "aws_secretsmanager_secret_version.it": { secret_string_wo: "${ephemeral.it}" },
      },
    },
    refused: {
      variables: [
        task({
          name: "mlflow",
          environment: [
            { name: "DB_PASSWORD", value: "${random_password.it.result}" },
            { name: "BACKEND_STORE_URI", value: "mysql://user:hunter2@db.example.com/mlflow" },
          ],
        }),
        plain("environment variable DB_PASSWORD of mlflow"),
        plain("environment variable BACKEND_STORE_URI of mlflow"),
      ],
      "a command": [
        proxy("--client-secret=hunter2", "--redis-connection-url=rediss://:hunter2@redis.example.com"),
        plain("word 2 of the command of login"),
        plain("word 3 of the command of login"),
      ],
      "what Terraform keeps": [
        {
          "aws_rds_cluster.db": { storage_encrypted: true, master_password: "${var.password}" },
          "aws_secretsmanager_secret_version.it": { secret_string: "hunter2" },
        },
        "db.master_password: is kept in the plan and the state: write master_password_wo",
        "it.secret_string: is kept in the plan and the state: write secret_string_wo",
      ],
    },
  },
  "privileged-container": {
    compliant: {
      "one with nothing added": task({
        name: "mlflow",
        privileged: false,
        linuxParameters: { capabilities: { add: [], drop: ["ALL"] } },
      }),
    },
    refused: {
      "one with the machine's rights": [
        task({ name: "mlflow", privileged: true }),
        `${definitions}: mlflow is privileged: write false`,
      ],
      "one with a capability": [
        task({ name: "mlflow", linuxParameters: { capabilities: { add: ["SYS_PTRACE"] } } }),
        `${definitions}: mlflow is given "SYS_PTRACE": add no capability`,
      ],
    },
  },
  "unencrypted-storage": {
    compliant: {
      "encrypted ones": {
        "aws_rds_cluster.db": { storage_encrypted: true },
        "aws_efs_file_system.files": { encrypted: "${var.encrypted}" },
      },
    },
    refused: {
      "ones that nobody asked to encrypt": [
        { "aws_rds_cluster.db": { storage_encrypted: false }, "aws_efs_file_system.files": {} },
        "db.storage_encrypted: is not true: write true, which only a new one can get",
        "files.encrypted: is not true: write true, which only a new one can get",
      ],
    },
  },
  "endless-logs": {
    compliant: {
      "a number of days": { "aws_cloudwatch_log_group.log": { retention_in_days: 30 } },
      "for ever, as it says": { "aws_cloudwatch_log_group.log": { retention_in_days: 0 } },
    },
    refused: {
      nothing: [
        { "aws_cloudwatch_log_group.log": {} },
        "log.retention_in_days: is missing, which keeps logs for ever: write a number of days",
      ],
    },
  },
};

test("each guard rule has its cases here", () => {
  expect(Object.keys(RULES)).toEqual(GUARD_RULES.map(({ risk }) => risk));
});

describe.each(Object.entries(RULES))("the guard rule %s", (risk, { compliant, refused }) => {
  test.each(Object.entries(compliant))("lets %s through", (_, resources) => {
    expect(() => Testing.synth(stackOf(resources), true)).not.toThrow();
  });

  test.each(Object.entries(refused))(
    "refuses %s unless that is acknowledged",
    (_, [resources, ...messages]) => {
      const fix = `, or acknowledge it with acknowledgedRisks: ["${risk}"]`;
      expect(findings(resources).sort()).toEqual(messages.map((message) => `${message}${fix}`).sort());
      expect(() => Testing.synth(stackOf(resources, [risk as Risk]), true)).not.toThrow();
    },
  );

  test("has a row in docs/guard-rules.md", () => {
    const page = readFileSync(join(__dirname, "../../../docs/guard-rules.md"), "utf8");
    expect(page.split("\n").filter((line) => line.startsWith(`| \`${risk}\``))).toHaveLength(1);
  });
});

describe("guard rules", () => {
  const DATABASE: Resources = { "aws_rds_cluster_instance.db": { publicly_accessible: false } };
  const OPEN =
    "db.publicly_accessible: true gives the database an address on the internet: write false, or acknowledge it with " +
    'acknowledgedRisks: ["public-database"]';

  test("see an override of the stack", () => {
    const stack = stackOf(DATABASE);
    stack.addOverride("resource.aws_rds_cluster_instance.db.publicly_accessible", true);
    expect(refusal(() => Testing.synth(stack, true))).toEqual([OPEN]);
  });

  test("see a resource that has no construct", () => {
    const stack = stackOf({});
    stack.addOverride("resource.aws_db_instance.db", { storage_encrypted: true, publicly_accessible: true });
    expect(refusal(() => Testing.synth(stack, true))).toEqual([`aws_db_instance.${OPEN}`]);
  });

  test("see what aspects change that were added later", () => {
    const stack = stackOf(DATABASE);
    Aspects.of(stack).add({
      visit: (node) => {
        if (TerraformResource.isTerraformResource(node)) node.addOverride("publicly_accessible", true);
      },
    });
    expect(refusal(() => Testing.synth(stack, true))).toEqual([OPEN]);
  });

  test("tell the findings of all rules at once", () => {
    const resources = {
      "aws_cloudwatch_log_group.log": {},
      "aws_rds_cluster.db": { master_password: "hunter2" },
    };
    expect(findings(resources)).toHaveLength(3);
    expect(findings(resources, ["plain-secret", "endless-logs"])).toHaveLength(1);
  });

  test("never show a secret", () => {
    const stack = stackOf(proxy("--client-secret=hunter2"));
    expect(() => Testing.synth(stack, true)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("hunter2") }),
    );
  });
});
