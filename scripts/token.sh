#!/usr/bin/env bash
# Says how a program gets a token that an environment accepts, and what to set for MLflow's client.
#
# Usage: scripts/token.sh [ENVIRONMENT]
#        ... | scripts/token.sh [ENVIRONMENT] --check
#
#   ENVIRONMENT  reads environments/ENVIRONMENT.yaml; not needed where there is only one
#   --check      reads a token from standard input and says whether the environment accepts what it claims; does
#                not check its signature, does not show the token

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

check=''

explain() {
  local program
  [ -n "$programs$ownIssuer" ] || die "$environment accepts no tokens of programs yet: add an issuer and its audience to programs in $file"
  echo "export MLFLOW_TRACKING_URI=$uri"
  [ -z "$ownIssuer" ] || lines "$ownIssuer" CLIENT_ID
  for program in $programs; do
    lines "${program%=*}" "${program##*=}"
  done
  echo
  [ -z "$ownIssuer" ] || echo "# CLIENT_ID is the login's: the secret $secretsPrefix/oauth2-client-id."
  case " $emailDomains " in
    *' * '*) ;;
    *) echo "# The token's e-mail (or its subject, if it has no e-mail) must be of: $emailDomains" ;;
  esac
  [ -z "$groups" ] || echo "# It must name one of these groups: ${groups//,/, }. In \"$groupsClaim\" if CLIENT_ID is its audience, else in \"groups\"."
  cat <<END
# To see whether a token will do: scripts/token.sh $environment --check <<<"\$MLFLOW_TRACKING_TOKEN"
# For notebooks, CI jobs and services: docs/programs.md
END
}

lines() { # lines <issuer> <audience>: what gets a token
  local issuer=$1 audience=$2 tenant pool
  case $issuer in
    https://accounts.google.com)
      cat <<END

# Google: gcloud sets an audience for service accounts only; you need roles/iam.serviceAccountTokenCreator on NAME.
export MLFLOW_TRACKING_TOKEN=\$(gcloud auth print-identity-token --audiences=$audience \\
  --impersonate-service-account=NAME@PROJECT.iam.gserviceaccount.com --include-email)
END
      ;;
    https://token.actions.githubusercontent.com* | https://gitlab.com)
      cat <<END

# $issuer: tokens of its jobs have neither an e-mail nor groups, so they do not get in. Let the job
# get a token of Google, Entra ID or Keycloak with them (docs/programs.md).
END
      ;;
    https://login.microsoftonline.com/*)
      tenant=$(cut -d / -f 4 <<<"$issuer")
      cat <<END

# Entra ID: an application with credentials of its own, \$APP_ID and \$APP_SECRET.
export MLFLOW_TRACKING_TOKEN=\$(curl -fsS https://login.microsoftonline.com/$tenant/oauth2/v2.0/token \\
  -d grant_type=client_credentials -d "client_id=\$APP_ID" --data-urlencode "client_secret=\$APP_SECRET" \\
  --data-urlencode "scope=api://$audience/.default" | jq -r .access_token)
END
      ;;
    https://cognito-idp.*)
      pool=${issuer##*/}
      cat <<END

# Cognito: a user for the machine, $audience being an app client without a secret.
export MLFLOW_TRACKING_TOKEN=\$(aws cognito-idp initiate-auth --no-sign-request --region ${pool%_*} \\
  --auth-flow USER_PASSWORD_AUTH --client-id $audience \\
  --auth-parameters "\$(jq -n --arg password "\$PASSWORD" '{USERNAME: "NAME", PASSWORD: \$password}')" \\
  --query AuthenticationResult.IdToken --output text)
END
      ;;
    */realms/*)
      cat <<END

# Keycloak: a client with a service account, and a mapper that puts $audience into "aud".
export MLFLOW_TRACKING_TOKEN=\$(curl -fsS $issuer/protocol/openid-connect/token \\
  -d grant_type=client_credentials -d client_id=NAME --data-urlencode "client_secret=\$SECRET" | jq -r .access_token)
END
      ;;
    *)
      cat <<END

# $issuer must issue the program a JWT in which
#   "iss" is "$issuer"
#   "aud" is "$audience"
export MLFLOW_TRACKING_TOKEN=...
END
      ;;
  esac
}

# As oauth2-proxy reads a token: without an e-mail its subject counts, and only tokens for the login's own client have
# their groups in the claim that the login has them in, or, at Keycloak, among the roles too.
# shellcheck disable=SC2016
decode='
const [programs, own, provider, allowed, groupsClaim] = process.argv.slice(1);
const [, payload] = require("fs").readFileSync(0, "utf8").trim().split(".");
const claims = JSON.parse(Buffer.from(payload, "base64url"));
const expiry = new Date(claims.exp * 1000);
const email = String(claims.email ?? claims.sub).toLowerCase();
const [, domain, ...more] = email.split("@");
const audiences = [claims.aud ?? "none"].flat();
const known = audiences.find((audience) => programs.split(" ").includes(`${claims.iss}=${audience}`));
const isOwn = known === undefined && claims.iss === own;
const roles = [
  ...(claims.realm_access?.roles ?? []).map((role) => `role:${role}`),
  ...Object.entries(claims.resource_access ?? {}).flatMap(([client, { roles }]) => roles.map((role) => `role:${client}:${role}`)),
];
const groups = [...[claims[isOwn ? groupsClaim : "groups"] ?? []].flat(), ...(isOwn && provider === "keycloak" ? roles : [])];
const issuers = [own, ...programs.split(" ").map((program) => program.slice(0, program.lastIndexOf("=")))];
console.log(issuers.includes(claims.iss) ? "known" : "unknown", claims.iss);
console.log(known ? "known" : isOwn ? "own" : "unknown", audiences.join(" "));
console.log(expiry > new Date() ? "expires" : "expired", expiry.toISOString());
console.log(claims.email_verified === false ? "unverified" : (more.length === 0 && domain) || "none", email);
console.log(allowed === "" || groups.some((group) => allowed.split(",").includes(group)) ? "in" : "out", groups.join(", ") || "none");
'

check_claims() {
  local decoded known issuer audience verdict state expiry domain email member has
  [ ! -t 0 ] || misuse "--check reads the token from standard input"
  decoded=$(node -e "$decode" -- "$programs" "$ownIssuer" "$loginProvider" "$groups" "$groupsClaim" 2>/dev/null) ||
    die "standard input holds no JWT: header.claims.signature, with an expiry"
  {
    read -r known issuer
    read -r verdict audience
    read -r state expiry
    read -r domain email
    read -r member has
  } <<<"$decoded"

  case $known in
    known) ok "issuer $issuer" ;;
    *) fail "issuer $issuer" "take a token of one of programs: $programs${ownIssuer:+, or of the login: $ownIssuer}" ;;
  esac
  case $verdict in
    known) ok "audience $audience" ;;
    own) ok "audience $audience, if it is the login's client id (the secret $secretsPrefix/oauth2-client-id)" ;;
    *) fail "audience $audience" "take a token for the audience of its issuer in programs: $programs" ;;
  esac
  case $state in
    expires) ok "expires $expiry" ;;
    *) fail "expired $expiry" "take a new token" ;;
  esac
  case "$domain $emailDomains " in
    unverified*) fail "e-mail $email is not verified" "take a token with a verified e-mail" ;;
    *" $domain "* | *' * '*) ok "e-mail $email" ;;
    *) fail "e-mail $email" "take a token with a verified e-mail of: $emailDomains" ;;
  esac
  case $groups,$member in
    ,*) ;;
    *,in) ok "groups $has" ;;
    *) fail "groups $has" "take a token with one of: ${groups//,/, }" ;;
  esac
  echo "The signature was not checked"
  [ "$failures" -eq 0 ]
}

while [ $# -gt 0 ]; do
  case $1 in
    --check) check=yes ;;
    *) common_argument "$1" ;;
  esac
  shift
done
load_environment
if [ -n "$check" ]; then
  check_claims
else
  explain
fi
