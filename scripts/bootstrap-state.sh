#!/usr/bin/env bash
# Makes what Terraform keeps its state in: the S3 bucket (versions, no public access, encryption, TLS only) and,
# for the locks "dynamodb" and "both", the DynamoDB table. What is there already stays as it is, so it can run
# again at any time.
#
# Usage: scripts/bootstrap-state.sh [ENVIRONMENT] [--dry-run]
#
#   ENVIRONMENT  reads environments/ENVIRONMENT.yaml; not needed where there is only one
#   --dry-run    looks, and says what would be done

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

new='' # whether the bucket or table at hand has just been created

did() { # did <past participle> <what>
  printf '%-7s  %s\n' "$1" "$2"
}

found() { # found <what> <value> <AWS CLI arguments>...
  local what=$1 value=$2
  shift 2
  answer=nothing
  [ -z "$new" ] && ask "$@" && [ "$answer" = "$value" ] && did exists "$what"
}

make() { # make <past participle> <what> <AWS CLI arguments>...
  local did=$1 what=$2 tries=0
  shift 2
  [ "$did" != created ] || new=yes
  if [ -n "$dry_run" ]; then
    did "would be $did" "$what"
    return
  fi
  until ask "$@"; do
    # A new table cannot be backed up at once.
    case $answer,$tries in
      *ContinuousBackupsUnavailable*,[0-9]) sleep 5 ;;
      *) die "$what: $answer" ;;
    esac
    tries=$((tries + 1))
  done
  did "$did" "$what"
}

bucket() {
  local what="bucket $stateBucket" owner
  ask sts get-caller-identity --query Account || die "$answer"
  owner=$answer
  # Without the owner, a stranger's bucket that lets us in would do.
  state_bucket --expected-bucket-owner "$owner" || die "$what: $answer"
  case $answer in
    present) did exists "$what" ;;
    absent) make created "$what" s3 mb "s3://$stateBucket" ;;
    forbidden)
      die "$what belongs to another account than $owner, or your credentials may not see it" \
        "Bucket names are worldwide: choose another state.bucket in $file"
      ;;
  esac
}

bucket_settings() {
  found versioning Enabled s3api get-bucket-versioning --bucket "$stateBucket" --query Status ||
    make set versioning s3api put-bucket-versioning --bucket "$stateBucket" --versioning-configuration Status=Enabled

  found 'public access block' 4 s3api get-public-access-block --bucket "$stateBucket" \
    --query 'length(values(PublicAccessBlockConfiguration)[?@])' ||
    make set 'public access block' s3api put-public-access-block --bucket "$stateBucket" \
      --public-access-block-configuration \
      BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true

  found 'default encryption' 1 s3api get-bucket-encryption --bucket "$stateBucket" \
    --query 'length(ServerSideEncryptionConfiguration.Rules)' ||
    make set 'default encryption' s3api put-bucket-encryption --bucket "$stateBucket" \
      --server-side-encryption-configuration \
      '{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"AES256"}}]}'
}

tls_only_policy() {
  local arn="arn:aws:s3:::$stateBucket" statement
  statement='{"Sid":"TlsOnly","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["'$arn'","'$arn'/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}'
  found 'TLS-only policy' True s3api get-bucket-policy --bucket "$stateBucket" \
    --query "contains(Policy, 'aws:SecureTransport')" && return
  case $answer in
    False) did kept "the bucket's own policy, which lets requests without TLS in: add $statement" ;;
    nothing | *NoSuchBucketPolicy*)
      make set 'TLS-only policy' s3api put-bucket-policy --bucket "$stateBucket" \
        --policy '{"Version":"2012-10-17","Statement":['"$statement"']}'
      ;;
    *) die "TLS-only policy: $answer" ;;
  esac
}

table() {
  local what="lock table $stateLockTable"
  new=''
  lock_table || die "$what: $answer"
  case $answer in
    absent)
      make created "$what" dynamodb create-table --table-name "$stateLockTable" --billing-mode PAY_PER_REQUEST \
        --attribute-definitions AttributeName=LockID,AttributeType=S --key-schema AttributeName=LockID,KeyType=HASH
      ;;
    unfit) die "$what has another key than LockID: choose another state.lockTable in $file" ;;
    *) did exists "$what" ;;
  esac
  [ "$answer" = ACTIVE ] || [ -n "$dry_run" ] || ask dynamodb wait table-exists --table-name "$stateLockTable" || die "$what: $answer"

  found 'point-in-time recovery' ENABLED dynamodb describe-continuous-backups --table-name "$stateLockTable" \
    --query ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus ||
    make set 'point-in-time recovery' dynamodb update-continuous-backups --table-name "$stateLockTable" \
      --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true
}

while [ $# -gt 0 ]; do
  case $1 in
    --dry-run) dry_run=yes ;;
    *) common_argument "$1" ;;
  esac
  shift
done
load_environment
if [ "$stateBackend" = local ]; then
  echo "Nothing to do: the state of $environment is a local file"
  exit
fi
use_region "$stateRegion"
bucket
bucket_settings
tls_only_policy
case $stateLock in
  dynamodb | both) table ;;
esac
