import { Token } from "cdktf";
import { show } from "./checks";
import type { Problem } from "./errors";

/** IPv4 ranges of a VPC and its subnets in CIDR notation. */
export interface CidrPlan {
  /** The VPC's range, from /16 to /28. */
  readonly cidr: string;
  /** Ranges of the public subnets. */
  readonly publicSubnetCidrs: readonly string[];
  /** Ranges of the private subnets. */
  readonly privateSubnetCidrs: readonly string[];
  /** Ranges of the database subnets. */
  readonly databaseSubnetCidrs: readonly string[];
}

interface Range {
  readonly path: string;
  readonly text: string;
  readonly first: number;
  readonly last: number;
}

/**
 * What is wrong with the ranges: malformed ones, ones of a size that AWS refuses, subnets outside the VPC or over one
 * another.
 *
 * @param plan all ranges
 */
export function cidrProblems(plan: CidrPlan): Problem[] {
  const problems: Problem[] = [];
  const subnetPaths = (["publicSubnetCidrs", "privateSubnetCidrs", "databaseSubnetCidrs"] as const).flatMap(
    (key) => plan[key].map((text, index) => ({ path: `${key}[${index}]`, text })),
  );
  const parse = ({ path, text }: { path: string; text: string }): Range[] => {
    if (Token.isUnresolved(text)) return [];
    const range = parseCidr(text, 16, 28);
    if (typeof range === "string") {
      problems.push({ path, message: `${show(text)} ${range}` });
      return [];
    }
    return [{ path, text, ...range }];
  };
  const vpc = parse({ path: "cidr", text: plan.cidr })[0];
  const subnets = subnetPaths.flatMap(parse);
  subnets.forEach((subnet, index) => {
    const { path, text } = subnet;
    if (vpc !== undefined && !(vpc.first <= subnet.first && subnet.last <= vpc.last)) {
      problems.push({
        path,
        message: `${show(text)} lies outside the VPC: write a range within ${vpc.text}`,
      });
    }
    const other = subnets
      .slice(0, index)
      .find(({ first, last }) => first <= subnet.last && subnet.first <= last);
    if (other !== undefined) {
      problems.push({
        path,
        message: `${show(text)} overlaps ${other.path}, which is ${show(other.text)}: write free ranges`,
      });
    }
  });
  return problems;
}

/**
 * An IPv4 range of any size.
 *
 * @param path the value's path
 * @param text the range in CIDR notation
 */
export function checkCidr(path: string, text: string): Problem[] {
  if (Token.isUnresolved(text)) return [];
  const range = parseCidr(text, 0, 32);
  return typeof range === "string" ? [{ path, message: `${show(text)} ${range}` }] : [];
}

function parseCidr(
  text: string,
  minPrefix: number,
  maxPrefix: number,
): { first: number; last: number } | string {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const [, ...parts] = match ?? [];
  const numbers = parts.map(Number);
  if (match === null || numbers.slice(0, 4).some((octet) => octet > 255)) {
    return 'is no IPv4 range: write address and prefix length, such as "10.1.0.0/16"';
  }
  const prefix = numbers[4] as number;
  if (prefix < minPrefix || prefix > maxPrefix)
    return `has a size that AWS refuses: write a prefix length of ${minPrefix}–${maxPrefix}, not ${prefix}`;
  const size = 2 ** (32 - prefix);
  const address = numbers.slice(0, 4).reduce((sum, octet) => sum * 256 + octet, 0);
  const first = address - (address % size);
  if (first !== address) return `starts within its range: write ${formatAddress(first)}/${prefix}`;
  return { first, last: first + size - 1 };
}

function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}
