import { Token } from "cdktf";
import type { Problem } from "./errors";

/**
 * Memory in MiB that goes with each number of CPU units: from, to, step.
 * Source: "Fargate task definition considerations", Amazon ECS developer guide.
 */
const SIZES: Readonly<Record<number, readonly [number, number, number]>> = {
  256: [512, 2048, 512],
  512: [1024, 4096, 1024],
  1024: [2048, 8192, 1024],
  2048: [4096, 16384, 1024],
  4096: [8192, 30720, 1024],
  8192: [16384, 61440, 4096],
  16384: [32768, 122880, 8192],
};

/**
 * What is wrong with a task's size.
 *
 * @param cpu CPU units; 1024 are one vCPU
 * @param memory memory in MiB
 */
export function fargateSizeProblems(cpu: number, memory: number): Problem[] {
  if (Token.isUnresolved(cpu) || Token.isUnresolved(memory)) return [];
  const size = SIZES[cpu];
  if (size === undefined) {
    const message = `${cpu} CPU units is no size of Fargate: write one of ${Object.keys(SIZES).join(", ")}`;
    return [{ path: "cpu", message }];
  }
  const [min, max, step] = size;
  // The smallest size has 512, 1024 and 2048 but nothing between the last two.
  const fits =
    memory >= min && memory <= max && (memory - min) % step === 0 && !(cpu === 256 && memory === 1536);
  if (fits) return [];
  const allowed = cpu === 256 ? "512, 1024 or 2048" : `${min}–${max} in steps of ${step}`;
  const message = `${memory} MiB does not go with ${cpu} CPU units on Fargate: ${allowed}`;
  return [{ path: "memory", message }];
}
