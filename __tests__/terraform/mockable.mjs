#!/usr/bin/env node
// Changes a cdk.tf.json so that `terraform test` can run it with mocks alone:
// - Terraform cannot mock ephemeral resources: an ephemeral variable takes the place of the database password.
// - Modules have no backend, and the tests run each stack as a module.
// - A literal takes the place of the bucket's random suffix: the random provider would have to be downloaded.
import { readFileSync, writeFileSync } from "node:fs";

const [file] = process.argv.slice(2);
const config = JSON.parse(
  readFileSync(file, "utf8")
    .replaceAll(/\$\{ephemeral\.[^}]+}/g, "${var.database_password}")
    .replaceAll(/\$\{random_string\.[^}]+}/g, "1a2b3c4d"),
);
if (config.ephemeral) config.variable = { database_password: { type: "string", ephemeral: true } };
delete config.terraform.backend;
delete config.ephemeral;
delete config.provider?.random;
delete config.resource?.random_string;
delete config.terraform.required_providers?.random;
writeFileSync(file, JSON.stringify(config, null, 2));
