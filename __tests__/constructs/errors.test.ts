import { ConfigurationError, refuse, under } from "../../constructs/errors";

test("all problems stand in one message, paths in a column", () => {
  // GIVEN
  const problems = [
    { path: "region", message: "is missing" },
    ...under("service", [
      { path: "memory", message: "5000 MiB is no size" },
      { path: "", message: "is empty" },
    ]),
  ];
  // WHEN
  const action = () => refuse("environments/dev.yaml", problems);
  // THEN
  expect(action).toThrow(ConfigurationError);
  expect(action).toThrow(
    [
      "environments/dev.yaml: 3 problems, nothing was written",
      "  region          is missing",
      "  service.memory  5000 MiB is no size",
      "  service         is empty",
    ].join("\n"),
  );
});

test("one problem is one problem", () => {
  expect(() => refuse("mlflow", [{ path: "name", message: "is malformed" }])).toThrow(
    "mlflow: 1 problem, nothing was written\n  name  is malformed",
  );
});

test("without a problem nothing is refused", () => {
  expect(() => refuse("mlflow", [])).not.toThrow();
});
