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
  local program issuer audience
  [ -n "$programs" ] || die "$environment accepts no tokens of programs yet: add an issuer and its audience to programs in $file"
  echo "export MLFLOW_TRACKING_URI=$uri"
  for program in $programs; do
    issuer=${program%=*} audience=${program##*=}
    case $issuer in
      https://accounts.google.com)
        cat <<END

# Google: gcloud sets an audience for service accounts only; you need roles/iam.serviceAccountTokenCreator on NAME.
export MLFLOW_TRACKING_TOKEN=\$(gcloud auth print-identity-token --audiences=$audience \\
  --impersonate-service-account=NAME@PROJECT.iam.gserviceaccount.com --include-email)
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
  done
  cat <<END

# The token's e-mail (or its subject, if it has no e-mail) must be of: $emailDomains
# To see whether a token will do: scripts/token.sh $environment --check <<<"\$MLFLOW_TRACKING_TOKEN"
END
}

# A token without an e-mail counts by its subject in oauth2-proxy.
decode='
const [, payload] = require("fs").readFileSync(0, "utf8").trim().split(".");
const claims = JSON.parse(Buffer.from(payload, "base64url"));
const expiry = new Date(claims.exp * 1000);
const email = String(claims.email ?? claims.sub).toLowerCase();
const [, domain, ...more] = email.split("@");
console.log(claims.iss);
console.log([claims.aud].flat().join(" "));
console.log(expiry > new Date() ? "expires" : "expired", expiry.toISOString());
console.log(claims.email_verified === false ? "unverified" : (more.length === 0 && domain) || "none", email);
'

check_claims() {
  local decoded issuer audiences audience state expiry domain email accepted=''
  [ ! -t 0 ] || misuse "--check reads the token from standard input"
  decoded=$(node -e "$decode" 2>/dev/null) || die "standard input holds no JWT: header.claims.signature, with an expiry"
  {
    read -r issuer
    read -r audiences
    read -r state expiry
    read -r domain email
  } <<<"$decoded"

  case " $programs" in
    *" $issuer="*) ok "issuer $issuer" ;;
    *) fail "issuer $issuer" "take a token of one of programs: $programs" ;;
  esac
  for audience in $audiences; do
    case " $programs " in *" $issuer=$audience "*) accepted=yes ;; esac
  done
  if [ -n "$accepted" ]; then
    ok "audience $audiences"
  else
    fail "audience $audiences" "take a token for the audience of its issuer in programs: $programs"
  fi
  case $state in
    expires) ok "expires $expiry" ;;
    *) fail "expired $expiry" "take a new token" ;;
  esac
  case " $emailDomains " in
    *" $domain "* | *' * '*) ok "e-mail $email" ;;
    *) fail "e-mail $email" "take a token with a verified e-mail of login.emailDomains: $emailDomains" ;;
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
