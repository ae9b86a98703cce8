#!/usr/bin/env bash
# Has Terraform itself evaluate the examples, with a mocked AWS: no account and no credentials are needed.
# Installs the AWS provider from where TF_CLI_CONFIG_FILE says, else from Terraform's registry.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export CDKTF_OUTDIR=$folder/cdktf.out TF_IN_AUTOMATION=1

npm run --silent build
for app in dist/examples/*/main.js __tests__/terraform/terraform-json.mjs; do
  node "$app"
done
for stack in documented existing-vpc minimal terraform-json; do
  mv "$CDKTF_OUTDIR/stacks/$stack" "$folder"
  node __tests__/terraform/mockable.mjs "$folder/$stack/cdk.tf.json"
done
cp -r __tests__/terraform/*.tftest.hcl __tests__/terraform/mocks "$folder"
cd "$folder"
# Each test runs a stack as its module; the module that the tests stand in has nothing.
echo 'terraform {}' >main.tf
terraform init -backend=false -input=false -no-color >init.log 2>&1 || { cat init.log >&2 && exit 1; }
terraform test -no-color
