"""The whole stack on one machine, without an AWS account: `scripts/local.sh up`."""
