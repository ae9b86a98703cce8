# shellcheck shell=bash disable=SC2034
# What the scripts in this folder share. Sourced, never run.
set -euo pipefail

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# From environments/<environment>.yaml, by load_environment.
environment='' file='' deploymentName='' sessionStore='' passwordVersion=''
region='' accountIds='' assumeRole='' dnsAssumeRole='' secretsPrefix=''
stateBackend='' stateBucket='' stateRegion='' stateLock='' stateLockTable=''
hostedZone='' host='' uri='' certificateArn='' certificateDomain='' programs='' emailDomains='' loginProvider='' ownIssuer='' groups='' groupsClaim=''
dry_run='' failures=0 role=''

die() {
  printf '%s\n' "$@" >&2
  exit 1
}

misuse() {
  printf '%s\n' "$1" "Usage: scripts/${0##*/} --help" >&2
  exit 2
}

ok() {
  printf 'ok    %s\n' "$1"
}

fail() { # fail <what is wrong> <fix>
  printf 'FAIL  %s\n      fix: %s\n' "$1" "$2"
  failures=$((failures + 1))
}

# The arguments that all scripts take. The comment at the top of a script is its help.
common_argument() {
  case $1 in
    -h | --help) sed -n '2,/^$/s/^# \{0,1\}//p' "$0" && exit 0 ;;
    -*) misuse "unknown option $1" ;;
    *) [ -z "$environment" ] || misuse "one environment at a time, not $environment and $1" ;;
  esac
  environment=$1
}

load_environment() {
  local folder=${ENVIRONMENTS:-environments} names settings
  names=$(cd "$project" && cd "$folder" && shopt -s nullglob && echo *.yaml)
  names=${names//.yaml/}
  [ -n "$names" ] || die "there is no environment in $folder/: write one, such as $folder/dev.yaml"
  case $environment,$names in
    ,*' '*) misuse "which environment? $folder/ has $names" ;;
    ,*) environment=$names ;;
  esac
  case " $names " in
    *" $environment "*) file=$folder/$environment.yaml ;;
    *) misuse "there is no environment $environment: $folder/ has $names" ;;
  esac
  settings=$(cd "$project" && npm run --silent build >&2 && node dist/constructs/config/print.js "$environment") || exit 1
  eval "$settings"
  use_region "$region"
}

use_region() {
  export AWS_REGION=$1 AWS_DEFAULT_REGION=$1
}

# Runs the AWS CLI: $answer is what it prints, or why it failed.
ask() {
  local errors
  errors=$(mktemp)
  if answer=$(use_role && AWS_PAGER='' aws "$@" --output text 2>"$errors"); then
    rm -f "$errors"
  else
    answer=$(grep . "$errors" || true)
    rm -f "$errors"
    return 1
  fi
}

use_role() {
  [ -n "$role" ] || return 0
  read -r AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN <<<"$role"
  export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
}

take_role() { # take_role <role, or nothing>: AWS is asked as this role from here on
  role=''
  [ -n "$1" ] || return 0
  ask sts assume-role --role-arn "$1" --role-session-name "mlflow-$environment" \
    --query 'Credentials.[AccessKeyId, SecretAccessKey, SessionToken]' || return 1
  role=$answer
}

# The account that the environment is deployed to, as $answer.
account() {
  ask sts get-caller-identity --query Account || return 1
  [ -z "$assumeRole" ] || answer=$(cut -d : -f 5 <<<"$assumeRole")
}

allowed_account() { # allowed_account <account>
  case " $accountIds " in
    '  ' | *" $1 "*) ;;
    *) return 1 ;;
  esac
}

# After a question to ECS that failed: without a cluster there is no service.
no_cluster() {
  case $answer in
    *ClusterNotFoundException*) answer=None ;;
    *) die "$answer" ;;
  esac
}

# These put a word for what is there into $answer. They fail where they cannot know; then $answer is AWS's message.
state_bucket() {
  if ask s3api head-bucket --region "$stateRegion" --bucket "$stateBucket" "$@"; then
    answer=present
  else
    case $answer in
      *'(404)'*) answer=absent ;;
      *'(403)'*) answer=forbidden ;;
      *) return 1 ;;
    esac
  fi
}

lock_table() {
  ask dynamodb describe-table --region "$stateRegion" --table-name "$stateLockTable" \
    --query "join(',', Table.KeySchema[].AttributeName) == 'LockID' && Table.TableStatus || 'unfit'" && return
  case $answer in
    *ResourceNotFoundException*) answer=absent ;;
    *) return 1 ;;
  esac
}

secret() {
  ask secretsmanager describe-secret --secret-id "$secretsPrefix/$1" --query \
    "DeletedDate && 'deleted' || contains(to_string(VersionIdsToStages), 'AWSCURRENT') && 'present' || 'empty'" && return
  case $answer in
    *ResourceNotFoundException*) answer=absent ;;
    *) return 1 ;;
  esac
}
