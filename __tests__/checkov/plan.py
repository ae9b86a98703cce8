"""Plans of synthesized stacks against the emulated AWS, as JSON; nothing is applied.

    python -m checkov.plan STACK.tf.json PLAN.json [STACK.tf.json PLAN.json …]
"""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import boto3

from local import aws, certificates
from local.settings import PROJECT

DOMAIN = "example.com"
SECRETS = ("oauth2-client-id", "oauth2-client-secret", "oauth2-cookie-secret", "store-db-password")


@contextmanager
def emulator() -> Iterator[dict[str, str]]:
    """The emulated AWS on a port of its own, as environment variables."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "local.emulator", "--port", str(port)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout
            said = []
            for line in process.stdout:
                if line == "listening\n":
                    break
                said.append(line)
            else:
                sys.exit(f"the emulator did not start:\n{''.join(said)}")
            # It goes on to name refused requests, and would wait for somebody to read.
            Thread(target=process.stdout.read, daemon=True).start()
            yield {**aws.ENVIRONMENT, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
        finally:
            process.terminate()


def presuppose(variables: dict[str, str]) -> None:
    """What data sources look up: hosted zone, certificate, secrets."""
    session = boto3.Session(variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"], region_name=variables["AWS_REGION"])

    def client(service: str) -> Any:
        return session.client(service, endpoint_url=variables["AWS_ENDPOINT_URL"])

    client("route53").create_hosted_zone(Name=DOMAIN, CallerReference=DOMAIN)
    certificates.authority()
    files = certificates.leaf(DOMAIN)
    client("acm").import_certificate(Certificate=files.certificate.read_bytes(), PrivateKey=files.key.read_bytes())
    for secret in SECRETS:
        client("secretsmanager").create_secret(Name=f"mlflow/{secret}", SecretString="unused")


def plannable(stack: str) -> str:
    """The stack with a local state, and with two literals.

    The bucket's random suffix: its provider would have to be downloaded. The database's host: no plan knows it, and with it
    none would know what is in the containers.
    """
    text = re.sub(r"\$\{random_string\.[^}]+}", "1a2b3c4d", stack)
    text = re.sub(r"\$\{aws_rds_cluster\.[^}]+\.endpoint}", "database.example.com", text)
    config = json.loads(text)
    del config["terraform"]["backend"]
    for block in (config["terraform"]["required_providers"], config["provider"]):
        block.pop("random", None)
    config["resource"].pop("random_string", None)
    return json.dumps(config)


def plan(stack: Path, target: Path, variables: dict[str, str]) -> None:
    """Runs `terraform plan`, and writes what it would make."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "cdk.tf.json").write_text(plannable(stack.read_text()))

        def terraform(*words: str) -> str:
            command = [os.environ.get("TERRAFORM_BINARY_NAME", "terraform"), *words]
            answer = subprocess.run(command, cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True)
            if answer.returncode != 0:
                sys.exit(f"{stack}: terraform {words[0]}: exit code {answer.returncode}\n{answer.stdout}{answer.stderr}")
            return answer.stdout

        terraform("init", "-input=false", "-no-color")
        terraform("plan", "-input=false", "-no-color", "-lock=false", "-out=plan")
        target.write_text(terraform("show", "-json", "plan"))


def main() -> None:
    paths = [Path(word) for word in sys.argv[1:]]
    with emulator() as variables:
        presuppose(variables)
        with ThreadPoolExecutor() as pool:
            list(pool.map(plan, paths[::2], paths[1::2], [variables] * (len(paths) // 2)))


if __name__ == "__main__":
    main()
