#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154

load helper

setup() {
  start_test
}

token() { # token <claims as JavaScript>
  "$REAL_NODE" -e '
const claims = { iss: "https://idp.example.com", aud: "trainer", email: "robot@example.com", exp: Date.now() / 1000 + 600, ...eval(`(${process.argv[1]})`) };
const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
console.log([encode({ alg: "none" }), encode(claims), "c2lnbmF0dXJl"].join("."));
' "$1"
}

check() { # check <claims>
  token "$1" >"$BATS_TEST_TMPDIR/token"
  script token dev --check <"$BATS_TEST_TMPDIR/token"
}

@test "says how to get a token of each issuer" {
  script token dev
  exits 0
  says "export MLFLOW_TRACKING_URI=https://mlflow.example.com"
  says "export MLFLOW_TRACKING_TOKEN=\$(gcloud auth print-identity-token --audiences=https://mlflow.example.com \\"
  says "  --impersonate-service-account=NAME@PROJECT.iam.gserviceaccount.com --include-email)"
  says "# https://idp.example.com must issue the program a JWT in which"
  says '#   "aud" is "trainer"'
  mentions "example.com example.org"
}

@test "says where issuers go when there is none" {
  sed -i.old '/^programs/d' "$ENVIRONMENTS/dev.yaml"
  script token dev
  exits 1
  says "dev accepts no tokens of programs yet: add an issuer and its audience to programs in $ENVIRONMENTS/dev.yaml"
}

@test "accepts a token with the right claims, and does not show it" {
  check '{ aud: ["other", "trainer"] }'
  exits 0
  says "ok    issuer https://idp.example.com"
  says "ok    audience other trainer"
  mentions "ok    expires 20"
  says "ok    e-mail robot@example.com"
  says "The signature was not checked"
  run ! grep -F "$(cut -d . -f 2 "$BATS_TEST_TMPDIR/token")" <<<"$output"
}

@test "refuses another issuer, domain and time, all at once" {
  check '{ iss: "https://idp.example", email: "robot@sub.example.com", exp: 1 }'
  exits 1
  says "FAIL  issuer https://idp.example"
  says "      fix: take a token of one of programs: https://accounts.google.com=https://mlflow.example.com https://idp.example.com=trainer"
  says "FAIL  audience trainer"
  says "FAIL  expired 1970-01-01T00:00:01.000Z"
  says "FAIL  e-mail robot@sub.example.com"
  says "      fix: take a token with a verified e-mail of login.emailDomains: example.com example.org"
}

@test "refuses the audience of another issuer" {
  check '{ aud: "https://mlflow.example.com" }'
  exits 1
  says "ok    issuer https://idp.example.com"
  says "FAIL  audience https://mlflow.example.com"
}

@test "takes the subject for an e-mail when there is none, and no unverified one" {
  local claims
  check '{ email: undefined, sub: "Robot@Example.org", email_verified: true }'
  exits 0
  says "ok    e-mail robot@example.org"
  for claims in '{ email: undefined, sub: "robot" }' '{ email_verified: false }' '{ email: "a@example.com@example.net" }'; do
    check "$claims"
    exits 1
    mentions "FAIL  e-mail "
  done
}

@test "refuses what is no token, without showing it" {
  script token dev --check <<<"no-token"
  exits 1
  says "standard input holds no JWT: header.claims.signature, with an expiry"
}
