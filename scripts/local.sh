#!/usr/bin/env bash
# The whole stack on this machine, without an AWS account: emulated AWS, real Terraform, MLflow, oauth2-proxy,
# database, load balancer and login. The first start installs what it needs into .local/; later ones take two minutes.
#
# Usage: scripts/local.sh COMMAND
#
#   up [--check] [--detach] [--environments DIR]   start it; with --check prove that it works, and stop it
#   down                                           stop it
#   status                                         what runs, and how it is
#   logs [NAME]                                    follow the logs, all or those with NAME in their path
#   env                                            variables for MLflow clients: eval "$(scripts/local.sh env)"
#   token USER [--environment NAME]                a fresh token of a demo user, such as user@example.com
set -euo pipefail

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=$project/.local
PATH=$PATH:/usr/sbin:/usr/local/sbin

die() {
  printf '%s\n' "$@" >&2
  exit 1
}

# at_least <version> <least>
at_least() {
  [ "$(printf '%s\n' "$2" "$1" | sort -t . -k 1,1n -k 2,2n | head -n 1)" = "$2" ]
}

version() { # version <command>...: the first number in its answer
  "$@" 2>&1 | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1
}

find_python() {
  for python in python3 python3.14 python3.13 python3.12 python3.11 python3.10; do
    command -v "$python" >/dev/null || continue
    "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && return
  done
  return 1
}

# What is missing, one "tool|Debian's packages|Fedora's|Homebrew's|how else" a line; nothing if all is there.
missing_tools() {
  local check=$1
  find_python || echo 'python3 >= 3.10 with venv|python3 python3-venv|python3|python|'
  { command -v node && command -v npm && at_least "$(version node --version)" 20.9; } >/dev/null ||
    echo 'node >= 20.9 and npm|||node|https://nodejs.org/en/download'
  { command -v "${TERRAFORM_BINARY_NAME:-terraform}" && at_least "$(version "${TERRAFORM_BINARY_NAME:-terraform}" version)" 1.11; } >/dev/null ||
    echo "${TERRAFORM_BINARY_NAME:-terraform} >= 1.11|||opentofu|https://developer.hashicorp.com/terraform/install, or OpenTofu with TERRAFORM_BINARY_NAME=tofu: https://opentofu.org/docs/intro/install"
  { command -v go && at_least "$(version go version)" 1.21; } >/dev/null ||
    echo 'go >= 1.21||golang|go|https://go.dev/dl'
  { command -v mariadbd && command -v mariadb-install-db; } >/dev/null ||
    echo 'MariaDB server|mariadb-server|mariadb-server|mariadb|'
  command -v valkey-server redis-server >/dev/null || echo 'Valkey or Redis server|redis-server|valkey|valkey|'
  command -v nginx >/dev/null || echo 'nginx|nginx|nginx|nginx|'
  [ -z "$check" ] || command -v chromium chromium-browser google-chrome >/dev/null ||
    [ -d '/Applications/Google Chrome.app' ] || echo 'chromium (for --check)|chromium|chromium|--cask google-chrome|'
}

# Debian's packages start their service at once where a service manager runs; this file says not to.
apt_install() {
  local policy=/usr/sbin/policy-rc.d made=''
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    made=$policy
  fi
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update && apt-get install -y --no-install-recommends "$@"; } >>"$home/install.log" 2>&1 ||
    { rm -f "$made" && die "apt-get install $*: failed" "log: $home/install.log"; }
  [ -z "$made" ] || rm -f "$made"
}

install_tools() {
  local missing packages
  missing=$(missing_tools "$1")
  [ -n "$missing" ] || return 0
  packages=$(cut -d '|' -f 2 <<<"$missing" | xargs)
  if [ -n "$packages" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installs $packages"
    # shellcheck disable=SC2086
    apt_install $packages
    missing=$(missing_tools "$1")
    [ -n "$missing" ] || return 0
  fi
  echo 'These tools are missing:' >&2
  local tool apt dnf brew else command
  while IFS='|' read -r tool apt dnf brew else; do
    command=''
    if [ -n "$apt" ] && command -v apt-get >/dev/null; then
      command="sudo apt-get install --no-install-recommends $apt"
    elif [ -n "$dnf" ] && command -v dnf >/dev/null; then
      command="sudo dnf install $dnf"
    elif [ -n "$brew" ] && command -v brew >/dev/null; then
      command="brew install $brew"
    fi
    printf '  %-28s %s\n' "$tool" "${command:-${else:-install it with your package manager}}" >&2
  done <<<"$missing"
  exit 1
}

# The stamp says what the virtual environment was made from.
install_python_packages() {
  local stamp
  find_python
  stamp="$("$python" --version) $(cksum <"$project/local/requirements.txt") $project"
  [ "$(cat "$home/venv/stamp" 2>/dev/null)" = "$stamp" ] && return
  echo 'installs the Python packages of local/requirements.txt (a minute or two)'
  rm -rf "$home/venv"
  {
    "$python" -m venv "$home/venv"
    "$home/venv/bin/pip" install --disable-pip-version-check -r "$project/local/requirements.txt"
    command -v aws >/dev/null || "$home/venv/bin/pip" install --disable-pip-version-check awscli
  } >>"$home/install.log" 2>&1 || die 'pip install: failed' "log: $home/install.log"
  echo "$stamp" >"$home/venv/stamp"
}

case ${1:-} in
  '' | -h | --help)
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
    [ -n "${1:-}" ] || exit 2
    exit 0
    ;;
  up)
    mkdir -p "$home/bin"
    install_tools "$(printf '%s\n' "$@" | grep -x -- --check || true)"
    install_python_packages
    ;;
esac
[ -x "$home/venv/bin/python" ] || die 'the local stack was never started here: scripts/local.sh up'
export PYTHONPATH=$project PYTHONDONTWRITEBYTECODE=1
exec "$home/venv/bin/python" -m local "$@"
