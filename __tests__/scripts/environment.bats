#!/usr/bin/env bats
# Which environment a script takes. token.sh stands for all: it does not ask AWS.

load helper

setup() {
  start_test
}

@test "takes the only environment when none is named" {
  script token
  exits 0
  says "export MLFLOW_TRACKING_URI=https://mlflow.example.com"
}

@test "takes the environment that is named" {
  environment prod
  sed -i.old 's/recordName: mlflow/recordName: runs/' "$ENVIRONMENTS/prod.yaml"
  script token prod
  exits 0
  says "export MLFLOW_TRACKING_URI=https://runs.example.com"
}

@test "lists the environments when there are several and none is named" {
  environment prod
  script token
  exits 2
  says "which environment? $ENVIRONMENTS/ has dev prod"
}

@test "lists the environments when the named one does not exist" {
  script token staging
  exits 2
  says "there is no environment staging: $ENVIRONMENTS/ has dev"
}

@test "says where the first environment goes" {
  rm "$ENVIRONMENTS/dev.yaml"
  script token
  exits 1
  says "there is no environment in $ENVIRONMENTS/: write one, such as $ENVIRONMENTS/dev.yaml"
}

@test "refuses an environment file with a mistake, and does nothing" {
  echo "regoin: eu-west-1" >>"$ENVIRONMENTS/dev.yaml"
  script bootstrap-state
  exits 1
  mentions regoin
  run ! grep '^aws' "$CALLS"
}

@test "compiles before it reads" {
  script token
  grep -qx "npm run --silent build" "$CALLS"
}

@test "explains itself, and refuses what it does not know" {
  local name
  for name in bootstrap-state create-secrets preflight token; do
    script $name --help
    exits 0
    mentions "Usage: scripts/$name.sh [ENVIRONMENT]"
    script $name --froce
    exits 2
    says "unknown option --froce"
    script $name dev prod
    exits 2
    says "one environment at a time, not dev and prod"
  done
}
