#!/usr/bin/env bash
# Gives the database of an environment a new password. Raises backendStore.passwordVersion in the environment's file,
# puts a new value into the secret, deploys, and waits until new tasks have replaced the old ones. From the change of the
# password until then MLflow answers 503, which its clients wait out. Interrupted, it can run again.
#
# Usage: scripts/rotate-database-password.sh [ENVIRONMENT] [options] [-- ARGUMENT...]
#
#   ENVIRONMENT  reads environments/ENVIRONMENT.yaml; not needed where there is only one
#   --dry-run    looks, and says what would be done
#   ARGUMENT...  for cdktf deploy, such as --auto-approve where nobody can be asked

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

# The state of the service and its task definition, as "<state> <ARN>"; only the newest deployment counts.
rollout() {
  ask ecs describe-services --cluster "$deploymentName" --services "$deploymentName" \
    --query "services[0].deployments[?status=='PRIMARY'] | [0].[rolloutState, taskDefinition]" || no_cluster
  case $answer in
    '' | None) die "$environment is not deployed, there is no service $deploymentName: npx cdktf deploy $environment" ;;
  esac
  read -r state task <<<"$answer"
}

# The file may lack what somebody else has deployed.
deployed_version() {
  ask ecs describe-task-definition --task-definition "$task" --query \
    "taskDefinition.containerDefinitions[].environment[] | [?name=='DB_PASSWORD_VERSION'].value | [0]" || die "$answer"
  case $answer in *[!0-9]* | '') answer=0 ;; esac
}

while [ $# -gt 0 ]; do
  case $1 in
    --dry-run) dry_run=--dry-run ;;
    --) shift && break ;;
    *) common_argument "$1" ;;
  esac
  shift
done

load_environment
account || die "$answer"
allowed_account "$answer" || die "the credentials are of account $answer, but $file allows $accountIds"
take_role "$assumeRole" || die "$answer"
rollout
[ "$state" != IN_PROGRESS ] || die "the service $deploymentName is being deployed: try again when that is over"
before=$task
deployed_version
version=$(((answer > passwordVersion ? answer : passwordVersion) + 1))
cd "$project"

if [ -n "$dry_run" ]; then
  scripts/create-secrets.sh "$environment" --replace store-db-password --dry-run </dev/null
  echo "would be written   backendStore.passwordVersion: $version, in $file"
  echo "would be run       npx cdktf deploy $environment $*"
  exit
fi
node scripts/write-password-version.mjs "$file" "$version"
load_environment
[ "$passwordVersion" = "$version" ] || die "write passwordVersion: $version below backendStore in $file, and run this again"
echo "written   backendStore.passwordVersion: $version, in $file"
output=$(scripts/create-secrets.sh "$environment" --replace store-db-password </dev/null 2>&1) || die "$output"
echo "replaced  $secretsPrefix/store-db-password"
npx cdktf deploy "$environment" "$@" || die \
  "The secret has its new value, the database perhaps not yet. To finish: npx cdktf deploy $environment"
while rollout && [ "$state" = IN_PROGRESS ]; do
  sleep 5
done
case $state,$task in
  COMPLETED,"$before" | FAILED,*) die "new tasks do not start: their logs are in /aws/ecs/mlflow/$deploymentName" ;;
esac
echo "rotated   $secretsPrefix/store-db-password. Keep the change of $file"
