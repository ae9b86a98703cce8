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
  cd "$BATS_TEST_TMPDIR" || exit
  export PROCESSES=$BATS_TEST_TMPDIR/processes
  canned "sts get-caller-identity" 123456789012
  canned "ecs list-tasks" 0
  canned "application-autoscaling describe-scalable-targets" 2
  stand_in sleep 'echo "sleep $*" >>"$CALLS"'
  in_aws '
rds, ecs, ec2 = client("rds"), client("ecs"), client("ec2")
client("secretsmanager").create_secret(Name="mlflow/store-db-password", SecretString="the-new-password")
subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"]]
rds.create_db_subnet_group(DBSubnetGroupName="oauth2-mlflow", DBSubnetGroupDescription="x", SubnetIds=subnets)
rds.create_db_cluster_parameter_group(DBClusterParameterGroupName="oauth2-mlflow", DBParameterGroupFamily="aurora-mysql8.0", Description="x")
rds.create_db_cluster(
    DBClusterIdentifier="oauth2-mlflow", Engine="aurora-mysql", EngineVersion="8.0", MasterUsername="ecs_task", MasterUserPassword="the-old-password",
    DBSubnetGroupName="oauth2-mlflow", DBClusterParameterGroupName="oauth2-mlflow", VpcSecurityGroupIds=["sg-1"],
    ServerlessV2ScalingConfiguration={"MinCapacity": 0, "MaxCapacity": 4, "SecondsUntilAutoPause": 300})
rds.create_db_instance(DBInstanceIdentifier="oauth2-mlflow-1", DBClusterIdentifier="oauth2-mlflow", Engine="aurora-mysql", DBInstanceClass="db.serverless")
# moto names its own snapshots by the minute, and makes no second one of that name.
for one in rds.describe_db_cluster_snapshots()["DBClusterSnapshots"]:
    rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=one["DBClusterSnapshotIdentifier"])
for one in rds.describe_db_snapshots()["DBSnapshots"]:
    rds.delete_db_snapshot(DBSnapshotIdentifier=one["DBSnapshotIdentifier"])
rds.create_db_cluster_snapshot(DBClusterIdentifier="oauth2-mlflow", DBClusterSnapshotIdentifier="before-upgrade")
ecs.create_cluster(clusterName="oauth2-mlflow")
ecs.register_task_definition(family="oauth2-mlflow", containerDefinitions=[{"name": "x", "image": "x", "memory": 1}])
ecs.create_service(cluster="oauth2-mlflow", serviceName="oauth2-mlflow", taskDefinition="oauth2-mlflow", desiredCount=2)'
}

databases() {
  in_aws '
rds = client("rds")
for one in sorted(rds.describe_db_clusters()["DBClusters"], key=lambda one: one["DBClusterIdentifier"]):
    print(one["DBClusterIdentifier"], one["DBSubnetGroup"], one["VpcSecurityGroups"][0]["VpcSecurityGroupId"], one["ServerlessV2ScalingConfiguration"]["MaxCapacity"])
for one in sorted(rds.describe_db_instances()["DBInstances"], key=lambda one: one["DBInstanceIdentifier"]):
    print(one["DBInstanceIdentifier"], one["DBClusterIdentifier"])
print(client("ecs").describe_services(cluster="oauth2-mlflow", services=["oauth2-mlflow"])["services"][0]["desiredCount"], "tasks")'
}

@test "restores a snapshot under the database's own name, keeps the other, and starts the tasks again" {
  script restore-database dev --snapshot before-upgrade
  exits 0
  [ "$output" = "stops     the tasks of oauth2-mlflow
keeps     oauth2-mlflow-1 as oauth2-mlflow-replaced-1
keeps     oauth2-mlflow as oauth2-mlflow-replaced
restores  oauth2-mlflow from before-upgrade
sets      the password that is in Secrets Manager
makes     oauth2-mlflow-1
starts    the tasks of oauth2-mlflow
Now deploy, which sets what a restored database lacks, such as tags: npx cdktf deploy dev
The database from before is oauth2-mlflow-replaced, and costs what it holds until you delete it" ]
  hides the-new-password
  databases >after
  [ "$(cat after)" = "oauth2-mlflow oauth2-mlflow sg-1 4.0
oauth2-mlflow-replaced oauth2-mlflow sg-1 4.0
oauth2-mlflow-1 oauth2-mlflow
oauth2-mlflow-replaced-1 oauth2-mlflow
2 tasks" ] || { cat after && false; }
}

@test "restores a time, of the database that it has put aside" {
  canned "rds describe-db-clusters --db-cluster-identifier oauth2-mlflow --query DBClusters[0].[Earliest" \
    "2026-01-30T09:30:00.123000+00:00\t2026-01-31T09:30:00.456000+00:00"
  script restore-database dev --time 2026-01-31T09:30:00Z
  exits 0
  says "restores  oauth2-mlflow from 2026-01-31T09:30:00Z"
  called "rds restore-db-cluster-to-point-in-time --source-db-cluster-identifier oauth2-mlflow-replaced --restore-to-time 2026-01-31T09:30:00Z"
}

@test "goes on where it was interrupted, whatever it was doing" {
  local call
  for call in "rds modify-db-cluster --db-cluster-identifier oauth2-mlflow --new" "rds restore" "rds create-db-instance"; do
    CANNED_BEFORE=$CANNED
    canned "$call" "An error occurred (InternalFailure)"
    script restore-database dev --snapshot before-upgrade
    exits 1
    mentions InternalFailure
    CANNED=$CANNED_BEFORE
  done
  script restore-database dev --snapshot before-upgrade
  exits 0
  says "starts    the tasks of oauth2-mlflow"
  run ! grep -E "^(keeps|restores)" <<<"$output"
}

@test "changes nothing in a dry run" {
  databases >before
  script restore-database dev --snapshot before-upgrade --dry-run
  exits 0
  says "would stop the tasks of oauth2-mlflow, keep the database as oauth2-mlflow-replaced, restore oauth2-mlflow from before-upgrade, start the tasks"
  [ "$(databases)" = "$(cat before)" ]
}

@test "refuses what it cannot restore before it stops anything" {
  databases >before
  script restore-database dev --snapshot yesterday
  exits 1
  mentions "DBClusterSnapshotNotFound"
  canned "rds describe-db-clusters --db-cluster-identifier oauth2-mlflow --query DBClusters[0].[Earliest" \
    "2026-01-30T09:30:00.123000+00:00\t2026-01-31T09:30:00.456000+00:00"
  local time
  for time in 2026-01-30T09:29:59Z 2026-01-31T09:30:01Z; do
    script restore-database dev --time "$time"
    exits 1
    says "--time $time: oauth2-mlflow can be restored to times from 2026-01-30T09:30:00Z to 2026-01-31T09:30:00Z"
  done
  [ "$(databases)" = "$(cat before)" ]
}

@test "does not lose track of a database that an earlier restore has put aside" {
  script restore-database dev --snapshot before-upgrade
  exits 0
  databases >before
  script restore-database dev --snapshot before-upgrade
  exits 1
  says "oauth2-mlflow-replaced is still there from an earlier time. When nobody needs it any more:"
  says "  aws rds delete-db-cluster --region eu-west-1 --db-cluster-identifier oauth2-mlflow-replaced --skip-final-snapshot"
  [ "$(databases)" = "$(cat before)" ]
}

@test "asks for one origin, and for a time in UTC" {
  local arguments
  for arguments in "" "--time 2026-01-31T09:30:00Z --snapshot x"; do
    # shellcheck disable=SC2086
    script restore-database dev $arguments
    exits 2
    says "either --time or --snapshot"
  done
  script restore-database dev --time "2026-01-31 09:30"
  exits 2
  says "--time 2026-01-31 09:30: a time in UTC such as 2026-01-31T09:30:00Z"
}

@test "says when there is nothing to restore, and refuses an account that the environment does not allow" {
  environment dev '' 'name: other'
  script restore-database dev --snapshot before-upgrade
  exits 1
  says "dev is not deployed: npx cdktf deploy dev"
  environment dev '{backend: local}' 'accountIds: ["111122223333"]'
  script restore-database dev --snapshot before-upgrade
  exits 1
  says "the credentials are of account 123456789012, but $ENVIRONMENTS/dev.yaml allows 111122223333"
}
