#!/usr/bin/env bash
# Runs all tests and installs what they need. The last line is the sum over all of them: N passed, N failed.
#   scripts/test.sh            everything, the stack on this machine included
#   scripts/test.sh --unit     the quick part alone: lint, types, unit tests
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
logs=.local/test
passed=0
failed=0

case ${1:-} in
  '' | --unit) ;;
  -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" && exit ;;
  *) echo "unknown option $1: see scripts/test.sh --help" >&2 && exit 2 ;;
esac

# suite <name> <command …>: runs it with its output in a log. Suites that count say so in the words of their tool;
# one that does not is a single check.
suite() {
  local name=$1 started=$SECONDS log=$logs/$1.log code=0 good bad
  shift
  "$@" >"$log" 2>&1 </dev/null || code=$?
  case $name in
    unit)
      good=$(number "$log" 's/^Tests:.* ([0-9]+) passed.*/\1/p')
      bad=$(number "$log" 's/^Tests:.* ([0-9]+) failed.*/\1/p')
      ;;
    scripts)
      good=$(grep -c '^ok ' "$log" || true)
      bad=$(grep -c '^not ok ' "$log" || true)
      ;;
    *)
      good=$(number "$log" 's/^(Success! |Failure! )?([0-9]+) passed, [0-9]+ failed.*/\2/p')
      bad=$(number "$log" 's/^(Success! |Failure! )?[0-9]+ passed, ([0-9]+) failed.*/\2/p')
      ;;
  esac
  # A suite that fails without a failed test did not get to its tests.
  [ "$code" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
  [ "$code" -ne 0 ] || [ "$((good + bad))" -gt 0 ] || good=1
  passed=$((passed + good))
  failed=$((failed + bad))
  printf '%-12s %4d passed, %d failed  (%d s)\n' "$name" "$good" "$bad" "$((SECONDS - started))"
  [ "$bad" -eq 0 ] || { tail -n 60 "$log" && printf 'whole output: %s\n' "$log"; }
}

number() { # number <file> <program for sed -nE>: the sum of what it prints
  sed -nE "$2" "$1" | awk '{ sum += $1 } END { print sum + 0 }'
}

install() { # install <Debian package …>: each is named as its command
  local package missing=()
  for package in "$@"; do
    command -v "$package" >/dev/null || missing+=("$package")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "please install ${missing[*]}" >&2
    exit 1
  fi
  echo "installing ${missing[*]}"
  { apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } >"$logs/install.log" 2>&1
}

# Where no provider registry can be reached, the local stack has found a mirror.
use_provider_mirror() {
  [ -f "${TF_CLI_CONFIG_FILE:-}" ] || [ ! -f .local/terraform.tfrc ] || export TF_CLI_CONFIG_FILE=$PWD/.local/terraform.tfrc
}

mkdir -p "$logs"
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "installing npm packages"
  npm ci --silent --no-fund --no-audit
  touch node_modules/.package-lock.json
fi

suite types npm run --silent types
suite build npm run --silent build
suite lint npm run --silent lint
suite unit npx jest --ci
if [ "${1:-}" != --unit ]; then
  install bats shellcheck
  # The first of these also prepares the toolchain that the others use.
  suite demo scripts/local.sh up --check
  suite environments scripts/local.sh up --check --environments __tests__/e2e/environments
  suite local env PYTHONPATH=. .local/venv/bin/python -m unittest discover -s __tests__/local
  suite identity env PYTHONPATH=. .local/venv/bin/python __tests__/e2e/test_identity.py
  suite transfers env PYTHONPATH=. .local/venv/bin/python __tests__/e2e/test_transfers.py
  suite backend-store env PYTHONPATH=. .local/venv/bin/python __tests__/e2e/test_backend_store.py
  suite migration env PYTHONPATH=. .local/venv/bin/python __tests__/e2e/test_migration.py
  suite shellcheck shellcheck -x .ci/run scripts/*.sh __tests__/terraform/*.sh __tests__/checkov/*.sh
  suite scripts bats __tests__/scripts
  use_provider_mirror
  suite apply env PYTHONPATH=. .local/venv/bin/python __tests__/e2e/test_apply.py
  suite terraform __tests__/terraform/run.sh
  suite checkov __tests__/checkov/run.sh
  suite bindings npm run --silent get
fi
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
