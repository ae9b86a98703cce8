import { cidrProblems } from "../../constructs/cidr";

function problems(plan: Partial<Parameters<typeof cidrProblems>[0]>): string[] {
  const none = { publicSubnetCidrs: [], privateSubnetCidrs: [], databaseSubnetCidrs: [] };
  return cidrProblems({ cidr: "10.0.0.0/16", ...none, ...plan }).map(
    ({ path, message }) => `${path}: ${message}`,
  );
}

test("ranges beside one another that fill the VPC are accepted", () => {
  expect(
    problems({
      publicSubnetCidrs: ["10.0.0.0/17"],
      privateSubnetCidrs: ["10.0.128.0/18"],
      databaseSubnetCidrs: ["10.0.192.0/19", "10.0.224.0/19"],
    }),
  ).toEqual([]);
});

test("addresses above 127 do not overflow", () => {
  expect(problems({ cidr: "192.168.0.0/16", publicSubnetCidrs: ["192.168.255.240/28"] })).toEqual([]);
});

test.each([
  ["text", "ten", "is no IPv4 range"],
  ["IPv6", "fd00::/64", "is no IPv4 range"],
  ["an address without a length", "10.0.0.0", "is no IPv4 range"],
  ["an octet above 255", "10.0.256.0/24", "is no IPv4 range"],
  ["spaces", " 10.0.0.0/16", "is no IPv4 range"],
])("%s is malformed", (_, cidr, message) => {
  expect(problems({ cidr })).toEqual([
    `cidr: "${cidr}" ${message}: write address and prefix length, such as "10.1.0.0/16"`,
  ]);
});

test.each([15, 29, 33])("/%i is a size that AWS refuses", (prefix) => {
  expect(problems({ cidr: `10.0.0.0/${prefix}` })).toEqual([
    `cidr: "10.0.0.0/${prefix}" has a size that AWS refuses: write a prefix length of 16–28, not ${prefix}`,
  ]);
});

test("host bits are named with the range that is meant", () => {
  expect(problems({ publicSubnetCidrs: ["10.0.11.7/24"] })).toEqual([
    'publicSubnetCidrs[0]: "10.0.11.7/24" starts within its range: write 10.0.11.0/24',
  ]);
});

test("a subnet over another one is named with it, whichever of them is larger", () => {
  expect(problems({ publicSubnetCidrs: ["10.0.0.0/20"], databaseSubnetCidrs: ["10.0.1.0/24"] })).toEqual([
    'databaseSubnetCidrs[0]: "10.0.1.0/24" overlaps publicSubnetCidrs[0], which is "10.0.0.0/20": write free ranges',
  ]);
  expect(problems({ publicSubnetCidrs: ["10.0.1.0/24"], databaseSubnetCidrs: ["10.0.0.0/20"] })).toEqual([
    'databaseSubnetCidrs[0]: "10.0.0.0/20" overlaps publicSubnetCidrs[0], which is "10.0.1.0/24": write free ranges',
  ]);
});

test("a subnet outside the VPC is named, also one that is larger than the VPC", () => {
  expect(problems({ cidr: "10.0.0.0/20", publicSubnetCidrs: ["10.0.16.0/24", "10.0.0.0/16"] })).toEqual([
    'publicSubnetCidrs[0]: "10.0.16.0/24" lies outside the VPC: write a range within 10.0.0.0/20',
    'publicSubnetCidrs[1]: "10.0.0.0/16" lies outside the VPC: write a range within 10.0.0.0/20',
    'publicSubnetCidrs[1]: "10.0.0.0/16" overlaps publicSubnetCidrs[0], which is "10.0.16.0/24": write free ranges',
  ]);
});
