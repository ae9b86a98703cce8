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
  run ! grep CLIENT_ID <<<"$output"
}

login() { # login <login> [<programs>]: the environment's
  sed -i.old -e "s|^login: .*|login: $1|" -e "s|^programs: .*|programs: ${2:-[]}|" "$ENVIRONMENTS/dev.yaml"
}

# Runs what was printed, with stand-ins for what would ask the issuer.
gets_token() {
  local tool
  for tool in gcloud curl; do
    stand_in "$tool" 'printf "%s\n" "$@" >>"$CALLS"; echo "{\"access_token\": \"a-token\"}"'
  done
  stand_in jq '[ "$1" != -n ] || { printf "{\"PASSWORD\": \"%s\"}\n" "$4" && exit; }; sed -n "s/.*token\": \"\(.*\)\".*/\1/p"'
  canned "cognito-idp initiate-auth" a-token
  APP_ID=app APP_SECRET='a secret' SECRET=s PASSWORD='p w' bash -euc "$output"$'\ncase $MLFLOW_TRACKING_TOKEN in *a-token*) ;; *) exit 1 ;; esac'
}

@test "says how to get a token of the login's own issuer, with Entra ID, Cognito, Keycloak and any other" {
  login '{provider: entra-id, tenantId: 7f9c24e8-3b12-4fef-91e0-5b7a4ef1c0de, groups: [ml user, ops], groupsClaim: roles}'
  script token dev
  exits 0
  says 'export MLFLOW_TRACKING_TOKEN=$(curl -fsS https://login.microsoftonline.com/7f9c24e8-3b12-4fef-91e0-5b7a4ef1c0de/oauth2/v2.0/token \'
  says '  --data-urlencode "scope=api://CLIENT_ID/.default" | jq -r .access_token)'
  says "# CLIENT_ID is the login's: the secret mlflow/oauth2-client-id."
  says '# It must name one of these groups: ml user, ops. In "roles" if CLIENT_ID is its audience, else in "groups".'
  run ! grep e-mail <<<"$output"
  script token dev
  gets_token
  grep -qx 'scope=api://CLIENT_ID/.default' "$CALLS"
  grep -qx 'client_secret=a secret' "$CALLS"
  login '{provider: cognito, userPoolId: eu-west-1_AbCdEf123, emailDomains: [example.com]}' \
    '[{issuer: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123", audience: 4kq0}]'
  script token dev
  says 'export MLFLOW_TRACKING_TOKEN=$(aws cognito-idp initiate-auth --no-sign-request --region eu-west-1 \'
  says '  --auth-flow USER_PASSWORD_AUTH --client-id CLIENT_ID \'
  says '  --auth-flow USER_PASSWORD_AUTH --client-id 4kq0 \'
  gets_token
  called 'cognito-idp initiate-auth --no-sign-request --region eu-west-1 .* --client-id 4kq0 --auth-parameters {"PASSWORD": "p w"} '
  login '{provider: keycloak, issuer: "https://login.example.com/realms/acme", groups: ["role:ml"]}'
  script token dev
  says 'export MLFLOW_TRACKING_TOKEN=$(curl -fsS https://login.example.com/realms/acme/protocol/openid-connect/token \'
  gets_token
  grep -qx client_secret=s "$CALLS"
  login '{provider: oidc, issuer: "https://login.example.com", groups: [ml]}'
  script token dev
  says '#   "aud" is "CLIENT_ID"'
}

@test "says that jobs on GitHub and GitLab do not get in by their own tokens" {
  sed -i.old 's/^acknowledgedRisks: .*/acknowledgedRisks: [shared-issuer]/' "$ENVIRONMENTS/dev.yaml"
  login '{provider: google, emailDomains: [example.com]}' \
    '[{issuer: "https://token.actions.githubusercontent.com", audience: mlflow}, {issuer: "https://gitlab.com", audience: mlflow}]'
  script token dev
  exits 0
  says '# https://token.actions.githubusercontent.com: tokens of its jobs have neither an e-mail nor groups, so they do not get in. Let the job'
  says '# https://gitlab.com: tokens of its jobs have neither an e-mail nor groups, so they do not get in. Let the job'
  run ! grep MLFLOW_TRACKING_TOKEN= <<<"$output"
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
  says "      fix: take a token with a verified e-mail of: example.com example.org"
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

@test "takes the login's own issuer, with its groups where the login has them" {
  login '{provider: cognito, userPoolId: eu-west-1_AbCdEf123, groups: [ml user, ops]}'
  own='iss: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123", aud: "web"'
  check "{ $own, email: undefined, sub: 'machine', 'cognito:groups': ['other', 'ml user'] }"
  exits 0
  says "ok    audience web, if it is the login's client id (the secret mlflow/oauth2-client-id)"
  says "ok    e-mail machine"
  says "ok    groups other, ml user"
  check "{ $own, groups: ['ml user'] }"
  exits 1
  says "FAIL  groups none"
  says "      fix: take a token with one of: ml user, ops"
  check "{ $own, email_verified: false, 'cognito:groups': 'ops' }"
  exits 1
  says "FAIL  e-mail robot@example.com is not verified"
}

@test "takes Keycloak's roles for groups, in tokens for the login's own client only" {
  local realm='https://login.example.com/realms/acme'
  login "{provider: keycloak, issuer: '$realm', groups: ['role:ml', 'role:web:ops']}" "[{issuer: '$realm', audience: extra}]"
  check "{ iss: '$realm', aud: 'web', realm_access: { roles: ['ml'] } }"
  exits 0
  check "{ iss: '$realm', aud: ['account', 'web'], resource_access: { web: { roles: ['ops'] } } }"
  exits 0
  check "{ iss: '$realm', aud: 'extra', realm_access: { roles: ['ml'] } }"
  exits 1
  says "ok    audience extra"
  says "FAIL  groups none"
  check "{ iss: '$realm', aud: 'extra', groups: ['role:ml'] }"
  exits 0
}

@test "wants the organization of GitHub's logins where no e-mail domain decides" {
  login '{provider: github, organization: acme, teams: [ml]}' '[{issuer: "https://idp.example.com", audience: trainer, mayNamePeople: true}]'
  check '{}'
  exits 1
  says "      fix: take a token with one of: acme:ml"
  check '{ groups: ["acme:ml"] }'
  exits 0
}
