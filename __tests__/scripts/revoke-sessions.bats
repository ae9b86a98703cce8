#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154

load helper

setup_file() {
  start_aws
}

teardown_file() {
  stop_aws
}

setup() {
  start_test
  environment dev '' 'sessionStore: elasticache'
  # moto cannot run a task in a VPC.
  canned "ecs run-task" arn:aws:ecs:eu-west-1:123456789012:task/oauth2-mlflow/1
  canned "ecs wait tasks-stopped" ""
  canned "ecs describe-tasks" 0
}

teardown() {
  [ -z "${REDIS:-}" ] || kill "$REDIS"
}

service() { # service <oauth2-proxy's flag>
  in_aws "
ec2, ecs = client('ec2'), client('ecs')
ecs.create_cluster(clusterName='oauth2-mlflow')
containers = [dict(name='mlflow', image='mlflow'), dict(name='oauth2-proxy', image='proxy', command=['--a=b', '$1'])]
ecs.register_task_definition(family='oauth2-mlflow', requiresCompatibilities=['FARGATE'], networkMode='awsvpc', cpu='256', memory='512', containerDefinitions=containers)
subnet = ec2.describe_subnets()['Subnets'][0]['SubnetId']
group = ec2.describe_security_groups()['SecurityGroups'][0]['GroupId']
network = dict(awsvpcConfiguration=dict(subnets=[subnet], securityGroups=[group], assignPublicIp='DISABLED'))
ecs.create_service(cluster='oauth2-mlflow', serviceName='oauth2-mlflow', taskDefinition='oauth2-mlflow', desiredCount=0, launchType='FARGATE', networkConfiguration=network)
"
}

start_store() { # a real one with TLS, at $store
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=store -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$BATS_TEST_TMPDIR/key" -out "$BATS_TEST_TMPDIR/certificate" 2>/dev/null
  port=$("$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  "$(command -v valkey-server redis-server | head -n 1)" --port 0 --tls-port "$port" --bind 127.0.0.1 --save "" --dir "$BATS_TEST_TMPDIR" \
    --tls-cert-file "$BATS_TEST_TMPDIR/certificate" --tls-key-file "$BATS_TEST_TMPDIR/key" --tls-auth-clients no \
    --tls-ca-cert-file "$BATS_TEST_TMPDIR/certificate" >"$BATS_TEST_TMPDIR/redis.log" 3>&- &
  REDIS=$! store=127.0.0.1:$port
  for _ in $(seq 50); do
    [ "$(in_store PING 2>/dev/null)" != PONG ] || break
    sleep 0.1
  done
}

in_store() { # in_store <command of Redis>...
  "$(command -v valkey-cli redis-cli | head -n 1)" --tls --cacert "$BATS_TEST_TMPDIR/certificate" -p "$port" "$@"
}

# Runs what the task would run instead of MLflow.
run_override() {
  local overrides
  overrides=$(sed -n 's/^aws ecs run-task .*--overrides \(.*\) --query .*/\1/p' "$CALLS")
  "$REAL_AWS" ecs run-task --region eu-west-1 --task-definition x --overrides "$overrides" --generate-cli-skeleton output >/dev/null
  # The container's entry point is sh -c; python is the test's.
  printf '#!/bin/sh\nexec "%s" "$@"\n' "$PYTHON" >"$BATS_TEST_TMPDIR/bin/python"
  chmod +x "$BATS_TEST_TMPDIR/bin/python"
  SSL_CERT_FILE=$BATS_TEST_TMPDIR/certificate "$REAL_NODE" -e '
    const [{ name, command, environment }] = JSON.parse(process.argv[1]).containerOverrides;
    if (name !== "mlflow") process.exit(9);
    const env = { ...process.env, ...Object.fromEntries(environment.map(({ name, value }) => [name, value])) };
    process.exit(require("child_process").spawnSync("sh", ["-c", ...command], { env, stdio: "inherit" }).status);
  ' -- "$overrides"
}

cookie() { # cookie <key>
  "$REAL_NODE" -p '
const encode = (text) => Buffer.from(text).toString("base64url");
[Buffer.from(`v2.${encode(process.argv[1])}.${encode("c".repeat(16))}`).toString("base64"), 1, "s"].join("|")' -- "$1"
}

@test "deletes all sessions by a task in the service's place" {
  start_store
  service "--redis-cluster-connection-urls=rediss://$store"
  in_store MSET one 1 two 2
  script revoke-sessions dev
  exits 0
  says "ok    all sessions deleted; whoever was logged in by it must log in again"
  grep -q 'ecs run-task .*--network-configuration {"awsvpcConfiguration": *{"subnets": *\["subnet-' "$CALLS"
  run_override
  [ "$(in_store DBSIZE)" = 0 ]
}

@test "deletes the session of a cookie, and shows neither the cookie nor its key" {
  start_store
  service "--redis-cluster-connection-urls=rediss://$store"
  local key=__Host-mlflow-0123456789abcdef0123456789abcdef
  in_store MSET "$key" 1 two 2
  cookie "$key" >"$BATS_TEST_TMPDIR/cookie"
  script revoke-sessions dev --cookie <"$BATS_TEST_TMPDIR/cookie"
  exits 0
  says "ok    the session $key deleted; whoever was logged in by it must log in again"
  run_override
  [ "$(in_store KEYS '*')" = two ]
  for secret in "$(cut -d '|' -f 1 "$BATS_TEST_TMPDIR/cookie")" cccccccccccccccc; do
    run ! grep -F -- "$secret" "$CALLS"
    run ! grep -F -- "$secret" <<<"$output"
  done
}

@test "fails where the task failed" {
  service --redis-cluster-connection-urls=rediss://store:6379
  canned "ecs describe-tasks" 1
  script revoke-sessions dev
  exits 1
  says "the task failed"
  says "log group: /aws/ecs/mlflow/oauth2-mlflow"
}

@test "does nothing in a dry run" {
  service --redis-cluster-connection-urls=rediss://store:6379
  script revoke-sessions dev --dry-run
  exits 0
  says "would delete all sessions at store:6379"
  run ! called "ecs run-task"
}

@test "refuses what is no cookie, an environment without a store, and a service without one" {
  script revoke-sessions dev --cookie <<<"v2.no.cookie"
  exits 1
  says "standard input holds no value of the cookie __Host-mlflow"
  service --session-store-type=cookie
  script revoke-sessions dev
  exits 1
  says "the service has no session store yet: deploy dev"
  environment dev
  script revoke-sessions dev
  exits 1
  says "dev keeps sessions in cookies, which nothing can delete: docs/security.md says how to end them all"
  run ! called "ecs run-task"
}
