#!/usr/bin/env bash
# Ends sessions of people who are logged in, where sessionStore is elasticache: all of them, or the one of a cookie.
# Nothing but the service reaches the store, so this starts a task in the service's place that deletes them and ends.
#
# Usage: scripts/revoke-sessions.sh [ENVIRONMENT] [--dry-run]
#        ... | scripts/revoke-sessions.sh [ENVIRONMENT] --cookie [--dry-run]
#
#   ENVIRONMENT  reads environments/ENVIRONMENT.yaml; not needed where there is only one
#   --cookie     reads the value of the cookie __Host-mlflow from standard input; it is not shown, nor passed on
#   --dry-run    says what would be done, and does nothing

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

cookie='' definition='' network='' store=''

# The cookie is base64 of "v2.<base64 of the session's key in the store>.<what it is encrypted with>", time, signature.
# shellcheck disable=SC2016
session_key='
const [ticket] = require("fs").readFileSync(0, "utf8").trim().split("|");
const [version, key] = Buffer.from(ticket, "base64url").toString().split(".");
const name = Buffer.from(key ?? "", "base64url").toString();
if (version !== "v2" || !/^__Host-mlflow-[0-9a-f]{32}$/.test(name)) process.exit(1);
console.log(name);
'

# What the task runs instead of MLflow, whose image has Python. Redis's inline commands need no client.
delete='
import os, socket, ssl, sys
host, port = os.environ["SESSION_STORE"].rsplit(":", 1)
with socket.create_connection((host, int(port)), 10) as plain:
    with ssl.create_default_context().wrap_socket(plain, server_hostname=host) as store:
        store.sendall(os.environ["DELETE_SESSIONS"].encode() + b"\r\n")
        answer = store.recv(4096).decode().strip()
print(answer)
sys.exit(not answer.startswith((":", "+OK")))
'

# The service's task definition, its network, and the store that it uses.
find_service() {
  local flag=--redis-cluster-connection-urls=rediss://
  ask ecs describe-services --cluster "$deploymentName" --services "$deploymentName" --query 'services[0].taskDefinition' ||
    die "$deploymentName has no service: $answer"
  definition=$answer
  ask ecs describe-services --cluster "$deploymentName" --services "$deploymentName" \
    --query 'to_string(services[0].networkConfiguration)' || die "the service's network cannot be read: $answer"
  network=$answer
  ask ecs describe-task-definition --task-definition "$definition" \
    --query "taskDefinition.containerDefinitions[].command[] | [?starts_with(@, '$flag')] | [0]" ||
    die "the task definition cannot be read: $answer"
  store=${answer#"$flag"}
  [ "$store" != None ] || die "the service has no session store yet: deploy $environment"
}

run_task() { # run_task <command of Redis>
  local overrides task
  # shellcheck disable=SC2016
  overrides=$(node -p 'JSON.stringify({ containerOverrides: [{
    name: "mlflow",
    command: [`exec python -c \x27${process.argv[1]}\x27`],
    environment: [{ name: "SESSION_STORE", value: process.argv[2] }, { name: "DELETE_SESSIONS", value: process.argv[3] }],
  }] })' -- "$delete" "$store" "$1")
  ask ecs run-task --cluster "$deploymentName" --launch-type FARGATE --count 1 --started-by revoke-sessions \
    --task-definition "$definition" --network-configuration "$network" --overrides "$overrides" \
    --query 'tasks[0].taskArn' || die "the task did not start: $answer"
  task=$answer
  echo "waits for $task"
  ask ecs wait tasks-stopped --cluster "$deploymentName" --tasks "$task" || die "the task did not stop: $answer"
  ask ecs describe-tasks --cluster "$deploymentName" --tasks "$task" \
    --query "tasks[0].containers[?name=='mlflow'].exitCode | [0]" || die "the task cannot be read: $answer"
  [ "$answer" = 0 ] || die "the task failed" "log group: /aws/ecs/mlflow/$deploymentName"
}

while [ $# -gt 0 ]; do
  case $1 in
    --cookie) cookie=yes ;;
    --dry-run) dry_run=yes ;;
    *) common_argument "$1" ;;
  esac
  shift
done
load_environment
[ "$sessionStore" = elasticache ] ||
  die "$environment keeps sessions in cookies, which nothing can delete: docs/security.md says how to end them all"
command=FLUSHALL what='all sessions'
if [ -n "$cookie" ]; then
  [ ! -t 0 ] || misuse "--cookie reads the cookie's value from standard input"
  key=$(node -e "$session_key" 2>/dev/null) || die "standard input holds no value of the cookie __Host-mlflow"
  command="DEL $key" what="the session $key"
fi
take_role "$assumeRole" || die "cannot take $assumeRole: $answer"
find_service
if [ -n "$dry_run" ]; then
  echo "would delete $what at $store"
  exit
fi
run_task "$command"
ok "$what deleted; whoever was logged in by it must log in again"
