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
  canned "sts get-caller-identity" 123456789012
  cd "$BATS_TEST_TMPDIR" || exit
  export PROCESSES=$BATS_TEST_TMPDIR/processes
}

generated_ones_exist() {
  canned "secretsmanager describe-secret --secret-id mlflow/oauth2-cookie-secret" present
  canned "secretsmanager describe-secret --secret-id mlflow/store-db-password" present
}

# One line each: name, value, version.
secrets() {
  in_aws '
secrets = client("secretsmanager")
for secret in secrets.list_secrets()["SecretList"]:
    current = secrets.get_secret_value(SecretId=secret["Name"])
    print(secret["Name"], repr(current["SecretString"]), current["VersionId"])'
}

value() { # value <name>: from the file "before"
  sed -n "s|^mlflow/$1 '\(.*\)' .*|\1|p" before
}

@test "creates the four secrets, shows none, and changes nothing the second time" {
  printf 'the-id\r\n' >id
  printf 'the-secret\n' >secret
  script create-secrets dev --client-id-file id --client-secret-file secret
  exits 0
  [ "$output" = "created   mlflow/oauth2-client-id
created   mlflow/oauth2-client-secret
created   mlflow/oauth2-cookie-secret
created   mlflow/store-db-password" ]
  secrets >before
  [ "$(value oauth2-client-id)" = the-id ]
  [ "$(value oauth2-client-secret)" = the-secret ]
  [[ "$(value oauth2-cookie-secret)" =~ ^[A-Za-z0-9_-]{43}=$ ]]
  [[ "$(value store-db-password)" =~ ^[A-Za-z0-9_-]{32}$ ]]
  hides the-secret
  hides "$(value oauth2-cookie-secret)"
  hides "$(value store-db-password)"

  script create-secrets dev </dev/null
  exits 0
  [ "$output" = "exists    mlflow/oauth2-client-id
exists    mlflow/oauth2-client-secret
exists    mlflow/oauth2-cookie-secret
exists    mlflow/store-db-password" ]
  diff before <(secrets)
}

@test "replaces those that it is told to, and says what is left to do" {
  in_aws '
for name in "oauth2-client-id", "oauth2-client-secret", "oauth2-cookie-secret", "store-db-password":
    client("secretsmanager").create_secret(Name=f"mlflow/{name}", SecretString="old")'
  # Bytes that show which of the two base64 alphabets it is.
  stand_in head 'printf "\377%.0s" $(seq "$2")'
  script create-secrets dev --client-secret-file - --replace oauth2-client-secret \
    --replace oauth2-cookie-secret --replace store-db-password <<<the-new-secret
  exits 0
  says "exists    mlflow/oauth2-client-id"
  says "replaced  mlflow/oauth2-client-secret"
  says "replaced  mlflow/oauth2-cookie-secret"
  says "replaced  mlflow/store-db-password"
  says "Running tasks have the old values until new ones are started"
  mentions "see scripts/rotate-database-password.sh"
  secrets >before
  [ "$(value oauth2-client-id)" = old ]
  [ "$(value oauth2-client-secret)" = the-new-secret ]
  [ "$(value oauth2-cookie-secret)" = "$(printf '_%.0s' {1..42})8=" ]
  [ "$(value store-db-password)" = "$(printf '_%.0s' {1..32})" ]
}

@test "reads id and secret from standard input, also for a secret without a value" {
  in_aws 'client("secretsmanager").create_secret(Name="mlflow/oauth2-client-id")'
  generated_ones_exist
  script create-secrets dev --client-secret-file - --client-id-file - < <(printf 'the-id\nthe-secret')
  exits 0
  secrets >before
  [ "$(value oauth2-client-id)" = the-id ]
  [ "$(value oauth2-client-secret)" = the-secret ]
}

@test "asks on a terminal, without showing the secret" {
  generated_ones_exist
  cat >terminal.py <<'END'
import os, pty, sys, time
answers = {b"client's id: ": b"the-id\n", b"client's secret: ": b"the-secret\n"}
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
shown = b""
while True:
    try:
        shown += os.read(terminal, 1024)
    except OSError:
        break
    for question in [question for question in answers if question in shown]:
        time.sleep(0.2)  # the echo goes off after the question
        os.write(terminal, answers.pop(question))
print(shown.decode())
END
  run "$PYTHON" terminal.py "$project/scripts/create-secrets.sh" dev
  mentions "created   mlflow/oauth2-client-secret"
  mentions the-id
  hides the-secret
  secrets >before
  [ "$(value oauth2-client-id)" = the-id ]
  [ "$(value oauth2-client-secret)" = the-secret ]
}

@test "names the flags when there is no terminal to ask on" {
  canned "secretsmanager describe-secret" "An error occurred (ResourceNotFoundException)"
  script create-secrets dev </dev/null
  exits 1
  says "there is no terminal to ask for the OAuth 2.0 client's id: give --client-id-file and --client-secret-file"
}

@test "changes nothing in a dry run" {
  canned "secretsmanager describe-secret" "An error occurred (ResourceNotFoundException)"
  canned "secretsmanager describe-secret --secret-id mlflow/store-db-password" present
  script create-secrets dev --dry-run --replace store-db-password </dev/null
  exits 0
  says "would be created  mlflow/oauth2-client-secret"
  says "would be replaced  mlflow/store-db-password"
  run ! called "secretsmanager create"
  run ! called "secretsmanager put"
}

@test "says how to take back a secret that is scheduled for deletion" {
  in_aws '
client("secretsmanager").create_secret(Name="mlflow/oauth2-client-id", SecretString="old")
client("secretsmanager").delete_secret(SecretId="mlflow/oauth2-client-id")'
  script create-secrets dev </dev/null
  exits 1
  says "mlflow/oauth2-client-id is scheduled for deletion. Take it back first:"
  says "  aws secretsmanager restore-secret --region eu-west-1 --secret-id mlflow/oauth2-client-id"
}

@test "refuses a value that is empty, more than a word, or not there" {
  echo >empty
  script create-secrets dev --client-id-file empty
  exits 1
  says "--client-id-file empty is empty"
  echo "secret: abc" >words
  script create-secrets dev --client-secret-file words
  exits 1
  says "--client-secret-file words holds more than one word: it must be the value alone"
  hides abc
  script create-secrets dev --client-secret-file nowhere
  exits 1
  says "--client-secret-file: there is no file nowhere, or it cannot be read"
  run ! called ""
}

@test "creates them as the role that Terraform takes" {
  environment dev '{backend: local}' 'accountIds: ["111122223333"]
assumeRole: "arn:aws:iam::111122223333:role/deploy"'
  generated_ones_exist
  canned "secretsmanager describe-secret --secret-id mlflow/oauth2-client-id" present
  script create-secrets dev --client-secret-file - <<<the-secret
  exits 0
  run in_aws '
role = client("sts").assume_role(RoleArn="arn:aws:iam::111122223333:role/check", RoleSessionName="test")["Credentials"]
secrets = client("secretsmanager", aws_access_key_id=role["AccessKeyId"], aws_secret_access_key=role["SecretAccessKey"], aws_session_token=role["SessionToken"])
print(secrets.get_secret_value(SecretId="mlflow/oauth2-client-secret")["SecretString"])'
  says the-secret
}

@test "refuses an account that the environment does not allow" {
  environment dev '{backend: local}' 'accountIds: ["111122223333"]'
  script create-secrets dev </dev/null
  exits 1
  says "the credentials are of account 123456789012, but $ENVIRONMENTS/dev.yaml allows 111122223333"
  run ! called secretsmanager
}

@test "shows why AWS refuses" {
  canned "secretsmanager describe-secret" "An error occurred (AccessDeniedException): not authorized"
  script create-secrets dev </dev/null
  exits 1
  says "mlflow/oauth2-client-id: An error occurred (AccessDeniedException): not authorized"
}

@test "refuses to replace what it does not know, and options without their value" {
  script create-secrets dev --replace password
  exits 2
  says "--replace password: oauth2-client-id, oauth2-client-secret, oauth2-cookie-secret or store-db-password"
  script create-secrets dev --replace
  exits 2
  says "--replace needs a value"
}
