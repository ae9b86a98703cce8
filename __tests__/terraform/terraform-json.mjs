// A configuration in which Terraform itself says whether it reads the JSON of `toTerraformJson` as it was meant.
import { App, Fn, TerraformLocal, TerraformOutput, TerraformStack } from "cdktf";
import { toTerraformJson } from "../../dist/constructs/containers/terraform-json.js";

const app = new App();
const stack = new TerraformStack(app, "terraform-json");

const value = (host, port) => ({
  shell: "echo ${HOME} $HOME $(id) `id` $$ $${HOME} $$${HOME} \\${HOME} ${",
  template: "%{x} %{ if true }yes%{ endif } %%{x} %%%{x} 100% %",
  quotes: `"double" 'single' \\ \\" \\n`,
  lines: "first\nsecond\r\n\tthird\n",
  others: "é € 漢字 🚀 </script> & \u0000 \u2028",
  regularExpression: "^/(api|graphql)(/|$)",
  uri: `mysql+pymysql://user:$password@${host}:${port}/mlflow`,
  reference: host,
  port,
  nested: [{ list: ["a", 1, true, null] }],
});

const host = new TerraformLocal(stack, "host", "db.example.com");
const port = new TerraformLocal(stack, "port", 3306);
const expected = JSON.stringify(value("db.example.com", 3306));
new TerraformOutput(stack, "actual", { value: toTerraformJson(value(host.asString, port.asNumber)) });
new TerraformOutput(stack, "expected", {
  value: Fn.base64decode(Buffer.from(expected).toString("base64")),
});

app.synth();
