"""The end-to-end proof of the local stack: a browser, the stock MLflow client and Terraform, used for real.

    python -m local.proof          --stack .local/run/stack.json [--screenshots DIR] [--only NAME ...]
    python -m local.proof destroy  --stack .local/run/stack.json

One line per check, `N passed, N failed` alone on the last line, exit code 1 if any failed. The second form destroys
the environments and looks for what is left in the emulator. Run it from the project's root with the stack's Python
(mlflow, boto3, pymysql, requests, cryptography).

stack.json, written by the supervisor when the stack is up:

    {
      "environments": [
        {
          "name": "demo",                                    # `npx cdktf deploy demo`
          "host": "mlflow.demo.localhost",
          "uri": "https://mlflow.demo.localhost:8443",
          "httpUri": "http://mlflow.demo.localhost:8088",    # the listener that only redirects
          "programsClientId": "mlflow-programs",             # a public client whose tokens the environment accepts
          "state": {"bucket": "demo-terraform-state", "key": "mlflow/demo/terraform.tfstate", "lockTable": "terraform-locks"},
          "secretsPrefix": "mlflow",
          "database": {"socket": "/path/mysqld.sock"}        # or {"host": "127.0.0.1", "port": 3306}
        }
      ],
      "issuer": "https://login.demo.localhost:8444",
      "signingKeyFile": "/path/signing.key",                 # what the issuer signs its tokens with
      "otherClientId": "other-programs",                     # a public client whose tokens must be refused
      "user": {"email": "user@example.com", "password": "demo"},
      "outsider": {"email": "outsider@other.example", "password": "demo"},
      "caBundle": "/path/ca.pem",                            # the local CA alone is enough
      "chromium": "/usr/bin/chromium",
      "processEnvironment": {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_REGION": "eu-west-1", "...": "..."},
      "logDir": "/path/logs",                                # every file below it is searched for secrets
      "statusFile": "/path/status.json"                      # the tasks that run now, see local/supervisor.py
    }

`processEnvironment` is everything that `npx cdktf` and `terraform` need beside the caller's environment: endpoint,
region and credentials of the emulator, ENVIRONMENTS, PATH if terraform is not on it. Everything else (bucket, cluster,
VPC, ...) is read from the state object and the emulator.

expected-drift.json lists what a second plan may change because of the emulator: `{"type": "aws_...", "attribute": "...",
"reason": "..."}` each. An entry that no longer occurs is a failure, too.
"""
