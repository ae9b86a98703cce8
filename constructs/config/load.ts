import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parseDocument } from "yaml";
import { ConfigurationError, type Problem, refuse, under } from "../errors";
import { IdentityProvider } from "../identity/identity-provider";
import { JwtIssuer } from "../identity/jwt-issuer";
import { PRESETS } from "../identity/presets";
import { type MlflowStackProps, stackProblems } from "../mlflow-stack";
import { s3StateProblems, StateBackend } from "../state-backend";
import type { EnvironmentFile, StateFile } from "./environment-file";
import { checkShape } from "./schema-problems";

/** One environment, ready to be made a stack. */
export interface Environment {
  /** The file's name without its ending: the stack's id. */
  readonly name: string;
  /** What the file says. */
  readonly file: EnvironmentFile;
  /** The same as props. */
  readonly props: MlflowStackProps;
}

/**
 * Reads every `*.yaml` in a folder.
 *
 * @param folder the folder's path
 * @throws ConfigurationError when the folder has no such file, or with all problems of the first file that has any
 */
export function loadEnvironments(folder: string): Environment[] {
  const names = environmentNames(folder);
  if (names.length === 0) {
    const message = 'has no environment: write one file for each, such as "dev.yaml" (docs/environments.md)';
    throw new ConfigurationError(folder, [{ path: folder, message }]);
  }
  return names.map((name) => loadEnvironment(join(folder, `${name}.yaml`)));
}

function environmentNames(folder: string): string[] {
  const files = statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder) : [];
  return files
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => basename(file, ".yaml"))
    .sort();
}

/**
 * Reads one environment file.
 *
 * @param path the file's path; its name without `.yaml` becomes the stack's id
 * @throws ConfigurationError with all problems of the file at once
 */
export function loadEnvironment(path: string): Environment {
  const name = basename(path, ".yaml");
  if (!existsSync(path)) {
    const others = environmentNames(dirname(path));
    const fix = others.length === 0 ? `write ${path}` : `write one of ${others.join(", ")}`;
    throw new ConfigurationError(path, [{ path: name, message: `is no environment: ${fix}` }]);
  }
  const stackName = nameProblems(name);
  const shape = checkShape(parse(path));
  const file = shape.data as Partial<EnvironmentFile>;
  refuse(path, [...stackName, ...shape.problems, ...valueProblems(file)]);
  const complete = file as EnvironmentFile;
  const { state, login, programs = [], ...rest } = complete;
  const props = {
    ...rest,
    state:
      state.backend === "local"
        ? StateBackend.local()
        : StateBackend.s3({ ...state, bucket: String(state.bucket) }),
    login: IdentityProvider.of(login),
    programs: programs.map((program) => JwtIssuer.of(program)),
  };
  return { name, file: complete, props };
}

function parse(path: string): unknown {
  const document = parseDocument(readFileSync(path, "utf8"), { prettyErrors: true });
  refuse(
    path,
    document.errors.map(({ code, linePos, message }) => ({
      path: `line ${linePos?.[0].line ?? "?"}`,
      message:
        code === "MULTIPLE_DOCS"
          ? "starts a second document: write a file of its own for each environment"
          : (message.split(/ at line \d+/)[0] as string),
    })),
  );
  try {
    return document.toJS() ?? {};
  } catch (error) {
    // Aliases are followed only now.
    throw new ConfigurationError(path, [{ path: "(file)", message: (error as Error).message }]);
  }
}

function nameProblems(name: string): Problem[] {
  if (/^[a-z0-9][a-z0-9-]*$/.test(name)) return [];
  const message = `"${name}" is no stack's name: name the file with lower-case letters, digits and hyphens`;
  return [{ path: "(file name)", message }];
}

/** Everything that the schema cannot say; parts that are absent or malformed are passed over. */
function valueProblems({ state, login, programs, ...rest }: Partial<EnvironmentFile>): Problem[] {
  return [
    ...under("state", stateProblems(state ?? {}, state !== undefined)),
    ...stackProblems({
      ...rest,
      login:
        login !== undefined && Object.hasOwn(PRESETS, login.provider)
          ? IdentityProvider.of(login)
          : undefined,
      programs: (Array.isArray(programs) ? programs : []).map((program) => JwtIssuer.of(program)),
    }),
  ];
}

function stateProblems(state: StateFile, given: boolean): Problem[] {
  if (state.backend === "local") return [];
  const problems = s3StateProblems(state);
  if (given && state.bucket === undefined) {
    problems.push({
      path: "bucket",
      message: "is missing: the S3 bucket for the state (or write backend: local)",
    });
  }
  return problems;
}
