import { Network, type NetworkOptions } from "../../constructs/network";
import { refusal } from "../support/refusal";
import { testStack } from "../support/stack";
import { type Block, decode, Template } from "../support/template";

function synth(options: NetworkOptions = {}): { template: Template; network: Network } {
  const stack = testStack();
  const network = new Network(stack, "network", { name: "oauth2-mlflow", region: "eu-west-1", ...options });
  return { template: Template.of(stack), network };
}

function subnets(template: Template, kind: string): Block[] {
  return template.resources("aws_subnet").filter(({ tags }) => tags.Name.startsWith(`oauth2-mlflow-${kind}`));
}

describe("the default network", () => {
  const { template, network } = synth();

  test("is the documented VPC", () => {
    expect(template.resource("aws_vpc")).toEqual({
      cidr_block: "10.1.0.0/16",
      enable_dns_hostnames: true,
      enable_dns_support: true,
      tags: { Name: "oauth2-mlflow" },
    });
  });

  test.each([
    ["public", ["10.1.11.0/24", "10.1.12.0/24"]],
    ["private", ["10.1.1.0/24", "10.1.2.0/24"]],
    ["database", ["10.1.201.0/24", "10.1.202.0/24"]],
  ])("has the documented %s subnets in two availability zones", (kind, cidrs) => {
    const found = subnets(template, kind);
    expect(found.map((subnet) => subnet.cidr_block)).toEqual(cidrs);
    expect(found.map((subnet) => subnet.availability_zone)).toEqual(["eu-west-1a", "eu-west-1b"]);
    expect(found.map((subnet) => subnet.map_public_ip_on_launch)).toEqual([false, false]);
  });

  test("leads public subnets to the internet gateway", () => {
    expect(template.resource("aws_route", "public-route")).toEqual({
      destination_cidr_block: "0.0.0.0/0",
      gateway_id: template.ref("aws_internet_gateway", "", "id"),
      route_table_id: template.ref("aws_route_table", "public-route-table", "id"),
    });
    for (const zone of [1, 2]) {
      expect(
        template.resource("aws_route_table_association", `public-route-table-association-${zone}`),
      ).toEqual({
        route_table_id: template.ref("aws_route_table", "public-route-table", "id"),
        subnet_id: template.ref("aws_subnet", `public-subnet-${zone}`, "id"),
      });
    }
  });

  test("leads both private subnets to one NAT gateway", () => {
    expect(template.resource("aws_nat_gateway")).toMatchObject({
      allocation_id: template.ref("aws_eip", "", "id"),
      subnet_id: template.ref("aws_subnet", "public-subnet-1", "id"),
    });
    expect(template.resource("aws_route", "private-1-route")).toEqual({
      destination_cidr_block: "0.0.0.0/0",
      nat_gateway_id: template.ref("aws_nat_gateway", "", "id"),
      route_table_id: template.ref("aws_route_table", "private-1-route-table", "id"),
    });
    for (const zone of [1, 2]) {
      expect(
        template.resource("aws_route_table_association", `private-route-table-association-${zone}`),
      ).toMatchObject({ route_table_id: template.ref("aws_route_table", "private-1-route-table", "id") });
    }
  });

  test("leads database subnets nowhere", () => {
    const table = template.ref("aws_route_table", "database-route-table", "id");
    expect(template.resources("aws_route").filter((route) => route.route_table_id === table)).toEqual([]);
    expect(
      template
        .resources("aws_route_table_association")
        .filter(({ route_table_id }) => route_table_id === table),
    ).toHaveLength(2);
  });

  test("reaches S3 by a gateway endpoint from public and private subnets", () => {
    expect(template.resource("aws_vpc_endpoint")).toMatchObject({
      service_name: "com.amazonaws.eu-west-1.s3",
      vpc_endpoint_type: "Gateway",
      route_table_ids: [
        template.ref("aws_route_table", "public-route-table", "id"),
        template.ref("aws_route_table", "private-1-route-table", "id"),
      ],
    });
  });

  test("empties the default security group", () => {
    expect(template.resource("aws_default_security_group")).toEqual({
      tags: { Name: "oauth2-mlflow-default" },
      vpc_id: template.ref("aws_vpc", "", "id"),
    });
  });

  test("keeps flow logs of all traffic for 30 days", () => {
    expect(template.resource("aws_flow_log")).toMatchObject({
      vpc_id: template.ref("aws_vpc", "", "id"),
      traffic_type: "ALL",
      log_destination: template.ref("aws_cloudwatch_log_group", "", "arn"),
      iam_role_arn: template.ref("aws_iam_role", "", "arn"),
    });
    expect(template.resource("aws_cloudwatch_log_group")).toEqual({
      name: "/aws/vpc/flow-logs/oauth2-mlflow",
      retention_in_days: 30,
    });
    expect(template.statements("aws_iam_role_policy")).toEqual([
      {
        Effect: "Allow",
        Action: ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
        Resource: [`${template.ref("aws_cloudwatch_log_group", "", "arn")}:*`],
      },
    ]);
  });

  test("puts tasks into the private subnets, without public addresses", () => {
    expect(network.assignPublicIp).toBe(false);
    expect(network.taskSubnetIds).toEqual(network.privateSubnetIds);
  });
});

test("what is undefined has its default", () => {
  const { template } = synth({ cidr: undefined, publicSubnetCidrs: undefined, egress: undefined });
  expect(template.json).toEqual(synth().template.json);
});

describe("a network with everything set", () => {
  const { template } = synth({
    cidr: "172.16.0.0/20",
    availabilityZones: ["eu-west-1a", "eu-west-1b", "eu-west-1c"],
    publicSubnetCidrs: ["172.16.0.0/28", "172.16.0.16/28", "172.16.0.32/28"],
    privateSubnetCidrs: ["172.16.1.0/24", "172.16.2.0/24", "172.16.3.0/24"],
    databaseSubnetCidrs: ["172.16.4.0/27", "172.16.4.32/27", "172.16.4.64/27"],
    egress: "nat-per-az",
    flowLogRetentionDays: 365,
  });

  test("has the given ranges and zones", () => {
    expect(template.resource("aws_vpc").cidr_block).toBe("172.16.0.0/20");
    expect(
      subnets(template, "database").map((subnet) => [subnet.cidr_block, subnet.availability_zone]),
    ).toEqual([
      ["172.16.4.0/27", "eu-west-1a"],
      ["172.16.4.32/27", "eu-west-1b"],
      ["172.16.4.64/27", "eu-west-1c"],
    ]);
  });

  test.each([1, 2, 3])("gives zone %i a NAT gateway of its own", (zone) => {
    expect(template.resource("aws_nat_gateway", `nat-gateway-${zone}`)).toMatchObject({
      allocation_id: template.ref("aws_eip", `nat-address-${zone}`, "id"),
      subnet_id: template.ref("aws_subnet", `public-subnet-${zone}`, "id"),
    });
    expect(template.resource("aws_route", `private-${zone}-route`)).toMatchObject({
      nat_gateway_id: template.ref("aws_nat_gateway", `nat-gateway-${zone}`, "id"),
      route_table_id: template.ref("aws_route_table", `private-${zone}-route-table`, "id"),
    });
    expect(
      template.resource("aws_route_table_association", `private-route-table-association-${zone}`),
    ).toMatchObject({ route_table_id: template.ref("aws_route_table", `private-${zone}-route-table`, "id") });
  });

  test("reaches S3 from every route table but the database's", () => {
    expect(template.resource("aws_vpc_endpoint").route_table_ids).toHaveLength(4);
  });

  test("keeps flow logs as long as told", () => {
    expect(template.resource("aws_cloudwatch_log_group").retention_in_days).toBe(365);
  });
});

describe("a network without NAT gateways", () => {
  const { template, network } = synth({ egress: "public-ip" });

  test("puts tasks into the public subnets, with public addresses", () => {
    expect(network.assignPublicIp).toBe(true);
    expect(network.taskSubnetIds).toEqual(network.publicSubnetIds);
  });

  test("leads only public subnets to the internet", () => {
    expect(template.resources("aws_nat_gateway")).toEqual([]);
    expect(template.resources("aws_eip")).toEqual([]);
    expect(template.resources("aws_route").map((route) => route.gateway_id)).toEqual([
      template.ref("aws_internet_gateway", "", "id"),
    ]);
  });
});

describe("a network with endpoints only", () => {
  const { template, network } = synth({ egress: "endpoints", identityProviderCidrs: ["10.20.0.0/16"] });
  const own = {
    StringEquals: { "aws:PrincipalAccount": template.dataRef("aws_caller_identity", "", "account_id") },
  };

  test("has no public subnets and no way to the internet", () => {
    expect(network.publicSubnetIds).toEqual([]);
    expect(subnets(template, "public")).toEqual([]);
    for (const type of ["aws_internet_gateway", "aws_nat_gateway", "aws_eip", "aws_route"]) {
      expect(template.resources(type)).toEqual([]);
    }
  });

  test("puts tasks into the private subnets, without public addresses", () => {
    expect(network.assignPublicIp).toBe(false);
    expect(network.taskSubnetIds).toEqual(network.privateSubnetIds);
  });

  test.each(["ecr.api", "ecr.dkr", "secretsmanager", "logs"])("has an endpoint for %s", (service) => {
    const endpoint = template.resource("aws_vpc_endpoint", `endpoints_${service.replace(".", "-")}`);
    expect(endpoint).toMatchObject({
      service_name: `com.amazonaws.eu-west-1.${service}`,
      vpc_endpoint_type: "Interface",
      private_dns_enabled: true,
      subnet_ids: network.privateSubnetIds.map((_, index) =>
        template.ref("aws_subnet", `private-subnet-${index + 1}`, "id"),
      ),
      security_group_ids: [template.ref("aws_security_group", "endpoints_security-group", "id")],
    });
    expect(decode(endpoint.policy)).toMatchObject({
      Statement: [{ Effect: "Allow", Principal: "*", Action: "*", Resource: "*", Condition: own }],
    });
  });

  test("reaches S3 for buckets of the own account and for layers of images", () => {
    const endpoint = template.resource("aws_vpc_endpoint", "s3-endpoint");
    expect(endpoint.route_table_ids).toEqual([template.ref("aws_route_table", "private-route-table", "id")]);
    expect(decode(endpoint.policy)).toMatchObject({
      Statement: [
        {
          Action: "s3:*",
          Condition: {
            StringEquals: {
              "aws:ResourceAccount": template.dataRef("aws_caller_identity", "", "account_id"),
            },
          },
        },
        {
          Action: "s3:GetObject",
          Resource: `arn:${template.dataRef("aws_partition", "", "partition")}:s3:::prod-eu-west-1-starport-layer-bucket/*`,
        },
      ],
    });
  });
});

describe("a network is refused with", () => {
  test.each<[string, NetworkOptions, string[]]>([
    [
      "a single availability zone",
      { availabilityZones: ["eu-west-1a"] },
      [
        "availabilityZones: 1 is too few: a load balancer and Aurora need two or more availability zones",
        "publicSubnetCidrs: 2 ranges for 1 availability zones: write one for each zone",
        "privateSubnetCidrs: 2 ranges for 1 availability zones: write one for each zone",
        "databaseSubnetCidrs: 2 ranges for 1 availability zones: write one for each zone",
      ],
    ],
    [
      "a region for a zone",
      { availabilityZones: ["eu-west-1a", "eu-west-1"] },
      ['availabilityZones[1]: "eu-west-1" is malformed: write a zone\'s name, such as "eu-west-1a"'],
    ],
    [
      "fewer ranges than zones",
      { privateSubnetCidrs: ["10.1.1.0/24"] },
      ["privateSubnetCidrs: 1 ranges for 2 availability zones: write one for each zone"],
    ],
    [
      "an unknown way out",
      { egress: "transit" as "nat" },
      ['egress: "transit" is no way out: write one of nat, nat-per-az, public-ip, endpoints'],
    ],
    [
      "no range of the identity provider where there is no other way",
      { egress: "endpoints" },
      [
        'identityProviderCidrs: is missing: with egress: endpoints tasks reach nothing else, such as ["10.20.0.0/16"]',
      ],
    ],
    [
      "the whole internet for the identity provider's range",
      {
        egress: "endpoints",
        identityProviderCidrs: ["0.0.0.0/0", "10.20.0.1/16", "10.3.0.0/16", "10.3.0.0/16"],
      },
      [
        'identityProviderCidrs[0]: "0.0.0.0/0" is no range of an internal network: write /8 or smaller',
        'identityProviderCidrs[1]: "10.20.0.1/16" starts within its range: write 10.20.0.0/16',
        'identityProviderCidrs[3]: "10.3.0.0/16" stands here twice: write each range once',
      ],
    ],
    [
      "the identity provider's range where tasks reach everything",
      { identityProviderCidrs: ["10.20.0.0/16"] },
      [
        "identityProviderCidrs: goes with egress: endpoints only; with nat tasks reach every address: remove it",
      ],
    ],
    [
      "public subnets that lead nowhere",
      {
        egress: "endpoints",
        identityProviderCidrs: ["10.20.0.0/16"],
        publicSubnetCidrs: ["10.1.11.0/24", "10.1.12.0/24"],
      },
      [
        "publicSubnetCidrs: cannot go with egress: endpoints, which has no public subnets: remove one of the two",
      ],
    ],
    [
      "a retention that CloudWatch lacks",
      { flowLogRetentionDays: 31 },
      [
        "flowLogRetentionDays: 31 is no retention in days that CloudWatch Logs knows: write one of 0, 1, 3, 5, 7, 14, " +
          "30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653",
      ],
    ],
    [
      "a VPC that the default subnets lie outside of",
      { cidr: "10.2.0.0/16" },
      [
        ...["publicSubnetCidrs[0]: 10.1.11", "publicSubnetCidrs[1]: 10.1.12"],
        ...["privateSubnetCidrs[0]: 10.1.1", "privateSubnetCidrs[1]: 10.1.2"],
        ...["databaseSubnetCidrs[0]: 10.1.201", "databaseSubnetCidrs[1]: 10.1.202"],
      ].map((line) =>
        line.replace(/: (.*)/, ': "$1.0/24" lies outside the VPC: write a range within 10.2.0.0/16'),
      ),
    ],
  ])("%s", (_, options, problems) => {
    expect(refusal(() => synth(options))).toEqual(problems);
  });
});
