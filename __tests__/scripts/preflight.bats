#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154

load helper

setup_file() {
  start_aws
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=example.com \
    -addext "subjectAltName=DNS:example.com,DNS:*.example.com" \
    -keyout "$BATS_FILE_TMPDIR/key.pem" -out "$BATS_FILE_TMPDIR/certificate.pem" 2>/dev/null
}

teardown_file() {
  stop_aws
}

setup() {
  start_test
  stand_in terraform 'echo "Terraform v1.11.4"'
}

all_is_well() {
  canned "sts get-caller-identity" 123456789012
  canned "s3api head-bucket" ""
  canned "dynamodb describe-table" ACTIVE
  canned "route53 list-hosted-zones-by-name" 1
  certificate mlflow.example.com
  canned "secretsmanager describe-secret" present
}

certificate() { # certificate <names> [<status>]
  canned "acm list-certificates" "${2:-ISSUED}\tarn:certificate"
  canned "acm describe-certificate" "${2:-ISSUED}\t${1// /\\t}"
}

fixed_by() { # fixed_by <what fails> <fix>
  grep -xF -A1 "FAIL  $1" <<<"$output" | grep -qxF "      fix: $2" || { echo "no '$1' with '$2' in: $output" && false; }
}

@test "finds everything there, and only looks" {
  in_aws "
client('s3').create_bucket(Bucket='acme-terraform-state', CreateBucketConfiguration={'LocationConstraint': 'eu-west-1'})
client('dynamodb').create_table(TableName='terraform-locks', BillingMode='PAY_PER_REQUEST', AttributeDefinitions=[{'AttributeName': 'LockID', 'AttributeType': 'S'}], KeySchema=[{'AttributeName': 'LockID', 'KeyType': 'HASH'}])
client('route53').create_hosted_zone(Name='example.com', CallerReference='test')
client('route53').create_hosted_zone(Name='www.example.com', CallerReference='other')
client('route53').create_hosted_zone(Name='example.com', CallerReference='private', HostedZoneConfig={'PrivateZone': True}, VPC={'VPCRegion': 'eu-west-1', 'VPCId': 'vpc-1'})
client('acm').import_certificate(Certificate=open('$BATS_FILE_TMPDIR/certificate.pem').read(), PrivateKey=open('$BATS_FILE_TMPDIR/key.pem').read())
for name in 'oauth2-client-id', 'oauth2-client-secret', 'oauth2-cookie-secret', 'store-db-password':
    client('secretsmanager').create_secret(Name=f'mlflow/{name}', SecretString='old')"
  script preflight dev
  exits 0
  says "ok    terraform 1.11.4"
  says "ok    account 123456789012"
  says "ok    state bucket acme-terraform-state"
  says "ok    lock table terraform-locks"
  says "ok    hosted zone example.com"
  mentions "ok    certificate arn:aws:acm:eu-west-1:123456789012:certificate/"
  says "ok    secret mlflow/store-db-password"
  says "Ready to deploy dev"
  run ! grep -E '^aws [a-z0-9]+ (put|create|update|get-secret)' "$CALLS"
}

@test "reports everything that is missing, each with its fix" {
  in_aws '
secrets = client("secretsmanager")
secrets.create_secret(Name="mlflow/oauth2-client-secret")
secrets.create_secret(Name="mlflow/oauth2-cookie-secret", SecretString="old")
secrets.delete_secret(SecretId="mlflow/oauth2-cookie-secret")'
  script preflight dev
  exits 1
  fixed_by "state bucket acme-terraform-state is absent" "scripts/bootstrap-state.sh dev"
  fixed_by "lock table terraform-locks is absent" "scripts/bootstrap-state.sh dev"
  fixed_by "there is no public hosted zone example.com" "correct dns.hostedZone in $ENVIRONMENTS/dev.yaml, or: aws route53 create-hosted-zone --name example.com --caller-reference dev"
  fixed_by "there is no certificate for example.com in eu-west-1" "aws acm request-certificate --region eu-west-1 --validation-method DNS --domain-name 'example.com' --subject-alternative-names mlflow.example.com, or write yours into loadBalancer.certificateArn in $ENVIRONMENTS/dev.yaml"
  fixed_by "secret mlflow/oauth2-client-id is absent" "scripts/create-secrets.sh dev"
  fixed_by "secret mlflow/oauth2-client-secret is empty" "scripts/create-secrets.sh dev"
  fixed_by "secret mlflow/oauth2-cookie-secret is deleted" "aws secretsmanager restore-secret --region eu-west-1 --secret-id mlflow/oauth2-cookie-secret"
  says "Not ready: 8 to fix"
}

@test "takes a certificate for the exact name or for one label, and no other" {
  local names
  all_is_well
  environment dev '{backend: local}'
  for names in mlflow.example.com "*.example.com" "other.example.com mlflow.example.com"; do
    certificate "$names"
    script preflight dev
    says "ok    certificate arn:certificate"
  done
  for names in "example.com *.mlflow.example.com" "*.com *.other.example.com" "xmlflow.example.com mlflow.example.comx"; do
    certificate "$names"
    script preflight dev
    exits 1
    mentions "FAIL  certificate arn:certificate does not cover mlflow.example.com but $names"
  done
}

@test "prefers a certificate that is issued, and says what one waits for" {
  all_is_well
  canned "acm list-certificates" "EXPIRED\tarn:old\nISSUED\tarn:first\nISSUED\tarn:second\nPENDING_VALIDATION\tarn:next"
  script preflight dev
  exits 0
  says "ok    certificate arn:second"
  called "acm describe-certificate --certificate-arn arn:second"

  certificate mlflow.example.com PENDING_VALIDATION
  script preflight dev
  exits 1
  fixed_by "certificate arn:certificate is not validated" "create the records of: aws acm describe-certificate --region eu-west-1 --certificate-arn arn:certificate --query Certificate.DomainValidationOptions[].ResourceRecord"

  certificate mlflow.example.com EXPIRED
  script preflight dev
  exits 1
  fixed_by "certificate arn:certificate is EXPIRED" "aws acm request-certificate --region eu-west-1 --validation-method DNS --domain-name 'example.com' --subject-alternative-names mlflow.example.com, or write yours into loadBalancer.certificateArn in $ENVIRONMENTS/dev.yaml"
}

@test "looks at the certificate that the environment names" {
  all_is_well
  environment dev '{backend: local}' 'loadBalancer: {certificateArn: "arn:aws:acm:eu-west-1:123456789012:certificate/mine"}'
  canned "acm describe-certificate" "An error occurred (ResourceNotFoundException)"
  script preflight dev
  exits 1
  mentions "FAIL  there is no certificate arn:aws:acm:eu-west-1:123456789012:certificate/mine in eu-west-1"
  run ! called "acm list-certificates"

  environment dev '{backend: local}' 'loadBalancer: {certificateDomain: "*.example.com"}'
  canned "acm list-certificates" ""
  script preflight dev
  fixed_by "there is no certificate for *.example.com in eu-west-1" "aws acm request-certificate --region eu-west-1 --validation-method DNS --domain-name '*.example.com', or write yours into loadBalancer.certificateArn in $ENVIRONMENTS/dev.yaml"
}

@test "refuses a bucket, a table and zones that do not fit" {
  all_is_well
  canned "s3api head-bucket" "An error occurred (403)"
  canned "dynamodb describe-table" unfit
  canned "route53 list-hosted-zones-by-name" 2
  script preflight dev
  exits 1
  fixed_by "state bucket acme-terraform-state is forbidden" "choose another state.bucket in $ENVIRONMENTS/dev.yaml, or have its owner allow your credentials s3:ListBucket"
  fixed_by "lock table terraform-locks is unfit" "choose another state.lockTable in $ENVIRONMENTS/dev.yaml: its key must be LockID"
  fixed_by "there are 2 public hosted zones example.com" "delete those that the domain is not delegated to: aws route53 delete-hosted-zone --id ID"
}

@test "passes on AWS's message where it may not look" {
  local call denied="An error occurred (AccessDenied): not authorized"
  canned "sts get-caller-identity" 123456789012
  for call in "s3api head-bucket" "dynamodb describe-table" "route53 list-hosted-zones-by-name" "acm list-certificates" "secretsmanager describe-secret"; do
    canned "$call" "$denied"
  done
  script preflight dev
  exits 1
  [ "$(grep -c "^FAIL .*: $denied$" <<<"$output")" -eq 8 ]
  says "      fix: give your credentials the permission that this message names"
  says "Not ready: 8 to fix"
}

@test "looks behind the roles that Terraform takes" {
  all_is_well
  environment dev '{backend: s3, bucket: acme-terraform-state}' 'accountIds: ["111122223333"]
assumeRole: "arn:aws:iam::111122223333:role/deploy"
dnsAssumeRole: "arn:aws:iam::222222222222:role/dns"'
  canned "sts assume-role --role-arn arn:aws:iam::111122223333:role/deploy" "DEPLOY\tsecret\ttoken"
  canned "sts assume-role --role-arn arn:aws:iam::222222222222:role/dns" "DNS\tsecret\ttoken"
  script preflight dev
  exits 0
  says "ok    account 111122223333"
  called "s3api head-bucket .* as test"
  called "route53 list-hosted-zones-by-name .* as DNS"
  called "sts assume-role .*/deploy .* as test"
  called "acm describe-certificate .* as DEPLOY"
  called "secretsmanager describe-secret .* as DEPLOY"

  canned "sts assume-role --role-arn arn:aws:iam::222222222222:role/dns" "An error occurred (AccessDenied)"
  script preflight dev
  exits 1
  fixed_by "role arn:aws:iam::222222222222:role/dns: An error occurred (AccessDenied)" "let its trust policy name you, and allow your credentials sts:AssumeRole on it"
  says "ok    secret mlflow/store-db-password"
}

@test "leaves the lock table out where there is none" {
  all_is_well
  environment dev '{backend: s3, bucket: acme-terraform-state, lock: lockfile}'
  script preflight dev
  exits 0
  run ! called dynamodb
}

@test "leaves AWS out without credentials, and in an account that is not allowed" {
  canned "sts get-caller-identity" "An error occurred (ExpiredToken): expired"
  script preflight dev
  exits 1
  fixed_by "no AWS credentials that work: An error occurred (ExpiredToken): expired" "aws sso login, or aws configure, or export AWS_PROFILE=NAME; then aws sts get-caller-identity"
  says "--    the checks of AWS were left out"

  canned "sts get-caller-identity" 123456789012
  environment dev '{backend: local}' 'accountIds: ["111122223333"]'
  script preflight dev
  exits 1
  fixed_by "the credentials are of account 123456789012, but $ENVIRONMENTS/dev.yaml allows 111122223333" "export AWS_PROFILE=NAME for one of them, or add \"123456789012\" to accountIds in $ENVIRONMENTS/dev.yaml"
  [ "$(grep -c ^aws "$CALLS")" -eq 2 ]
}

@test "wants Terraform or OpenTofu 1.11, by whichever name" {
  all_is_well
  stand_in terraform 'echo "Terraform v1.9.8"'
  script preflight dev
  exits 1
  mentions "FAIL  terraform 1.9.8 is older than 1.11"
  mentions "fix: install Terraform 1.11 or later: https://developer.hashicorp.com/terraform/install"
  says "ok    hosted zone example.com"

  stand_in tofu 'echo "OpenTofu v1.11.0"'
  TERRAFORM_BINARY_NAME=tofu script preflight dev
  exits 0
  says "ok    tofu 1.11.0"

  TERRAFORM_BINARY_NAME=not-there script preflight dev
  exits 1
  mentions "FAIL  not-there is not installed"
}

@test "wants Node.js 20.9" {
  all_is_well
  stand_in node '[ "$1" != --version ] && exec "$REAL_NODE" "$@"; echo v18.20.4'
  script preflight dev
  exits 1
  fixed_by "node 18.20.4 is older than 20.9" "install Node.js 20.9 or later: https://nodejs.org/en/download"
  says "Not ready: 1 to fix"
}

@test "reports all tools that are missing, and stops there" {
  local tool
  for tool in bash dirname sed sort head; do
    ln -s "$(command -v $tool)" "$BATS_TEST_TMPDIR/bin/"
  done
  rm "$BATS_TEST_TMPDIR/bin/"{node,npm,aws}
  PATH=$BATS_TEST_TMPDIR/bin run "$project/scripts/preflight.sh" dev
  exits 1
  says "FAIL  node is not installed"
  says "FAIL  npm is not installed"
  says "ok    terraform 1.11.4"
  says "FAIL  aws is not installed"
  says "--    the rest was left out, since it needs node"
}
