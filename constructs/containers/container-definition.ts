import { TIMEOUTS } from "../timeouts";

/** One entry of an ECS task definition's container definitions, in the shape and spelling of the ECS API. */
export interface ContainerDefinition {
  /** The container's name within the task. */
  readonly name: string;
  /** The image with its tag. */
  readonly image: string;
  /** Whether the task stops when this container does. */
  readonly essential: boolean;
  /** User and group that the processes run as, by number. @default - the image's own */
  readonly user?: string;
  /** Whether the container has the host's rights. */
  readonly privileged: false;
  /** Whether only mounted volumes can be written. */
  readonly readonlyRootFilesystem: true;
  /** The task's volumes that the container sees. @default - none */
  readonly mountPoints?: readonly MountPoint[];
  /** What the kernel allows, and who is process 1. */
  readonly linuxParameters: LinuxParameters;
  /** Seconds between SIGTERM and SIGKILL. */
  readonly stopTimeout: number;
  /** Hard limit in MiB. @default - the task's memory */
  readonly memory?: number;
  /** Replaces the image's entry point. @default - the image's own */
  readonly entryPoint?: readonly string[];
  /** Arguments of the entry point. */
  readonly command: readonly string[];
  /** Plain environment variables. @default - none */
  readonly environment?: readonly NameValue[];
  /** Environment variables that ECS reads from Secrets Manager when the task starts. @default - none */
  readonly secrets?: readonly SecretReference[];
  /** Ports that the load balancer can reach. @default - none */
  readonly portMappings?: readonly PortMapping[];
  /** Which containers must have come how far before this one starts. @default - starts at once */
  readonly dependsOn?: readonly ContainerDependency[];
  /** How ECS learns that the container works. @default - by its process alone */
  readonly healthCheck?: HealthCheck;
  /** Where standard output and standard error go. */
  readonly logConfiguration: LogConfiguration;
}

/** An environment variable with a value that may be read by anybody. */
export interface NameValue {
  /** The variable's name. */
  readonly name: string;
  /** Its value. */
  readonly value: string;
}

/** An environment variable whose value stays in Secrets Manager until the task starts. */
export interface SecretReference {
  /** The variable's name. */
  readonly name: string;
  /** The secret's ARN. */
  readonly valueFrom: string;
}

/** A volume of the task in a container. */
export interface MountPoint {
  /** The volume's name in the task definition. */
  readonly sourceVolume: string;
  /** Where the container sees it. */
  readonly containerPath: string;
  /** Whether the container cannot write it. */
  readonly readOnly: boolean;
}

/** What the kernel allows a container, and who is its process 1. */
export interface LinuxParameters {
  /** Capabilities added to the usual ones, and taken away. */
  readonly capabilities: { readonly add: readonly string[]; readonly drop: readonly string[] };
  /** Whether process 1 is an init that passes signals on and reaps orphans. */
  readonly initProcessEnabled: boolean;
}

/** A port that a container listens on. */
export interface PortMapping {
  /** The port; in a task of its own network it is the same inside and outside. */
  readonly containerPort: number;
  /** The transport protocol. */
  readonly protocol: "tcp";
}

/** An order between two containers of a task. */
export interface ContainerDependency {
  /** The container to wait for. */
  readonly containerName: string;
  /** How far it must have come. */
  readonly condition: "START" | "COMPLETE" | "SUCCESS" | "HEALTHY";
}

/** A command that ECS runs in the container; times are in seconds. */
export interface HealthCheck {
  /** `CMD` and its words, or `CMD-SHELL` and one line for the shell. */
  readonly command: readonly string[];
  /** Time between two checks. */
  readonly interval: number;
  /** Time a check may take. */
  readonly timeout: number;
  /** Failures in a row until the container counts as unhealthy. */
  readonly retries: number;
  /** Time at the start in which failures do not count. */
  readonly startPeriod: number;
}

/** The awslogs driver with its options. */
export interface LogConfiguration {
  /** The log driver. */
  readonly logDriver: "awslogs";
  /** Its options. */
  readonly options: Readonly<Record<string, string>>;
}

/** What every container is held to: no rights beyond its user's, nothing to write but volumes. */
export const CONFINED = {
  privileged: false,
  readonlyRootFilesystem: true,
  // ECS fills in an empty list; left out here, each plan would replace the task definition.
  linuxParameters: { capabilities: { add: [], drop: ["ALL"] }, initProcessEnabled: false },
  stopTimeout: TIMEOUTS.stop,
} as const;

/** The task's volume for temporary files. It starts empty with each task and holds the rest of the task's 20 GiB. */
export const TEMPORARY_FILES = "tmp";

/** The volume for temporary files at its place. */
export const TEMPORARY_FILES_MOUNT: MountPoint = {
  sourceVolume: TEMPORARY_FILES,
  containerPath: "/tmp",
  readOnly: false,
};

/**
 * The log configuration of a container that writes to CloudWatch Logs.
 *
 * @param group the log group's name
 * @param region the AWS region that the group is in
 */
export function awslogs(group: string, region: string): LogConfiguration {
  return {
    logDriver: "awslogs",
    options: { "awslogs-group": group, "awslogs-region": region, "awslogs-stream-prefix": "ecs" },
  };
}
