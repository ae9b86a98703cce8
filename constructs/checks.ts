import { Token } from "cdktf";
import type { Problem } from "./errors";

/**
 * Small pure checks that constructs and the environment files share. Each answers with the problems it found. A value
 * that is absent, or known only to Terraform (a token), is passed over.
 */

function isKnown<T>(value: T | undefined | null): value is T {
  return value !== undefined && value !== null && !Token.isUnresolved(value);
}

/**
 * A number within bounds, both included, without a fraction unless there is a step for it.
 *
 * @param path the value's path
 * @param value the number
 * @param min the smallest that is allowed
 * @param max the largest that is allowed
 * @param unit what the number counts, such as "seconds"
 * @param step what the number must be a multiple of
 */
export function checkRange(
  path: string,
  value: number | undefined,
  min: number,
  max: number,
  unit: string,
  step = 1,
): Problem[] {
  if (!isKnown(value)) return [];
  if (!(value >= min && value <= max)) {
    return [{ path, message: `${value} ${unit} is out of range: write ${min}–${max}` }];
  }
  if (value % step === 0) return [];
  return [
    { path, message: `${value} ${unit} is between two steps: write ${min}–${max} in steps of ${step}` },
  ];
}

/**
 * A value from a list.
 *
 * @param path the value's path
 * @param value the value
 * @param allowed all that is allowed
 * @param what what the value is, such as "CPU units on Fargate"
 */
export function checkOneOf<T extends string | number>(
  path: string,
  value: T | undefined,
  allowed: readonly T[],
  what: string,
): Problem[] {
  if (!isKnown(value) || allowed.includes(value)) return [];
  return [{ path, message: `${show(value)} is no ${what}: write one of ${allowed.join(", ")}` }];
}

/**
 * A string of a certain form.
 *
 * @param path the value's path
 * @param value the string
 * @param pattern what the whole string must match
 * @param fix what to write instead, as the end of the sentence "… : write …"
 */
export function checkPattern(
  path: string,
  value: string | undefined,
  pattern: RegExp,
  fix: string,
): Problem[] {
  if (!isKnown(value) || pattern.test(value)) return [];
  return [{ path, message: `${show(value)} is malformed: write ${fix}` }];
}

/**
 * Two numbers in order.
 *
 * @param path the path of the smaller one
 * @param min the number that must not be the larger
 * @param maxPath the path of the larger one
 * @param max the number that must not be the smaller
 */
export function checkOrder(
  path: string,
  min: number | undefined,
  maxPath: string,
  max: number | undefined,
): Problem[] {
  if (!isKnown(min) || !isKnown(max) || min <= max) return [];
  return [{ path, message: `${min} is above ${maxPath}, which is ${max}: lower it, or raise ${maxPath}` }];
}

/** A DNS name of at least two labels, in lower case, without a final dot. */
export const DOMAIN = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$/;

/**
 * A DNS name.
 *
 * @param path the value's path
 * @param value the name
 */
export function checkDomain(path: string, value: string | undefined): Problem[] {
  return checkPattern(
    path,
    value,
    DOMAIN,
    'a DNS name in lower case without "https://" and "/", such as "example.com"',
  );
}

/**
 * The ARN of a KMS key.
 *
 * @param path the value's path
 * @param value the ARN
 * @param region the region that the key must be in, if it is known
 */
export function checkKmsKeyArn(path: string, value: string | undefined, region?: string): Problem[] {
  if (!isKnown(value)) return [];
  const [, keyRegion] = /^arn:[a-z-]+:kms:([a-z0-9-]+):\d{12}:key\/[\w-]+$/.exec(value) ?? [];
  if (keyRegion === undefined) {
    return [
      { path, message: `${show(value)} is no key: write its ARN, "arn:aws:kms:…:key/…", not an alias` },
    ];
  }
  if (!isKnown(region) || keyRegion === region) return [];
  return [{ path, message: `${show(value)} is a key of another region: write one of ${region}` }];
}

/**
 * A value as it is shown in a message.
 *
 * @param value any plain value
 */
export function show(value: unknown): string {
  return JSON.stringify(value);
}

/** Retentions in days that CloudWatch Logs knows; 0 keeps for ever. Source: PutRetentionPolicy, AWS API reference. */
export const LOG_RETENTION_DAYS: readonly number[] = [
  0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/**
 * A retention that CloudWatch Logs knows.
 *
 * @param path the value's path
 * @param value the retention in days
 */
export function checkRetention(path: string, value: number | undefined): Problem[] {
  return checkOneOf(path, value, LOG_RETENTION_DAYS, "retention in days that CloudWatch Logs knows");
}
