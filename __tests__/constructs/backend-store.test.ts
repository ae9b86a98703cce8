import { BackendStore, type BackendStoreOptions } from "../../constructs/backend-store";
import { refusal } from "../support/refusal";
import { testStack } from "../support/stack";
import { Template } from "../support/template";

function synth(options: BackendStoreOptions = {}) {
  const stack = testStack();
  const store = new BackendStore(stack, "backend-store", {
    name: "oauth2-mlflow",
    vpcId: "vpc-1",
    subnetIds: ["subnet-1", "subnet-2"],
    passwordSecretArn: "arn:aws:secretsmanager:eu-west-1:111122223333:secret:password",
    ephemeralPassword: "${ephemeral.password}",
    ...options,
  });
  return { store, template: Template.of(stack) };
}

describe("the default backend store", () => {
  const { template, store } = synth();

  test("is the documented database on Aurora MySQL 8.0, Serverless v2", () => {
    expect(template.resource("aws_rds_cluster")).toEqual({
      cluster_identifier: "oauth2-mlflow",
      engine: "aurora-mysql",
      engine_mode: "provisioned",
      engine_version: "8.0",
      port: 3306,
      database_name: "mlflow",
      master_username: "ecs_task",
      master_password_wo: "${ephemeral.password}",
      master_password_wo_version: 1,
      db_subnet_group_name: template.ref("aws_db_subnet_group", "", "name"),
      db_cluster_parameter_group_name: template.ref("aws_rds_cluster_parameter_group", "", "name"),
      vpc_security_group_ids: [template.ref("aws_security_group", "", "id")],
      serverlessv2_scaling_configuration: { min_capacity: 0, max_capacity: 4, seconds_until_auto_pause: 300 },
      backup_retention_period: 14,
      copy_tags_to_snapshot: true,
      storage_encrypted: true,
      deletion_protection: true,
      skip_final_snapshot: false,
      final_snapshot_identifier: "oauth2-mlflow-final",
      apply_immediately: true,
    });
    expect(template.resource("aws_rds_cluster_instance")).toEqual({
      identifier: "oauth2-mlflow-1",
      cluster_identifier: template.ref("aws_rds_cluster", "", "id"),
      engine: template.ref("aws_rds_cluster", "", "engine"),
      instance_class: "db.serverless",
      db_subnet_group_name: template.ref("aws_rds_cluster", "", "db_subnet_group_name"),
      publicly_accessible: false,
      auto_minor_version_upgrade: true,
      apply_immediately: true,
    });
  });

  test("stores text as utf8mb4", () => {
    expect(template.resource("aws_rds_cluster_parameter_group")).toMatchObject({
      family: "aurora-mysql8.0",
      parameter: [
        { name: "character_set_server", value: "utf8mb4" },
        { name: "collation_server", value: "utf8mb4_unicode_ci" },
      ],
    });
  });

  test("stands in the given subnets, behind a security group that nobody passes", () => {
    expect(template.resource("aws_db_subnet_group")).toEqual({
      name: "oauth2-mlflow",
      subnet_ids: ["subnet-1", "subnet-2"],
    });
    expect(template.resource("aws_security_group")).toEqual({
      name: "oauth2-mlflow-database",
      description: "MLflow's database: reached by its tasks only",
      tags: { Name: "oauth2-mlflow-database" },
      vpc_id: "vpc-1",
    });
  });

  test("tells containers how to reach it", () => {
    expect(store.connection).toMatchObject({
      user: "ecs_task",
      passwordSecretArn: "arn:aws:secretsmanager:eu-west-1:111122223333:secret:password",
      port: 3306,
      databaseName: "mlflow",
    });
    expect(store.autoPause).toBe(true);
  });
});

describe("a backend store for throw-away use", () => {
  const { template } = synth({ skipFinalSnapshot: true, deletionProtection: false });

  test("can be destroyed without a snapshot", () => {
    const cluster = template.resource("aws_rds_cluster");
    expect(cluster).toMatchObject({ deletion_protection: false, skip_final_snapshot: true });
    expect(cluster).not.toHaveProperty("final_snapshot_identifier");
  });
});

describe("a backend store with everything set", () => {
  const { template, store } = synth({
    maxCapacity: 256,
    autoPause: false,
    engineVersion: "8.0.mysql_aurora.3.08.2",
    passwordVersion: 3,
  });

  test("does not pause", () => {
    expect(template.resource("aws_rds_cluster").serverlessv2_scaling_configuration).toEqual({
      min_capacity: 0.5,
      max_capacity: 256,
    });
    expect(store.autoPause).toBe(false);
  });

  test("has the given versions", () => {
    expect(template.resource("aws_rds_cluster")).toMatchObject({
      engine_version: "8.0.mysql_aurora.3.08.2",
      master_password_wo_version: 3,
    });
  });

  test("pauses after as long as told", () => {
    const scaling = synth({ secondsUntilAutoPause: 86400 }).template.resource("aws_rds_cluster");
    expect(scaling.serverlessv2_scaling_configuration.seconds_until_auto_pause).toBe(86400);
  });
});

describe("a backend store is refused with", () => {
  test.each<[string, BackendStoreOptions, string]>([
    [
      "a pause that comes too early",
      { secondsUntilAutoPause: 299 },
      "secondsUntilAutoPause: 299 seconds is out of range: write 300–86400",
    ],
    [
      "a pause that comes too late",
      { secondsUntilAutoPause: 86401 },
      "secondsUntilAutoPause: 86401 seconds is out of range: write 300–86400",
    ],
    ["no capacity", { maxCapacity: 0 }, "maxCapacity: 0 ACU is out of range: write 1–256"],
    [
      "capacity that Aurora lacks",
      { maxCapacity: 4.2 },
      "maxCapacity: 4.2 ACU is between two steps: write 1–256 in steps of 0.5",
    ],
    ["too much capacity", { maxCapacity: 257 }, "maxCapacity: 257 ACU is out of range: write 1–256"],
    [
      "another engine's version",
      { engineVersion: "5.7.mysql_aurora.2.08.3" },
      'engineVersion: "5.7.mysql_aurora.2.08.3" is malformed: write a version of Aurora MySQL 8.0, such as "8.0"',
    ],
    [
      "a version of the password below 1",
      { passwordVersion: 0 },
      "passwordVersion: 0 as a version is out of range: write 1–9007199254740991",
    ],
  ])("%s", (_, options, problem) => {
    expect(refusal(() => synth(options))).toEqual([problem]);
  });
});
