import { AppautoscalingPolicy } from "@cdktf/provider-aws/lib/appautoscaling-policy";
import { AppautoscalingTarget } from "@cdktf/provider-aws/lib/appautoscaling-target";
import { CloudwatchLogGroup } from "@cdktf/provider-aws/lib/cloudwatch-log-group";
import { DataAwsPartition } from "@cdktf/provider-aws/lib/data-aws-partition";
import { EcsCluster } from "@cdktf/provider-aws/lib/ecs-cluster";
import { EcsService } from "@cdktf/provider-aws/lib/ecs-service";
import { EcsTaskDefinition } from "@cdktf/provider-aws/lib/ecs-task-definition";
import { IamRolePolicyAttachment } from "@cdktf/provider-aws/lib/iam-role-policy-attachment";
import { SecurityGroup } from "@cdktf/provider-aws/lib/security-group";
import { Token } from "cdktf";
import { Construct } from "constructs";
import type { ArtifactStore } from "./artifact-store";
import type { BackendStore } from "./backend-store";
import { checkOrder, checkRange, checkRetention, show } from "./checks";
import { awslogs, type ContainerDefinition, TEMPORARY_FILES } from "./containers/container-definition";
import { imageProblems, MLFLOW_IMAGE, OAUTH2_PROXY_IMAGE } from "./containers/images";
import { migrateContainer } from "./containers/migrate";
import { mlflowContainer } from "./containers/mlflow";
import { OAUTH2_PROXY_PORT, oauth2ProxyContainer } from "./containers/oauth2-proxy";
import { toTerraformJson } from "./containers/terraform-json";
import { type Problem, refuse, under } from "./errors";
import { fargateSizeProblems } from "./fargate-size";
import { type IdentityProvider, loginProblems } from "./identity/identity-provider";
import { type JwtIssuer, jwtIssuerProblems } from "./identity/jwt-issuer";
import type { LoadBalancer } from "./load-balancer";
import type { INetwork } from "./network";
import type { Risk } from "./risks";
import type { SecretArns } from "./secrets";
import { ServiceRole } from "./service-role";
import type { SessionStore } from "./session-store";
import { TIMEOUTS } from "./timeouts";

/** The service's settings. */
export interface TrackingServiceOptions {
  /**
   * CPU units of a task; 1024 are one vCPU.
   * @default 2048
   */
  readonly cpu?: number;
  /**
   * Memory of a task in MiB; must go with `cpu` on Fargate. It decides how many web workers MLflow has, and from 8192
   * on MLflow runs background jobs (judges, evaluations, prompt optimization), for which 3072 are kept.
   * @default 4096
   */
  readonly memory?: number;
  /**
   * The least number of tasks.
   * @default 1
   */
  readonly minCapacity?: number;
  /**
   * The most tasks that autoscaling starts.
   * @default 4
   */
  readonly maxCapacity?: number;
  /**
   * How long logs are kept, in days.
   * @default 30
   */
  readonly logRetentionDays?: number;
  /**
   * Options of MLflow's web server, uvicorn, such as `--log-level warning`.
   * @default - none
   */
  readonly serverOptions?: string;
  /**
   * MLflow's image, with the drivers for MySQL and S3: repository and version (`…/mlflow:v3.17.2-full`, not older than
   * the default's minor version) or digest (`…/mlflow@sha256:…`).
   * @default - MLflow's own image from ghcr.io, in the version that this package is tested with
   */
  readonly mlflowImage?: string;
  /**
   * oauth2-proxy's image: repository and version (7.15.3 or later) or digest.
   * @default - oauth2-proxy's own image from quay.io, in the version that this package is tested with
   */
  readonly oauth2ProxyImage?: string;
}

/** Who gets in. */
export interface AccessProps {
  /** Who logs people in. */
  readonly login: IdentityProvider;
  /**
   * Whose bearer tokens programs may send, beside those of the login's own client.
   * @default - no other issuer
   */
  readonly programs?: readonly JwtIssuer[];
  /**
   * Openings that are otherwise refused.
   * @default - none
   */
  readonly acknowledgedRisks?: readonly Risk[];
}

/** What a service is made of. */
export interface TrackingServiceProps extends TrackingServiceOptions, AccessProps {
  /** Names derive from it. */
  readonly name: string;
  /** The AWS region. */
  readonly region: string;
  /** The network that tasks run in. */
  readonly network: INetwork;
  /** Where MLflow keeps runs and models. */
  readonly backendStore: BackendStore;
  /** Where MLflow keeps artifacts. */
  readonly artifactStore: ArtifactStore;
  /** Whether MLflow passes artifacts on. */
  readonly proxyArtifacts: boolean;
  /** The ARNs of the four secrets. */
  readonly secrets: SecretArns;
  /** What leads to the tasks. */
  readonly loadBalancer: LoadBalancer;
  /** The Host of requests: what stands after `https://` in the browser's address bar. */
  readonly publicHost: string;
  /**
   * Where oauth2-proxy keeps sessions.
   * @default - in the browser's cookie
   */
  readonly sessionStore?: SessionStore;
  /**
   * The KMS key that logs, and possibly the secrets, are encrypted with.
   * @default - CloudWatch's own encryption, and keys that ECS may use anyway
   */
  readonly kmsKeyArn?: string;
}

/** Memory of oauth2-proxy in MiB; MLflow gets the rest of the task's. */
const OAUTH2_PROXY_MEMORY = 256;
/** Memory in MiB that one MLflow process is given. */
const WORKER_MEMORY = 900;
/** CPU units that one MLflow process is given. */
const WORKER_CPU = 512;
/** Memory of a task in MiB from which on MLflow runs background jobs. */
const JOBS_FROM = 8192;
/** Memory in MiB that is kept for them: idle, their eight processes take 1.8 GiB (measured with MLflow 3.17.2). */
const JOBS_MEMORY = 3072;

/** The ECS service on Fargate: cluster, task with its containers and roles, logs, autoscaling. */
export class TrackingService extends Construct {
  /** The security group of the tasks; without rules, nobody reaches them. */
  public readonly securityGroupId: string;
  /** The ECS cluster's name. */
  public readonly clusterName: string;
  /** The ECS service's name. */
  public readonly serviceName: string;
  /** MLflow's log group (the migration writes there too). */
  public readonly mlflowLogGroup: string;
  /** oauth2-proxy's log group. */
  public readonly oauth2ProxyLogGroup: string;

  private readonly props: TrackingServiceProps;

  public constructor(scope: Construct, id: string, props: TrackingServiceProps) {
    super(scope, id);
    refuse(this.node.path, [...trackingServiceProblems(props), ...accessProblems(props)]);
    this.props = props;
    const { name, network, backendStore, loadBalancer } = props;
    const securityGroup = new SecurityGroup(this, "security-group", {
      name: `${name}-service`,
      description: "MLflow's tasks: reached by the load balancer only",
      vpcId: network.vpcId,
      tags: { Name: `${name}-service` },
    });
    this.mlflowLogGroup = this.logGroup("mlflow");
    this.oauth2ProxyLogGroup = this.logGroup("oauth2-proxy");
    const cluster = new EcsCluster(this, "cluster", {
      name,
      setting: [{ name: "containerInsights", value: "enabled" }],
    });
    const service = new EcsService(this, "service", {
      name,
      cluster: cluster.arn,
      taskDefinition: this.taskDefinition().arn,
      desiredCount: props.minCapacity ?? 1,
      launchType: "FARGATE",
      platformVersion: "1.4.0",
      networkConfiguration: {
        subnets: network.taskSubnetIds,
        securityGroups: [securityGroup.id],
        assignPublicIp: network.assignPublicIp,
      },
      loadBalancer: [
        {
          targetGroupArn: loadBalancer.targetGroupArn,
          containerName: "oauth2-proxy",
          containerPort: OAUTH2_PROXY_PORT,
        },
      ],
      // A first start creates the schema: minutes, in which the load balancer's checks must not count.
      healthCheckGracePeriodSeconds: 600,
      deploymentCircuitBreaker: { enable: true, rollback: true },
      propagateTags: "SERVICE",
      lifecycle: { ignoreChanges: ["desired_count"] },
      dependsOn: [loadBalancer.rule, backendStore.instance],
    });
    this.securityGroupId = securityGroup.id;
    this.clusterName = cluster.name;
    this.serviceName = service.name;
    this.scale(cluster.name, service.name);
  }

  private taskDefinition(): EcsTaskDefinition {
    const { name, cpu = 2048, memory = 4096 } = this.props;
    return new EcsTaskDefinition(this, "task-definition", {
      family: name,
      cpu: String(cpu),
      memory: String(memory),
      networkMode: "awsvpc",
      requiresCompatibilities: ["FARGATE"],
      executionRoleArn: this.executionRole().arn,
      taskRoleArn: this.taskRole().arn,
      volume: [{ name: TEMPORARY_FILES }],
      containerDefinitions: toTerraformJson(this.containers(cpu, memory)),
    });
  }

  private containers(cpu: number, memory: number): ContainerDefinition[] {
    const { region, backendStore, artifactStore, secrets, login, programs = [], publicHost } = this.props;
    const mlflowLogs = awslogs(this.mlflowLogGroup, region);
    const { mlflowImage = MLFLOW_IMAGE, oauth2ProxyImage = OAUTH2_PROXY_IMAGE } = this.props;
    const jobs = memory >= JOBS_FROM;
    const mlflowMemory = memory - OAUTH2_PROXY_MEMORY;
    const webMemory = mlflowMemory - (jobs ? JOBS_MEMORY : 0);
    return [
      migrateContainer({
        image: mlflowImage,
        backendStore: backendStore.connection,
        logConfiguration: mlflowLogs,
      }),
      mlflowContainer({
        image: mlflowImage,
        memory: mlflowMemory,
        workers: Math.max(1, Math.floor(Math.min(webMemory / WORKER_MEMORY, cpu / WORKER_CPU))),
        jobs,
        periodicJobs: !backendStore.autoPause && this.maxCapacity === 1,
        backendStore: backendStore.connection,
        autoPause: backendStore.autoPause,
        artifactsDestination: artifactStore.uri,
        proxyArtifacts: this.props.proxyArtifacts,
        publicHost,
        serverOptions: this.props.serverOptions ?? "",
        region,
        logConfiguration: mlflowLogs,
      }),
      oauth2ProxyContainer({
        image: oauth2ProxyImage,
        memory: OAUTH2_PROXY_MEMORY,
        login,
        programs,
        secrets,
        publicHost,
        sessionStoreUrl: this.props.sessionStore?.url,
        logConfiguration: awslogs(this.oauth2ProxyLogGroup, region),
      }),
    ];
  }

  /** What the containers may do. */
  private taskRole(): ServiceRole {
    const { name, artifactStore } = this.props;
    return new ServiceRole(this, "task-role", {
      name: `${name}-task`,
      service: "ecs-tasks.amazonaws.com",
      statements: artifactStore.statements,
    });
  }

  /** What ECS may do to start them: pull images, write logs, read the four secrets. */
  private executionRole(): ServiceRole {
    const { name, secrets, kmsKeyArn } = this.props;
    const role = new ServiceRole(this, "execution-role", {
      name: `${name}-execution`,
      service: "ecs-tasks.amazonaws.com",
      statements: [
        { actions: ["secretsmanager:GetSecretValue"], resources: Object.values(secrets) },
        ...(kmsKeyArn === undefined ? [] : [{ actions: ["kms:Decrypt"], resources: [kmsKeyArn] }]),
      ],
    });
    const { partition } = new DataAwsPartition(this, "partition");
    new IamRolePolicyAttachment(this, "execution-role-policy", {
      role: role.roleName,
      policyArn: `arn:${partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy`,
    });
    return role;
  }

  private logGroup(container: string): string {
    return new CloudwatchLogGroup(this, `${container}-log-group`, {
      name: `/aws/ecs/${container}/${this.props.name}`,
      retentionInDays: this.props.logRetentionDays ?? 30,
      kmsKeyId: this.props.kmsKeyArn,
    }).name;
  }

  private get maxCapacity(): number {
    return this.props.maxCapacity ?? Math.max(4, this.props.minCapacity ?? 1);
  }

  private scale(clusterName: string, serviceName: string): void {
    const { name, minCapacity = 1, loadBalancer } = this.props;
    const { maxCapacity } = this;
    const target = new AppautoscalingTarget(this, "scaling-target", {
      serviceNamespace: "ecs",
      scalableDimension: "ecs:service:DesiredCount",
      resourceId: `service/${clusterName}/${serviceName}`,
      minCapacity,
      maxCapacity,
    });
    const policy = (id: string, predefinedMetricType: string, targetValue: number, resourceLabel?: string) =>
      new AppautoscalingPolicy(this, `scaling-${id}`, {
        name: `${name}-${id}`,
        policyType: "TargetTrackingScaling",
        serviceNamespace: target.serviceNamespace,
        scalableDimension: target.scalableDimension,
        resourceId: target.resourceId,
        targetTrackingScalingPolicyConfiguration: {
          predefinedMetricSpecification: { predefinedMetricType, resourceLabel },
          targetValue,
          scaleInCooldown: 300,
          scaleOutCooldown: 60,
        },
      });
    policy("cpu", "ECSServiceAverageCPUUtilization", 75);
    policy("requests", "ALBRequestCountPerTarget", 1000, loadBalancer.resourceLabel);
  }
}

/**
 * What is wrong with a service's settings.
 *
 * @param options the settings
 */
export function trackingServiceProblems(options: TrackingServiceOptions): Problem[] {
  const { cpu = 2048, memory = 4096, minCapacity, maxCapacity, serverOptions } = options;
  return [
    ...fargateSizeProblems(cpu, memory),
    ...memoryProblems(memory),
    ...checkRange("minCapacity", minCapacity, 1, 5000, "tasks"),
    ...checkRange("maxCapacity", maxCapacity, 1, 5000, "tasks"),
    ...checkOrder("minCapacity", minCapacity, "maxCapacity", maxCapacity),
    ...checkRetention("logRetentionDays", options.logRetentionDays),
    ...serverOptionsProblems(serverOptions),
    ...imageProblems(options),
  ];
}

/**
 * What is wrong with who gets in.
 *
 * @param props the login and the issuers, or what is known of them
 */
export function accessProblems({
  login,
  programs = [],
  acknowledgedRisks: risks = [],
}: Partial<AccessProps>): Problem[] {
  return [
    ...under("login", loginProblems(login?.options ?? {}, risks)),
    ...programs.flatMap((issuer, index) =>
      under(`programs[${index}]`, jwtIssuerProblems(issuer, risks, login)),
    ),
  ];
}

function memoryProblems(memory: number): Problem[] {
  if (Token.isUnresolved(memory) || memory - OAUTH2_PROXY_MEMORY >= WORKER_MEMORY) return [];
  const message =
    `${memory} MiB leave MLflow ${memory - OAUTH2_PROXY_MEMORY} beside oauth2-proxy, and it is killed below ` +
    `${WORKER_MEMORY}: write 2048 or more`;
  return [{ path: "memory", message }];
}

const GUNICORN_OPTION =
  /(^|\s)(-[bckptw]|--(bind|worker-class|threads|timeout|graceful-timeout|max-requests(-jitter)?|preload|keep-alive|worker-tmp-dir|worker-connections|access-logfile|error-logfile))(=|\s|$)/;

const KEEP_ALIVE_OPTION = /(?:^|\s)--timeout-keep-alive[=\s]\s*(\d+)/;

function serverOptionsProblems(serverOptions = ""): Problem[] {
  const path = "serverOptions";
  const option = GUNICORN_OPTION.exec(serverOptions)?.[2];
  if (option !== undefined) {
    const message =
      `${show(option)} is an option of gunicorn, and with gunicorn MLflow switches its checks of Host and Origin off: ` +
      'write options of uvicorn, such as "--log-level warning"';
    return [{ path, message }];
  }
  const keepAlive = KEEP_ALIVE_OPTION.exec(serverOptions)?.[1];
  if (keepAlive === undefined || Number(keepAlive) > TIMEOUTS.upstreamIdle) return [];
  const message =
    `--timeout-keep-alive ${keepAlive} closes connections that oauth2-proxy keeps for ${TIMEOUTS.upstreamIdle} seconds, ` +
    `which then answers 502: write more, or leave it at ${TIMEOUTS.serverKeepAlive}`;
  return [{ path, message }];
}
