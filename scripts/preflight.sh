#!/usr/bin/env bash
# Looks whether everything is there that a deployment needs: tools, credentials, state, hosted zone, certificate and
# secrets. Changes nothing and reads no secret. Whatever is missing comes with its fix; then the exit code is 1.
#
# Usage: scripts/preflight.sh [ENVIRONMENT]
#
#   ENVIRONMENT  reads environments/ENVIRONMENT.yaml; not needed where there is only one

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

# report <what> <word>=<fix>...: what $answer, a word of lib.sh or AWS's message, makes of it.
report() {
  local what=$1 known
  shift
  case $answer in
    present | ACTIVE | UPDATING) ok "$what" && return ;;
  esac
  for known; do
    [ "$answer" != "${known%%=*}" ] || { fail "$what is $answer" "${known#*=}" && return; }
  done
  fail "$what: $answer" "give your credentials the permission that this message names"
}

may_take_role() {
  take_role "$1" || ! fail "role $1: $answer" "let its trust policy name you, and allow your credentials sts:AssumeRole on it"
}

finish() { # finish [<what was left out>]
  [ -z "${1:-}" ] || printf '%s\n' "--    $1"
  [ "$failures" -gt 0 ] || { echo "Ready to deploy $environment" && exit; }
  echo "Not ready: $failures to fix"
  exit 1
}

tool() { # tool <command> <least version or nothing> <fix>
  local version=''
  if ! command -v "$1" >/dev/null; then
    fail "$1 is not installed" "$3"
    return
  fi
  [ -z "$2" ] || version=$("$1" --version 2>/dev/null | sed -n '1s/^[^0-9]*\([0-9.]*\).*/\1/p' || true)
  if [ "$(printf '%s\n' "$2" "$version" | sort -t . -k 1,1n -k 2,2n | head -n 1)" = "$2" ]; then
    ok "$1${version:+ $version}"
  else
    fail "$1 ${version:-of unknown version} is older than $2" "$3"
  fi
}

check_state() {
  # shellcheck disable=SC2119
  state_bucket || true
  report "state bucket $stateBucket" "absent=scripts/bootstrap-state.sh $environment" \
    "forbidden=choose another state.bucket in $file, or have its owner allow your credentials s3:ListBucket"
  [ "$stateLock" != lockfile ] || return 0
  lock_table || true
  report "lock table $stateLockTable" "absent=scripts/bootstrap-state.sh $environment" \
    "CREATING=scripts/bootstrap-state.sh $environment, which waits for it" \
    "unfit=choose another state.lockTable in $file: its key must be LockID"
}

check_hosted_zone() {
  ask route53 list-hosted-zones-by-name --dns-name "$hostedZone" \
    --query "length(HostedZones[?Name=='$hostedZone.' && !(Config.PrivateZone)])" || true
  case $answer in
    1) ok "hosted zone $hostedZone" ;;
    0) fail "there is no public hosted zone $hostedZone" "correct dns.hostedZone in $file, or: aws route53 create-hosted-zone --name $hostedZone --caller-reference $environment" ;;
    [0-9]*) fail "there are $answer public hosted zones $hostedZone" "delete those that the domain is not delegated to: aws route53 delete-hosted-zone --id ID" ;;
    *) report "hosted zone $hostedZone" ;;
  esac
}

covers_host() { # covers_host <names>
  case " $1 " in
    *" $host "* | *" *.${host#*.} "*) ;;
    *) return 1 ;;
  esac
}

check_certificate() {
  local domain=${certificateDomain:-${host#*.}} arn=$certificateArn request
  request="aws acm request-certificate --region $region --validation-method DNS --domain-name '$domain'"
  covers_host "$domain" || request="$request --subject-alternative-names $host"
  request="$request, or write yours into loadBalancer.certificateArn in $file"
  if [ -z "$arn" ]; then
    ask acm list-certificates --sort-by CREATED_AT --sort-order ASCENDING \
      --includes keyTypes=RSA_2048,RSA_3072,RSA_4096,EC_prime256v1,EC_secp384r1,EC_secp521r1 \
      --query "CertificateSummaryList[?DomainName=='$domain'].[Status, CertificateArn]" || { report certificates && return; }
    # Terraform takes the newest that is issued.
    arn=$(awk '$1 == "ISSUED" || !arn { arn = $2 } END { print arn }' <<<"$answer")
    [ -n "$arn" ] || { fail "there is no certificate for $domain in $region" "$request" && return; }
  fi
  ask acm describe-certificate --certificate-arn "$arn" --query 'Certificate.[[Status], SubjectAlternativeNames][]' || true
  answer=${answer//$'\t'/ }
  case $answer in
    'ISSUED '*)
      if covers_host "$answer"; then
        ok "certificate $arn"
      else
        fail "certificate $arn does not cover $host but ${answer#* }" "$request"
      fi
      ;;
    'PENDING_VALIDATION '*) fail "certificate $arn is not validated" "create the records of: aws acm describe-certificate --region $region --certificate-arn $arn --query Certificate.DomainValidationOptions[].ResourceRecord" ;;
    *ResourceNotFound*) fail "there is no certificate $arn in $region" "$request" ;;
    *'An error occurred'*) report "certificate $arn" ;;
    *) fail "certificate $arn is ${answer%% *}" "$request" ;;
  esac
}

check_secret() { # check_secret <name>
  local full=$secretsPrefix/$1
  secret "$1" || true
  report "secret $full" "absent=scripts/create-secrets.sh $environment" "empty=scripts/create-secrets.sh $environment" \
    "deleted=aws secretsmanager restore-secret --region $region --secret-id $full"
}

for argument; do
  common_argument "$argument"
done
tool node 20.9 "install Node.js 20.9 or later: https://nodejs.org/en/download"
tool npm '' "install Node.js, which brings npm: https://nodejs.org/en/download"
tool "${TERRAFORM_BINARY_NAME:-terraform}" 1.11 "install Terraform 1.11 or later: https://developer.hashicorp.com/terraform/install, or OpenTofu 1.11 or later: https://opentofu.org/docs/intro/install, and export TERRAFORM_BINARY_NAME=tofu"
tool aws '' "install the AWS CLI: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"
for tool in node npm aws; do
  command -v $tool >/dev/null || finish "the rest was left out, since it needs $tool"
done
load_environment

if ! account; then
  fail "no AWS credentials that work: $answer" "aws sso login, or aws configure, or export AWS_PROFILE=NAME; then aws sts get-caller-identity"
  finish "the checks of AWS were left out"
fi
if ! allowed_account "$answer"; then
  fail "the credentials are of account $answer, but $file allows $accountIds" "export AWS_PROFILE=NAME for one of them, or add \"$answer\" to accountIds in $file"
  finish "the checks of AWS were left out, since that is not the account to look into"
fi
ok "account $answer"
[ "$stateBackend" = local ] || check_state
may_take_role "$dnsAssumeRole" && check_hosted_zone
if may_take_role "$assumeRole"; then
  check_certificate
  for name in oauth2-client-id oauth2-client-secret oauth2-cookie-secret store-db-password; do
    check_secret "$name"
  done
fi
finish
