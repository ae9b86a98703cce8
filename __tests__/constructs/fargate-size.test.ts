import { fargateSizeProblems } from "../../constructs/fargate-size";

test.each([
  [256, 512],
  [256, 2048],
  [512, 4096],
  [1024, 2048],
  [2048, 4096],
  [2048, 16384],
  [4096, 30720],
  [8192, 20480],
  [16384, 122880],
])("%i CPU units go with %i MiB", (cpu, memory) => {
  expect(fargateSizeProblems(cpu, memory)).toEqual([]);
});

test.each([
  [256, 1536, "512, 1024 or 2048"],
  [512, 512, "1024–4096 in steps of 1024"],
  [2048, 2048, "4096–16384 in steps of 1024"],
  [2048, 5000, "4096–16384 in steps of 1024"],
  [8192, 17408, "16384–61440 in steps of 4096"],
  [16384, 131072, "32768–122880 in steps of 8192"],
])("%i CPU units do not go with %i MiB", (cpu, memory, allowed) => {
  expect(fargateSizeProblems(cpu, memory)).toEqual([
    { path: "memory", message: `${memory} MiB does not go with ${cpu} CPU units on Fargate: ${allowed}` },
  ]);
});

test("an unknown number of CPU units is refused whatever the memory", () => {
  expect(fargateSizeProblems(2000, 4096)).toEqual([
    {
      path: "cpu",
      message: "2000 CPU units is no size of Fargate: write one of 256, 512, 1024, 2048, 4096, 8192, 16384",
    },
  ]);
});
