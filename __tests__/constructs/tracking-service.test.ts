import { ArtifactStore } from "../../constructs/artifact-store";
import { BackendStore } from "../../constructs/backend-store";
import { MLFLOW_IMAGE, OAUTH2_PROXY_IMAGE } from "../../constructs/containers/images";
import { IdentityProvider } from "../../constructs/identity/identity-provider";
import { JwtIssuer } from "../../constructs/identity/jwt-issuer";
import { LoadBalancer } from "../../constructs/load-balancer";
import { Network } from "../../constructs/network";
import {
  type AccessProps,
  TrackingService,
  type TrackingServiceOptions,
} from "../../constructs/tracking-service";
import { refusal } from "../support/refusal";
import { testStack } from "../support/stack";
import { decode, Template } from "../support/template";

const SECRETS = {
  clientId: "arn:client-id",
  clientSecret: "arn:client-secret",
  cookieSecret: "arn:cookie-secret",
  databasePassword: "arn:password",
};

function synth(
  options: TrackingServiceOptions & Partial<AccessProps> = {},
  egress: "nat" | "public-ip" = "nat",
  autoPause = true,
): Template {
  const stack = testStack();
  const name = "oauth2-mlflow";
  const network = {
    ...Network.fromExisting({
      vpcId: "vpc-1",
      publicSubnetIds: ["public-1", "public-2"],
      privateSubnetIds: ["private-1", "private-2"],
    }),
    ...(egress === "nat" ? {} : { taskSubnetIds: ["public-1", "public-2"], assignPublicIp: true }),
  };
  new TrackingService(stack, "service", {
    name,
    region: "eu-west-1",
    network,
    backendStore: new BackendStore(stack, "backend-store", {
      name,
      vpcId: "vpc-1",
      subnetIds: ["database-1", "database-2"],
      passwordSecretArn: SECRETS.databasePassword,
      ephemeralPassword: "${ephemeral.password}",
      autoPause,
    }),
    artifactStore: new ArtifactStore(stack, "artifact-store", { name, suffix: "test" }),
    proxyArtifacts: true,
    secrets: SECRETS,
    login: IdentityProvider.google({ emailDomains: ["example.com"] }),
    loadBalancer: new LoadBalancer(stack, "front", {
      name,
      network,
      domain: "example.com",
      publicHost: "mlflow.example.com",
    }),
    publicHost: "mlflow.example.com",
    ...options,
  });
  return Template.of(stack);
}

function environment(template: Template, container: string): Record<string, string> {
  const pairs: { name: string; value: string }[] = template.container(container).environment;
  return Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
}

describe("the default service", () => {
  const template = synth();

  test("is the documented Fargate service, with circuit breaker and rollback", () => {
    expect(template.resource("aws_ecs_service")).toMatchObject({
      name: "oauth2-mlflow",
      cluster: template.ref("aws_ecs_cluster", "", "arn"),
      task_definition: template.ref("aws_ecs_task_definition", "", "arn"),
      desired_count: 1,
      launch_type: "FARGATE",
      platform_version: "1.4.0",
      deployment_circuit_breaker: { enable: true, rollback: true },
      health_check_grace_period_seconds: 600,
      propagate_tags: "SERVICE",
    });
  });

  test("leaves the number of tasks to autoscaling", () => {
    expect(template.resource("aws_ecs_service").lifecycle).toEqual({ ignore_changes: ["desired_count"] });
  });

  test("runs in private subnets, in a security group that nobody passes", () => {
    expect(template.resource("aws_ecs_service").network_configuration).toEqual({
      subnets: ["private-1", "private-2"],
      security_groups: [template.ref("aws_security_group", "service_security-group", "id")],
      assign_public_ip: false,
    });
    expect(template.resource("aws_security_group", "service_security-group")).toEqual({
      name: "oauth2-mlflow-service",
      description: "MLflow's tasks: reached by the load balancer only",
      vpc_id: "vpc-1",
      tags: { Name: "oauth2-mlflow-service" },
    });
  });

  test("is reached at oauth2-proxy's port", () => {
    expect(template.resource("aws_ecs_service").load_balancer).toEqual([
      {
        target_group_arn: template.ref("aws_lb_target_group", "", "arn"),
        container_name: "oauth2-proxy",
        container_port: 8080,
      },
    ]);
    expect(template.container("oauth2-proxy").portMappings).toEqual([
      { containerPort: 8080, protocol: "tcp" },
    ]);
    expect(template.container("mlflow")).not.toHaveProperty("portMappings");
    expect(template.container("migrate")).not.toHaveProperty("portMappings");
  });

  test("has a cluster with container insights", () => {
    expect(template.resource("aws_ecs_cluster")).toEqual({
      name: "oauth2-mlflow",
      setting: [{ name: "containerInsights", value: "enabled" }],
    });
  });

  test("has the documented task", () => {
    expect(template.resource("aws_ecs_task_definition")).toMatchObject({
      family: "oauth2-mlflow",
      cpu: "2048",
      memory: "4096",
      network_mode: "awsvpc",
      requires_compatibilities: ["FARGATE"],
      execution_role_arn: template.ref("aws_iam_role", "execution-role", "arn"),
      task_role_arn: template.ref("aws_iam_role", "task-role", "arn"),
    });
  });

  test("starts migrate, then mlflow, then oauth2-proxy", () => {
    expect(template.container("migrate")).not.toHaveProperty("dependsOn");
    expect(template.container("mlflow").dependsOn).toEqual([
      { containerName: "migrate", condition: "SUCCESS" },
    ]);
    expect(template.container("oauth2-proxy").dependsOn).toEqual([
      { containerName: "mlflow", condition: "HEALTHY" },
    ]);
    expect(["migrate", "mlflow", "oauth2-proxy"].map((name) => template.container(name).essential)).toEqual([
      false,
      true,
      true,
    ]);
  });

  test("runs the pinned images", () => {
    expect(["migrate", "mlflow", "oauth2-proxy"].map((name) => template.container(name).image)).toEqual([
      MLFLOW_IMAGE,
      MLFLOW_IMAGE,
      OAUTH2_PROXY_IMAGE,
    ]);
  });

  test.each(["migrate", "mlflow", "oauth2-proxy"])("confines %s to its user and its volumes", (name) => {
    expect(template.container(name)).toMatchObject({
      privileged: false,
      readonlyRootFilesystem: true,
      linuxParameters: { capabilities: { add: [], drop: ["ALL"] } },
      stopTimeout: 120,
    });
  });

  test("runs as nobody what listens, and with an init what has children", () => {
    const containers = ["migrate", "mlflow", "oauth2-proxy"].map((name) => template.container(name));
    expect(containers.map(({ user }) => user)).toEqual(["0:0", "65534:65534", "65532:65532"]);
    expect(containers.map(({ linuxParameters }) => linuxParameters.initProcessEnabled)).toEqual([
      false,
      true,
      false,
    ]);
  });

  test("has one writable volume, which migrate opens for mlflow", () => {
    expect(template.resource("aws_ecs_task_definition").volume).toEqual([{ name: "tmp" }]);
    const mount = { sourceVolume: "tmp", containerPath: "/tmp", readOnly: false };
    expect(template.container("migrate").mountPoints).toEqual([mount]);
    expect(template.container("mlflow").mountPoints).toEqual([mount]);
    expect(template.container("oauth2-proxy")).not.toHaveProperty("mountPoints");
    expect(template.container("migrate").command[0]).toContain(
      "test -k /tmp || chmod 1777 /tmp\nexec python",
    );
  });

  test("shares its memory between oauth2-proxy and MLflow, whose workers follow from it", () => {
    expect(template.container("oauth2-proxy").memory).toBe(256);
    expect(template.container("mlflow").memory).toBe(4096 - 256);
    expect(environment(template, "mlflow").MLFLOW_WORKERS).toBe("4");
  });

  test("keeps the documented logs for 30 days", () => {
    for (const container of ["mlflow", "oauth2-proxy"]) {
      expect(template.resource("aws_cloudwatch_log_group", `service_${container}-log-group`)).toEqual({
        name: `/aws/ecs/${container}/oauth2-mlflow`,
        retention_in_days: 30,
      });
    }
    const logs = (container: string) => ({
      logDriver: "awslogs",
      options: {
        "awslogs-group": template.ref("aws_cloudwatch_log_group", `service_${container}-log-group`, "name"),
        "awslogs-region": "eu-west-1",
        "awslogs-stream-prefix": "ecs",
      },
    });
    expect(template.container("migrate").logConfiguration).toEqual(logs("mlflow"));
    expect(template.container("mlflow").logConfiguration).toEqual(logs("mlflow"));
    expect(template.container("oauth2-proxy").logConfiguration).toEqual(logs("oauth2-proxy"));
  });

  test("may do with the bucket what MLflow needs", () => {
    const bucket = template.ref("aws_s3_bucket", "", "arn");
    expect(
      template.statements("aws_iam_role_policy", "task-role_policy").map(({ Resource }) => Resource),
    ).toEqual([[bucket], [`${bucket}/*`]]);
  });

  test("is started by a role that reads the four secrets and is AWS's own otherwise", () => {
    expect(template.statements("aws_iam_role_policy", "execution-role_policy")).toEqual([
      { Effect: "Allow", Action: ["secretsmanager:GetSecretValue"], Resource: Object.values(SECRETS) },
    ]);
    const partition = template.dataRef("aws_partition", "", "partition");
    expect(template.resource("aws_iam_role_policy_attachment")).toEqual({
      role: template.ref("aws_iam_role", "execution-role", "name"),
      policy_arn: `arn:${partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy`,
    });
    for (const role of ["task-role", "execution-role"]) {
      expect(decode(template.resource("aws_iam_role", role).assume_role_policy)).toMatchObject({
        Statement: [{ Principal: { Service: "ecs-tasks.amazonaws.com" } }],
      });
    }
  });

  test("scales from one to four tasks by CPU and by requests", () => {
    const target = {
      service_namespace: template.ref("aws_appautoscaling_target", "", "service_namespace"),
      scalable_dimension: template.ref("aws_appautoscaling_target", "", "scalable_dimension"),
      resource_id: template.ref("aws_appautoscaling_target", "", "resource_id"),
      policy_type: "TargetTrackingScaling",
    };
    const cooldown = { scale_in_cooldown: 300, scale_out_cooldown: 60 };
    const cluster = template.ref("aws_ecs_cluster", "", "name");
    const service = template.ref("aws_ecs_service", "", "name");
    expect(template.resource("aws_appautoscaling_target")).toEqual({
      service_namespace: "ecs",
      scalable_dimension: "ecs:service:DesiredCount",
      resource_id: `service/${cluster}/${service}`,
      min_capacity: 1,
      max_capacity: 4,
    });
    expect(template.resource("aws_appautoscaling_policy", "scaling-cpu")).toEqual({
      ...target,
      name: "oauth2-mlflow-cpu",
      target_tracking_scaling_policy_configuration: {
        ...cooldown,
        predefined_metric_specification: { predefined_metric_type: "ECSServiceAverageCPUUtilization" },
        target_value: 75,
      },
    });
    const loadBalancer = template.ref("aws_lb", "", "arn_suffix");
    const targetGroup = template.ref("aws_lb_target_group", "", "arn_suffix");
    expect(template.resource("aws_appautoscaling_policy", "scaling-requests")).toEqual({
      ...target,
      name: "oauth2-mlflow-requests",
      target_tracking_scaling_policy_configuration: {
        ...cooldown,
        predefined_metric_specification: {
          predefined_metric_type: "ALBRequestCountPerTarget",
          resource_label: `${loadBalancer}/${targetGroup}`,
        },
        target_value: 1000,
      },
    });
  });

  test("does not start before the load balancer forwards and the database can answer", () => {
    expect(template.resource("aws_ecs_service").depends_on).toEqual(
      [
        template.ref("aws_lb_listener_rule", "own-host", "x"),
        template.ref("aws_rds_cluster_instance", "", "x"),
      ].map((reference) => reference.slice(2, -3)),
    );
  });
});

describe("a service with everything set", () => {
  const template = synth(
    {
      cpu: 1024,
      memory: 2048,
      minCapacity: 2,
      maxCapacity: 8,
      logRetentionDays: 0,
      serverOptions: "--log-level warning",
    },
    "public-ip",
  );

  test("has the given size", () => {
    expect(template.resource("aws_ecs_task_definition")).toMatchObject({ cpu: "1024", memory: "2048" });
    expect(template.container("mlflow").memory).toBe(1792);
    expect(environment(template, "mlflow").MLFLOW_WORKERS).toBe("1");
  });

  test("scales between the given numbers of tasks", () => {
    expect(template.resource("aws_ecs_service").desired_count).toBe(2);
    expect(template.resource("aws_appautoscaling_target")).toMatchObject({
      min_capacity: 2,
      max_capacity: 8,
    });
  });

  test("keeps logs as long as told", () => {
    for (const container of ["mlflow", "oauth2-proxy"]) {
      const group = template.resource("aws_cloudwatch_log_group", `service_${container}-log-group`);
      expect(group.retention_in_days).toBe(0);
    }
  });

  test("hands options to the web server", () => {
    expect(environment(template, "mlflow").MLFLOW_UVICORN_OPTS).toMatch(/ --log-level warning$/);
  });

  test("runs in public subnets with public addresses where there is no NAT gateway", () => {
    expect(template.resource("aws_ecs_service").network_configuration).toMatchObject({
      subnets: ["public-1", "public-2"],
      assign_public_ip: true,
    });
  });
});

describe("MLflow's workers and jobs follow from the task's size", () => {
  test.each<[number, number, string, string]>([
    [1024, 2048, "1", "false"],
    [2048, 4096, "4", "false"],
    [4096, 8192, "5", "true"],
    [1024, 8192, "2", "true"],
    [2048, 7168, "4", "false"],
    [8192, 16384, "14", "true"],
  ])("%i CPU units, %i MiB: %s workers, jobs %s", (cpu, memory, workers, jobs) => {
    expect(environment(synth({ cpu, memory }), "mlflow")).toMatchObject({
      MLFLOW_WORKERS: workers,
      MLFLOW_SERVER_ENABLE_JOB_EXECUTION: jobs,
    });
  });

  const periodic = "MLFLOW_SERVER_JOB_ENABLE_PERIODIC_TASKS";
  const size = { cpu: 4096, memory: 8192 };

  test("starts no jobs by itself where several tasks would, or where they kept the database awake", () => {
    expect(environment(synth(size), "mlflow")[periodic]).toBe("false");
    expect(environment(synth({ ...size, maxCapacity: 1 }), "mlflow")[periodic]).toBe("false");
    expect(environment(synth(size, "nat", false), "mlflow")[periodic]).toBe("false");
  });

  test("starts jobs by itself in the only task on a database that is awake", () => {
    expect(environment(synth({ ...size, maxCapacity: 1 }, "nat", false), "mlflow")[periodic]).toBe("true");
  });
});

test("the most tasks are never fewer than the least", () => {
  expect(synth({ minCapacity: 6 }).resource("aws_appautoscaling_target")).toMatchObject({
    min_capacity: 6,
    max_capacity: 6,
  });
});

describe("a service is refused with", () => {
  const gunicorn = (option: string) =>
    `serverOptions: "${option}" is an option of gunicorn, and with gunicorn MLflow switches its checks of Host and ` +
    'Origin off: write options of uvicorn, such as "--log-level warning"';

  test.each<[string, TrackingServiceOptions, string]>([
    [
      "memory that does not go with the CPU",
      { cpu: 256 },
      "memory: 4096 MiB does not go with 256 CPU units on Fargate: 512, 1024 or 2048",
    ],
    [
      "memory that MLflow cannot live in",
      { cpu: 256, memory: 1024 },
      "memory: 1024 MiB leave MLflow 768 beside oauth2-proxy, and it is killed below 900: write 2048 or more",
    ],
    [
      "more tasks at least than at most",
      { minCapacity: 5, maxCapacity: 2 },
      "minCapacity: 5 is above maxCapacity, which is 2: lower it, or raise maxCapacity",
    ],
    [
      "a part of a task",
      { minCapacity: 1.5 },
      "minCapacity: 1.5 tasks is between two steps: write 1–5000 in steps of 1",
    ],
    ["no tasks", { minCapacity: 0 }, "minCapacity: 0 tasks is out of range: write 1–5000"],
    ["too many tasks", { maxCapacity: 5001 }, "maxCapacity: 5001 tasks is out of range: write 1–5000"],
    [
      "a retention that CloudWatch lacks",
      { logRetentionDays: 45 },
      "logRetentionDays: 45 is no retention in days that CloudWatch Logs knows: write one of 0, 1, 3, 5, 7, 14, " +
        "30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653",
    ],
    ["gunicorn's long options", { serverOptions: "--log-level info --timeout=60" }, gunicorn("--timeout")],
    ["gunicorn's short options", { serverOptions: "-w 4" }, gunicorn("-w")],
    ["gunicorn's options at the end", { serverOptions: "--log-level info --preload" }, gunicorn("--preload")],
    [
      "connections that are closed under oauth2-proxy's hands",
      { serverOptions: "--log-level info --timeout-keep-alive 90" },
      "serverOptions: --timeout-keep-alive 90 closes connections that oauth2-proxy keeps for 90 seconds, which then " +
        "answers 502: write more, or leave it at 120",
    ],
  ])("%s", (_, options, problem) => {
    expect(refusal(() => synth(options))).toEqual([problem]);
  });

  test("a login or issuer that lets strangers in, unless the risk is acknowledged", () => {
    const access = {
      login: IdentityProvider.google({ emailDomains: ["gmail.com"] }),
      programs: [JwtIssuer.githubActions({ audience: "mlflow" })],
    };
    const problems = refusal(() => synth(access));
    expect(problems.map((problem) => problem.split(": ")[0])).toEqual([
      "login.emailDomains[0]",
      "programs[0].issuer",
    ]);
    const acknowledgedRisks = ["open-email-domain", "shared-issuer"] as const;
    expect(synth({ ...access, acknowledgedRisks }).container("oauth2-proxy").command).toContain(
      "--email-domain=gmail.com",
    );
  });
});
