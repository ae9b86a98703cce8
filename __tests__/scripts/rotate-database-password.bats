#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

load helper

setup_file() {
  start_aws
}

teardown_file() {
  stop_aws
}

# The service's newest deployment is a line of "rollouts"; each question but the first gets the next one.
setup() {
  start_test
  cd "$BATS_TEST_TMPDIR" || exit
  export PROCESSES=$BATS_TEST_TMPDIR/processes ROLLOUTS=$BATS_TEST_TMPDIR/rollouts
  canned "sts get-caller-identity" 123456789012
  canned "ecs describe-task-definition" None
  rolls_out "COMPLETED\told" "IN_PROGRESS\tnew" "COMPLETED\tnew"
  mv bin/aws bin/other-aws
  stand_in aws '
    case $* in
      "ecs describe-services --cluster oauth2-mlflow --services oauth2-mlflow "*)
        head -n 1 "$ROLLOUTS" && sed -i.old 1d "$ROLLOUTS" ;;
      *) exec other-aws "$@" ;;
    esac'
  stand_in sleep 'echo "sleep $*" >>"$CALLS"'
  stand_in npx 'echo "npx $* in $PWD" >>"$CALLS"; cat "$ENVIRONMENTS/dev.yaml" >deployed 2>/dev/null; exit "${NPX:-0}"'
  in_aws '
for name in "oauth2-client-id", "oauth2-client-secret", "oauth2-cookie-secret", "store-db-password":
    client("secretsmanager").create_secret(Name=f"mlflow/{name}", SecretString="old")'
}

rolls_out() { # rolls_out <state and task definition>...
  printf '%b\n' "$@" >"$ROLLOUTS"
}

password() {
  in_aws 'print(client("secretsmanager").get_secret_value(SecretId="mlflow/store-db-password")["SecretString"])'
}

unchanged() {
  [ "$(password)" = old ]
  run ! grep -q passwordVersion "$ENVIRONMENTS/dev.yaml"
  run ! grep -q ^npx "$CALLS"
}

@test "writes the next version, replaces the secret, deploys, and waits for the new tasks" {
  cp "$ENVIRONMENTS/dev.yaml" before
  script rotate-database-password dev -- --auto-approve
  exits 0
  [ "$output" = "written   backendStore.passwordVersion: 2, in $ENVIRONMENTS/dev.yaml
replaced  mlflow/store-db-password
rotated   mlflow/store-db-password. Keep the change of $ENVIRONMENTS/dev.yaml" ]
  [ "$(diff before "$ENVIRONMENTS/dev.yaml" | grep '^[<>]')" = "> backendStore:
>   passwordVersion: 2" ]
  [[ "$(password)" =~ ^[A-Za-z0-9_-]{32}$ ]]
  hides "$(password)"
  [ "$(grep -E '^(npx|sleep)' "$CALLS")" = "npx cdktf deploy dev --auto-approve in $project
sleep 5" ]
}

@test "changes nothing in a dry run" {
  script rotate-database-password dev --dry-run -- --auto-approve
  exits 0
  says "would be replaced  mlflow/store-db-password"
  says "would be written   backendStore.passwordVersion: 2, in $ENVIRONMENTS/dev.yaml"
  says "would be run       npx cdktf deploy dev --auto-approve"
  unchanged
}

@test "changes the version alone, wherever it stands" {
  local before after
  for before in 'backendStore: {maxCapacity: 8} # ACU' 'backendStore: { passwordVersion: 4, maxCapacity: 8 }' $'backendStore:\n    # ACU\n    maxCapacity: 8' $'backendStore:\n  maxCapacity: 8\n  passwordVersion: 4 # of May'; do
    environment dev '' "$before"
    cp "$ENVIRONMENTS/dev.yaml" before
    rolls_out "COMPLETED\told" "COMPLETED\tnew"
    script rotate-database-password dev
    exits 0
    after=$(diff before "$ENVIRONMENTS/dev.yaml" | sed -n 's/^> //p')
    case $before in
      *ACU) [ "$after" = 'backendStore: {passwordVersion: 2, maxCapacity: 8} # ACU' ] ;;
      *{*) [ "$after" = 'backendStore: { passwordVersion: 5, maxCapacity: 8 }' ] ;;
      *May) [ "$after" = '  passwordVersion: 5 # of May' ] ;;
      *) [ "$after" = '    passwordVersion: 2' ] ;;
    esac || { echo "of '$before': $after" && false; }
  done
}

@test "goes on from the version that is deployed, if the file lacks it" {
  canned "ecs describe-task-definition --task-definition old" 7
  script rotate-database-password dev
  exits 0
  says "written   backendStore.passwordVersion: 8, in $ENVIRONMENTS/dev.yaml"
}

@test "says what to write where it cannot" {
  environment dev '' 'backendStore: {}'
  script rotate-database-password dev
  exits 1
  says "write passwordVersion: 2 below backendStore in $ENVIRONMENTS/dev.yaml, and run this again"
  unchanged
}

@test "says how to finish when the deployment fails" {
  NPX=1 script rotate-database-password dev
  exits 1
  says "The secret has its new value, the database perhaps not yet. To finish: npx cdktf deploy dev"
}

@test "says when the new tasks do not start" {
  local end
  for end in "FAILED\tnew" "COMPLETED\told"; do
    rolls_out "COMPLETED\told" "$end"
    script rotate-database-password dev
    exits 1
    says "new tasks do not start: their logs are in /aws/ecs/mlflow/oauth2-mlflow"
  done
}

@test "does not start while another deployment is under way, or before the first" {
  rolls_out "IN_PROGRESS\told"
  script rotate-database-password dev
  exits 1
  says "the service oauth2-mlflow is being deployed: try again when that is over"
  rolls_out None
  script rotate-database-password dev
  exits 1
  says "dev is not deployed, there is no service oauth2-mlflow: npx cdktf deploy dev"
  unchanged
}

@test "does not deploy when the secret cannot be replaced" {
  canned "secretsmanager put-secret-value" "An error occurred (AccessDeniedException): not authorized"
  script rotate-database-password dev
  exits 1
  mentions "mlflow/store-db-password: An error occurred (AccessDeniedException): not authorized"
  run ! grep -q ^npx "$CALLS"
}

@test "refuses an account that the environment does not allow" {
  environment dev '{backend: local}' 'accountIds: ["111122223333"]'
  script rotate-database-password dev
  exits 1
  says "the credentials are of account 123456789012, but $ENVIRONMENTS/dev.yaml allows 111122223333"
  unchanged
}
