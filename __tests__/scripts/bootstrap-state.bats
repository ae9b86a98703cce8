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
}

@test "makes the bucket and the lock table, and changes nothing the second time" {
  script bootstrap-state dev
  exits 0
  says "created  bucket acme-terraform-state"
  says "created  lock table terraform-locks"

  run in_aws '
s3, dynamodb = client("s3"), client("dynamodb")
bucket = {"Bucket": "acme-terraform-state"}
print(s3.get_bucket_location(**bucket)["LocationConstraint"])
print(s3.get_bucket_versioning(**bucket)["Status"])
print(*s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"].values())
print(s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"])
statement, = json.loads(s3.get_bucket_policy(**bucket)["Policy"])["Statement"]
print(statement["Effect"], statement["Principal"], statement["Action"], *statement["Resource"], statement["Condition"])
table = dynamodb.describe_table(TableName="terraform-locks")["Table"]
print(table["TableStatus"], table["KeySchema"], table["AttributeDefinitions"], table["BillingModeSummary"]["BillingMode"])
print(dynamodb.describe_continuous_backups(TableName="terraform-locks")["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"])'
  says eu-west-1
  says Enabled
  says "True True True True"
  says AES256
  says "Deny * s3:* arn:aws:s3:::acme-terraform-state arn:aws:s3:::acme-terraform-state/* {'Bool': {'aws:SecureTransport': 'false'}}"
  says "ACTIVE [{'AttributeName': 'LockID', 'KeyType': 'HASH'}] [{'AttributeName': 'LockID', 'AttributeType': 'S'}] PAY_PER_REQUEST"
  says ENABLED

  : >"$CALLS"
  script bootstrap-state dev
  exits 0
  [ "$output" = "exists   bucket acme-terraform-state
exists   versioning
exists   public access block
exists   default encryption
exists   TLS-only policy
exists   lock table terraform-locks
exists   point-in-time recovery" ]
  run ! grep -E '^aws [a-z0-9]+ (put|create|update|mb)' "$CALLS"
}

@test "changes nothing in a dry run" {
  script bootstrap-state --dry-run dev
  exits 0
  says "would be created  bucket acme-terraform-state"
  says "would be set  TLS-only policy"
  says "would be created  lock table terraform-locks"
  run in_aws '
print(len(client("s3").list_buckets()["Buckets"]), "buckets,", len(client("dynamodb").list_tables()["TableNames"]), "tables")'
  says "0 buckets, 0 tables"
}

@test "makes a bucket in us-east-1 without a table for the lock file" {
  environment dev '{backend: s3, bucket: acme-terraform-state, region: us-east-1, lock: lockfile}'
  canned "s3api put" ""
  script bootstrap-state dev
  exits 0
  run in_aws '
print(client("s3").get_bucket_location(Bucket="acme-terraform-state")["LocationConstraint"])
print(*client("dynamodb", "us-east-1").list_tables()["TableNames"], "no more tables")'
  says None
  says "no more tables"
}

@test "keeps what an existing bucket has, and refuses a table with another key" {
  in_aws '
s3 = client("s3")
bucket = {"Bucket": "acme-terraform-state"}
s3.create_bucket(CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}, **bucket)
s3.put_bucket_versioning(VersioningConfiguration={"Status": "Enabled"}, **bucket)
s3.put_bucket_encryption(ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}, **bucket)
s3.put_bucket_policy(Policy=json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "Mine", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-terraform-state/*"}]}), **bucket)
client("dynamodb").create_table(TableName="terraform-locks", BillingMode="PAY_PER_REQUEST", AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}], KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}])'

  script bootstrap-state dev
  exits 1
  says "exists   bucket acme-terraform-state"
  says "exists   default encryption"
  says "set      public access block"
  mentions "kept     the bucket's own policy, which lets requests without TLS in: add {\"Sid\":\"TlsOnly\""
  says "lock table terraform-locks has another key than LockID: choose another state.lockTable in $ENVIRONMENTS/dev.yaml"
  run in_aws 'print(client("s3").get_bucket_policy(Bucket="acme-terraform-state")["Policy"])'
  mentions Mine
}

@test "refuses a bucket that its credentials may not see" {
  canned "s3api head-bucket" "An error occurred (403) when calling the HeadBucket operation: Forbidden"
  script bootstrap-state dev
  exits 1
  says "bucket acme-terraform-state belongs to another account than 123456789012, or your credentials may not see it"
  says "Bucket names are worldwide: choose another state.bucket in $ENVIRONMENTS/dev.yaml"
  called "s3api head-bucket .*--expected-bucket-owner 123456789012"
}

@test "stops when the bucket's name is taken" {
  canned "s3api head-bucket" "An error occurred (404) when calling the HeadBucket operation: Not Found"
  canned "s3 mb" "An error occurred (BucketAlreadyExists) when calling the CreateBucket operation"
  script bootstrap-state dev
  exits 1
  says "bucket acme-terraform-state: An error occurred (BucketAlreadyExists) when calling the CreateBucket operation"
  run ! called "s3api put"
}

@test "waits until a new table can be backed up" {
  environment dev '{backend: s3, bucket: acme-terraform-state, lock: both}'
  # Everything else is there.
  canned "s3api head-bucket" ""
  canned "dynamodb describe-table" "An error occurred (ResourceNotFoundException)"
  canned "s3api get-bucket-versioning" Enabled
  canned "s3api get-public-access-block" 4
  canned "s3api get-bucket-encryption" 1
  canned "s3api get-bucket-policy" True
  canned "dynamodb create-table" ""
  canned "dynamodb wait" ""
  canned "dynamodb update-continuous-backups" "An error occurred (ContinuousBackupsUnavailableException) when calling the UpdateContinuousBackups operation"
  stand_in sleep 'echo "sleep $*" >>"$CALLS"'
  script bootstrap-state dev
  exits 1
  says "created  lock table terraform-locks"
  mentions "point-in-time recovery: An error occurred (ContinuousBackupsUnavailableException)"
  called "dynamodb wait table-exists"
  [ "$(grep -c '^sleep' "$CALLS")" -eq 10 ]
}

@test "has nothing to do for a local state" {
  environment dev '{backend: local}'
  script bootstrap-state dev
  exits 0
  says "Nothing to do: the state of dev is a local file"
  run ! called ""
}
