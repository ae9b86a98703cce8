# shellcheck shell=bash disable=SC2016,SC2154
# What the tests of the scripts share: an emulated AWS, an environment file, and stand-ins on the PATH.

bats_require_minimum_version 1.5.0

export project
project=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

start_aws() {
  local server=${MOTO_SERVER:-$project/.local/venv/bin/moto_server} log=$BATS_FILE_TMPDIR/moto.log
  [ -x "$server" ] || server=$(command -v moto_server)
  PYTHON=$(dirname "$server")/python3
  REAL_AWS=$(pyenv which aws 2>/dev/null || command -v aws)
  "$server" -H 127.0.0.1 -p 0 >"$log" 2>&1 3>&- &
  MOTO=$!
  for _ in $(seq 100); do
    AWS_ENDPOINT_URL=$(grep -o 'http://127.0.0.1:[0-9]*' "$log") && break
    sleep 0.2
  done
  unset AWS_PROFILE AWS_SESSION_TOKEN
  export PYTHON REAL_AWS MOTO AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
}

stop_aws() {
  kill "$MOTO"
}

start_test() {
  export ENVIRONMENTS=$BATS_TEST_TMPDIR/environments CALLS=$BATS_TEST_TMPDIR/calls CANNED=''
  mkdir -p "$ENVIRONMENTS" "$BATS_TEST_TMPDIR/bin"
  PATH=$BATS_TEST_TMPDIR/bin:$PATH
  environment dev
  # Compiled already, by setup_suite.
  stand_in npm 'echo "npm $*" >>"$CALLS"'
  # The real loader reads each environment once: half a second each time adds up.
  REAL_NODE=${REAL_NODE:-$(command -v node)}
  export REAL_NODE
  stand_in node '
    [ "$1" = dist/constructs/config/print.js ] || exec "$REAL_NODE" "$@"
    known=$BATS_RUN_TMPDIR/$2.$(cksum <"$ENVIRONMENTS/$2.yaml" | tr " " .)
    [ -e "$known" ] || "$REAL_NODE" "$@" >"$known" || { rm "$known" && exit 1; }
    cat "$known"'
  stand_in aws '
    echo "aws $* as $AWS_ACCESS_KEY_ID" >>"$CALLS"
    [ -z "${PROCESSES:-}" ] || ps -eo args >>"$PROCESSES"
    while IFS="|" read -r call answer; do
      case $*,$answer in
        "$call"*,"An error"*) echo "$answer" >&2 && exit 254 ;;
        "$call"*) [ -z "$call" ] || { printf "%b\n" "$answer" && exit; } ;;
      esac
    done <<<"$CANNED"
    exec "$REAL_AWS" "$@"'
  [ -z "${AWS_ENDPOINT_URL:-}" ] || curl -fsS -o /dev/null -X POST "$AWS_ENDPOINT_URL/moto-api/reset"
}

stand_in() { # stand_in <command> <script>
  printf '#!/usr/bin/env bash\n%s\n' "$2" >"$BATS_TEST_TMPDIR/bin/$1"
  chmod +x "$BATS_TEST_TMPDIR/bin/$1"
}

# canned <beginning of the AWS CLI's arguments> <answer, with \t and \n, or "An error ...">: the emulator is not asked.
canned() {
  CANNED="$1|$2"$'\n'$CANNED
}

environment() { # environment <name> [<state> [<more YAML>]]
  local state='{backend: s3, bucket: acme-terraform-state, lockTable: terraform-locks}'
  cat >"$ENVIRONMENTS/$1.yaml" <<END
region: eu-west-1
state: ${2:-$state}
dns: {hostedZone: example.com, recordName: mlflow, domain: example.com}
login: {provider: google, emailDomains: [example.com, example.org]}
programs: [{issuer: google, audience: "https://mlflow.example.com"}, {issuer: "https://idp.example.com", audience: trainer, mayNamePeople: true}]
acknowledgedRisks: [issuer-names-people]
${3:-}
END
}

in_aws() { # in_aws <Python>
  "$PYTHON" - <<END
import boto3, json
def client(service, region="eu-west-1", **options):
    return boto3.client(service, region_name=region, **options)
$1
END
}

script() { # script <name> <arguments>...
  run "$project/scripts/$1.sh" "${@:2}"
}

# Assertions that show what there is instead.
exits() { # exits <status>
  [ "$status" -eq "$1" ] || { echo "exit $status instead of $1: $output" && false; }
}

says() { # says <line>
  grep -qxF -- "$1" <<<"$output" || { echo "no line '$1' in: $output" && false; }
}

mentions() { # mentions <text>
  grep -qF -- "$1" <<<"$output" || { echo "no '$1' in: $output" && false; }
}

hides() { # hides <secret>: it is in no output and in no process's arguments
  if grep -qF -- "$1" "$CALLS" "$PROCESSES" || grep -qF -- "$1" <<<"$output"; then
    echo "shows '$1': $output"
    return 1
  fi
}

called() { # called <beginning of the AWS CLI's arguments>
  grep -q -- "^aws $1" "$CALLS"
}
