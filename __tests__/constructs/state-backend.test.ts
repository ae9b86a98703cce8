import { type S3StateProps, StateBackend } from "../../constructs/state-backend";
import { refusal } from "../support/refusal";
import { testStack } from "../support/stack";
import { Template } from "../support/template";

function backend(state: StateBackend): unknown {
  const stack = testStack();
  state.bind(stack, "eu-west-1");
  return Template.of(stack).json.terraform?.backend;
}

const DEFAULTS = {
  bucket: "acme-state",
  key: "mlflow/test/terraform.tfstate",
  region: "eu-west-1",
  encrypt: true,
};

test("a state in S3 is encrypted and locked by the documented table", () => {
  expect(backend(StateBackend.s3({ bucket: "acme-state" }))).toEqual({
    s3: { ...DEFAULTS, dynamodb_table: "terraform-locks" },
  });
});

test("a lock file does without a table", () => {
  expect(backend(StateBackend.s3({ bucket: "acme-state", lock: "lockfile" }))).toEqual({
    s3: { ...DEFAULTS, use_lockfile: true },
  });
});

test("both locks hold while one moves from the table to the file", () => {
  expect(backend(StateBackend.s3({ bucket: "acme-state", lock: "both", lockTable: "locks" }))).toEqual({
    s3: { ...DEFAULTS, dynamodb_table: "locks", use_lockfile: true },
  });
});

test("key and region can be given", () => {
  expect(backend(StateBackend.s3({ bucket: "acme-state", key: "state", region: "us-east-1" }))).toMatchObject(
    {
      s3: { key: "state", region: "us-east-1" },
    },
  );
});

test("a local state is a file", () => {
  expect(backend(StateBackend.local("/tmp/mlflow.tfstate"))).toEqual({
    local: { path: "/tmp/mlflow.tfstate" },
  });
});

describe("a state in S3 is refused with", () => {
  test.each<[string, S3StateProps, string]>([
    [
      "a malformed bucket",
      { bucket: "Acme_State" },
      'bucket: "Acme_State" is malformed: write an S3 bucket\'s name: 3–63 lower-case letters, digits, dots and hyphens',
    ],
    [
      "an unknown lock",
      { bucket: "acme-state", lock: "none" as "both" },
      'lock: "none" is no lock of a state in S3: write one of dynamodb, lockfile, both',
    ],
    [
      "a malformed table",
      { bucket: "acme-state", lockTable: "my locks" },
      'lockTable: "my locks" is malformed: write a DynamoDB table\'s name: 3–255 of A–Z a–z 0–9 _ . -',
    ],
  ])("%s", (_, props, problem) => {
    expect(refusal(() => StateBackend.s3(props))).toEqual([problem]);
  });
});
