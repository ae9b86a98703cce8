import { Token } from "cdktf";
import { type ExistingNetwork, existingNetworkProblems } from "../../constructs/existing-network";
import { Network } from "../../constructs/network";

describe("an existing network", () => {
  const ids = { vpcId: "vpc-1", publicSubnetIds: ["a", "b"], privateSubnetIds: ["c", "d"] };

  test("takes the private subnets for tasks, and for the database unless told otherwise", () => {
    expect(Network.fromExisting(ids)).toEqual({
      ...ids,
      databaseSubnetIds: ["c", "d"],
      taskSubnetIds: ["c", "d"],
      assignPublicIp: false,
    });
    expect(Network.fromExisting({ ...ids, databaseSubnetIds: ["e", "f"] }).databaseSubnetIds).toEqual([
      "e",
      "f",
    ]);
  });

  test("says what tasks reach where there is no way to the internet", () => {
    const ranges = { endpointCidrs: ["10.0.64.0/24"], identityProviderCidrs: ["10.20.0.0/16"] };
    expect(Network.fromExisting({ ...ids, egress: "endpoints", ...ranges }).closedEgress).toEqual(ranges);
    expect(Network.fromExisting({ ...ids, egress: "internet" }).closedEgress).toBeUndefined();
  });
});

describe("an existing network is refused with", () => {
  const subnet = (end: string) => `subnet-0a1b2c3d4e5f607${end}`;
  const good = {
    vpcId: "vpc-0a1b2c3d4e5f60718",
    publicSubnetIds: [subnet("11"), subnet("12")],
    privateSubnetIds: [subnet("21")],
    databaseSubnetIds: [subnet("31"), subnet("32")],
  };
  const zones = "needs subnets in two or more availability zones";
  const problems = (change: Partial<ExistingNetwork>, internal = false) =>
    existingNetworkProblems({ ...good, ...change }, internal).map(
      ({ path, message }) => `${path}: ${message}`,
    );

  test.each<[string, Partial<ExistingNetwork>, string[]]>([
    [
      "names instead of ids",
      { vpcId: "main", publicSubnetIds: [subnet("11"), "public-b"] },
      [
        'vpcId: "main" is malformed: write a VPC\'s id, such as "vpc-0a1b2c3d4e5f60718"',
        'publicSubnetIds[1]: "public-b" is malformed: write a subnet\'s id, such as "subnet-0a1b2c3d4e5f60718"',
      ],
    ],
    [
      "too few subnets",
      { publicSubnetIds: [subnet("11")], privateSubnetIds: [], databaseSubnetIds: [] },
      [
        `publicSubnetIds: 1 is too few: a load balancer ${zones}`,
        "privateSubnetIds: [] leaves no place for tasks: write one subnet or more",
        `databaseSubnetIds: 0 is too few: Aurora ${zones}`,
      ],
    ],
    [
      "too few private subnets where the database stands in them",
      { databaseSubnetIds: undefined },
      [`privateSubnetIds: 1 is too few: Aurora ${zones}`],
    ],
    [
      "ranges that tasks reach anyway",
      { endpointCidrs: ["10.0.64.0/24"], identityProviderCidrs: ["10.20.0.0/16"] },
      ["endpointCidrs", "identityProviderCidrs"].map(
        (path) =>
          `${path}: goes with egress: endpoints only; with internet tasks reach every address: remove it`,
      ),
    ],
    [
      "nothing that tasks reach",
      { egress: "endpoints", endpointCidrs: [] },
      ["endpointCidrs", "identityProviderCidrs"].map(
        (path) =>
          `${path}: is missing: with egress: endpoints tasks reach nothing else, such as ["10.20.0.0/16"]`,
      ),
    ],
    [
      "the internet as an internal range",
      { egress: "endpoints", endpointCidrs: ["0.0.0.0/0"], identityProviderCidrs: ["10.20.0.0/16"] },
      ['endpointCidrs[0]: "0.0.0.0/0" is no range of an internal network: write /8 or smaller'],
    ],
    [
      "an unknown way out",
      { egress: "nat" as "internet" },
      ['egress: "nat" is no way out: write one of internet, endpoints'],
    ],
    [
      "the same subnet twice",
      { publicSubnetIds: [subnet("11"), subnet("11")] },
      [`publicSubnetIds[1]: "${subnet("11")}" stands here twice: write each subnet once`],
    ],
  ])("%s", (_, change, expected) => {
    expect(problems(change)).toEqual(expected);
  });

  test("nothing when all is well, or known to Terraform only", () => {
    const list = Token.asList({ resolve: () => "${data.aws_subnets.public.ids}" });
    const id = Token.asString({ resolve: () => "${data.aws_vpc.main.id}" });
    expect(problems({})).toEqual([]);
    expect(problems({ vpcId: id, publicSubnetIds: list, privateSubnetIds: [id] })).toEqual([]);
    expect(problems({ publicSubnetIds: [], privateSubnetIds: [subnet("21"), subnet("22")] }, true)).toEqual(
      [],
    );
  });
});
