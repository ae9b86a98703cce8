#!/usr/bin/env bash
# Puts the database of an environment back to what it was at a time of the last 14 days, or in a snapshot. MLflow is
# stopped meanwhile, for as long as AWS needs. The database as it is now is kept under another name. Interrupted, it goes
# on where it was when it is run again.
#
# Usage: scripts/restore-database.sh [ENVIRONMENT] --time UTC | --snapshot NAME [--dry-run]
#
#   ENVIRONMENT      reads environments/ENVIRONMENT.yaml; not needed where there is only one
#   --time UTC       such as 2026-01-31T09:30:00Z; AWS keeps everything up to about five minutes ago
#   --snapshot NAME  a snapshot of the cluster
#   --dry-run        looks, and says what would be done

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

time='' snapshot='' poll=10

# The state of a cluster or an instance as $answer, "absent" for one that is not there.
state() { # state cluster|instance <identifier>
  local plural=DBClusters status=Status
  [ "$1" = cluster ] || { plural=DBInstances && status=DBInstanceStatus; }
  ask rds "describe-db-$1s" "--db-$1-identifier" "$2" --query "${plural}[0].$status" && return
  case $answer in
    *NotFound*) answer=absent ;;
    *) die "$answer" ;;
  esac
}

wait_for() { # wait_for cluster|instance <identifier>
  while state "$1" "$2" && [ "$answer" != available ]; do
    sleep "$poll"
  done
}

change() { # change <what it does> <AWS CLI's arguments>...
  echo "$1"
  ask "${@:2}" || die "$answer"
}

# Which of the two databases is there, and whether an earlier run was interrupted, decides on what is left to do.
look() {
  state cluster "$kept" && was_kept=$answer
  state cluster "$cluster" && now=$answer
  ask ecs describe-services --cluster "$cluster" --services "$cluster" --query 'services[0].desiredCount' || no_cluster
  case $was_kept,$now,$answer in
    absent,absent,* | *,None) die "$environment is not deployed: npx cdktf deploy $environment" ;;
    absent,*,*) source=$cluster ;;
    *,0) source=$kept ;;
    *) die "$kept is still there from an earlier time. When nobody needs it any more:" \
      "  aws rds delete-db-instance --region $region --db-instance-identifier $kept-1" \
      "  aws rds modify-db-cluster --region $region --db-cluster-identifier $kept --no-deletion-protection" \
      "  aws rds delete-db-cluster --region $region --db-cluster-identifier $kept --skip-final-snapshot" ;;
  esac
}

# A mistake is found before anything is stopped.
check_origin() {
  if [ -n "$snapshot" ]; then
    ask rds describe-db-cluster-snapshots --db-cluster-snapshot-identifier "$snapshot" \
      --query 'DBClusterSnapshots[0].Status' || die "$answer"
    [ "$answer" = available ] || die "the snapshot $snapshot is not available, it is $answer"
  else
    ask rds describe-db-clusters --db-cluster-identifier "$source" \
      --query 'DBClusters[0].[EarliestRestorableTime, LatestRestorableTime]' || die "$answer"
    local earliest latest
    read -r earliest latest <<<"$answer"
    [[ ! $time < ${earliest:0:19} && ! $time > ${latest:0:19}Z ]] ||
      die "--time $time: $source can be restored to times from ${earliest:0:19}Z to ${latest:0:19}Z"
  fi
}

stop_tasks() {
  change "stops     the tasks of $cluster" ecs update-service --cluster "$cluster" --service "$cluster" --desired-count 0
  while ask ecs list-tasks --cluster "$cluster" --service-name "$cluster" --query 'length(taskArns)' || die "$answer"; do
    [ "$answer" != 0 ] || break
    sleep "$poll"
  done
}

keep() {
  state instance "$cluster-1"
  if [ "$answer" != absent ]; then
    change "keeps     $cluster-1 as $kept-1" rds modify-db-instance --db-instance-identifier "$cluster-1" \
      --new-db-instance-identifier "$kept-1" --apply-immediately
  fi
  wait_for instance "$kept-1"
  change "keeps     $cluster as $kept" rds modify-db-cluster --db-cluster-identifier "$cluster" \
    --new-db-cluster-identifier "$kept" --apply-immediately
  wait_for cluster "$kept"
}

restore() {
  local network parameters engine version scaling groups origin
  ask rds describe-db-clusters --db-cluster-identifier "$kept" --query "DBClusters[0].[DBSubnetGroup,
    DBClusterParameterGroup, Engine, EngineVersion, ServerlessV2ScalingConfiguration.MinCapacity,
    ServerlessV2ScalingConfiguration.MaxCapacity, ServerlessV2ScalingConfiguration.SecondsUntilAutoPause,
    join(' ', VpcSecurityGroups[].VpcSecurityGroupId)]" || die "$answer"
  local least most pause
  read -r network parameters engine version least most pause groups <<<"$answer"
  scaling=MinCapacity=$least,MaxCapacity=$most
  [ "$pause" = None ] || scaling=$scaling,SecondsUntilAutoPause=$pause
  if [ -n "$snapshot" ]; then
    origin=(restore-db-cluster-from-snapshot --snapshot-identifier "$snapshot" --engine "$engine" --engine-version "$version")
  else
    origin=(restore-db-cluster-to-point-in-time --source-db-cluster-identifier "$kept" --restore-to-time "$time")
  fi
  # shellcheck disable=SC2086
  change "restores  $cluster from ${snapshot:-$time}" rds "${origin[@]}" --db-cluster-identifier "$cluster" \
    --db-subnet-group-name "$network" --db-cluster-parameter-group-name "$parameters" \
    --vpc-security-group-ids $groups --serverless-v2-scaling-configuration "$scaling" --deletion-protection
}

# It may have been another one at that time.
set_password() {
  ask secretsmanager get-secret-value --secret-id "$secretsPrefix/store-db-password" --query SecretString || die "$answer"
  printf %s "$answer" | change "sets      the password that is in Secrets Manager" rds modify-db-cluster \
    --db-cluster-identifier "$cluster" --master-user-password file:///dev/stdin --apply-immediately
}

while [ $# -gt 0 ]; do
  case $1 in
    --time | --snapshot) [ $# -gt 1 ] || misuse "$1 needs a value" ;;
  esac
  case $1 in
    --time) time=$2 && shift ;;
    --snapshot) snapshot=$2 && shift ;;
    --dry-run) dry_run=yes ;;
    *) common_argument "$1" ;;
  esac
  shift
done
case ${time:+time}$snapshot in
  '' | time?*) misuse "either --time or --snapshot" ;;
esac
[[ -z $time || $time =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$ ]] ||
  misuse "--time $time: a time in UTC such as 2026-01-31T09:30:00Z"

load_environment
account || die "$answer"
allowed_account "$answer" || die "the credentials are of account $answer, but $file allows $accountIds"
take_role "$assumeRole" || die "$answer"
cluster=$deploymentName kept=$deploymentName-replaced
look
check_origin
if [ -n "$dry_run" ]; then
  echo "would stop the tasks of $cluster, keep the database as $kept, restore $cluster from ${snapshot:-$time}, start the tasks"
  exit
fi
stop_tasks
[ "$was_kept" != absent ] || keep
state cluster "$cluster"
[ "$answer" != absent ] || restore
wait_for cluster "$cluster"
set_password
state instance "$cluster-1"
[ "$answer" != absent ] || change "makes     $cluster-1" rds create-db-instance --db-instance-identifier "$cluster-1" \
  --db-cluster-identifier "$cluster" --engine aurora-mysql --db-instance-class db.serverless
wait_for instance "$cluster-1"
ask application-autoscaling describe-scalable-targets --service-namespace ecs --resource-ids "service/$cluster/$cluster" \
  --query 'ScalableTargets[0].MinCapacity' || die "$answer"
change "starts    the tasks of $cluster" ecs update-service --cluster "$cluster" --service "$cluster" --desired-count "$answer"
echo "Now deploy, which sets what a restored database lacks, such as tags: npx cdktf deploy $environment"
echo "The database from before is $kept, and costs what it holds until you delete it"
