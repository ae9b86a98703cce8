"""What the proof knows of the running stack: stack.json, and what it reads from the state and the emulator."""

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3

from local.token_client import fetch_token

PROJECT = Path(__file__).resolve().parents[2]
TERRAFORM = os.environ.get("TERRAFORM_BINARY_NAME", "terraform")
SECRET_NAMES = ("oauth2-cookie-secret", "store-db-password", "oauth2-client-id", "oauth2-client-secret")


@dataclass(frozen=True)
class Person:
    email: str
    password: str


@dataclass
class Stack:
    """stack.json; the shape is in the package's docstring."""

    issuer: str
    signing_key_file: Path
    other_client_id: str
    user: Person
    outsider: Person
    ca_bundle: Path
    chromium: Path
    process_environment: dict[str, str]
    log_dir: Path
    status_file: Path
    screenshots: Path | None = None
    environments: list["Environment"] = field(default_factory=list)

    @staticmethod
    def read(path: Path, screenshots: Path | None = None) -> "Stack":
        raw = json.loads(path.read_text())
        stack = Stack(
            issuer=raw["issuer"],
            signing_key_file=Path(raw["signingKeyFile"]),
            other_client_id=raw["otherClientId"],
            user=Person(**raw["user"]),
            outsider=Person(**raw["outsider"]),
            ca_bundle=Path(raw["caBundle"]),
            chromium=Path(raw["chromium"]),
            process_environment=raw["processEnvironment"],
            log_dir=Path(raw["logDir"]),
            status_file=Path(raw["statusFile"]),
            screenshots=screenshots,
        )
        stack.environments = [
            Environment(
                stack=stack,
                name=one["name"],
                host=one["host"],
                uri=one["uri"],
                http_uri=one["httpUri"],
                programs_client_id=one["programsClientId"],
                state_bucket=one["state"]["bucket"],
                state_key=one["state"]["key"],
                lock_table=one["state"].get("lockTable"),
                secrets_prefix=one["secretsPrefix"],
                database=one["database"],
            )
            for one in raw["environments"]
        ]
        return stack

    def aws(self, service: str) -> Any:
        variables = self.process_environment
        return boto3.client(
            service,
            endpoint_url=variables["AWS_ENDPOINT_URL"],
            region_name=variables.get("AWS_REGION") or variables["AWS_DEFAULT_REGION"],
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        )

    def token(self, person: Person, client_id: str) -> str:
        return fetch_token(self.issuer, client_id, person.email, person.password, str(self.ca_bundle))

    @property
    def full_environment(self) -> dict[str, str]:
        """The caller's environment without what would lead Terraform to a real account, and the stack's own."""
        caller = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_", "CDKTF_"))}
        # CI: cdktf writes lines, not a spinner.
        return {**caller, "CI": "true", **self.process_environment}

    def cdktf(self, *arguments: str, timeout: int = 900) -> subprocess.CompletedProcess[str]:
        # The deployment before has locked the providers; a machine with a mirror could not do it again.
        lock = [] if arguments[0] == "synth" else ["--skip-provider-lock"]
        return subprocess.run(
            ["npx", "cdktf", *arguments, *lock],
            cwd=PROJECT,
            env=self.full_environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )


@dataclass
class Environment:
    stack: Stack
    name: str
    host: str
    uri: str
    http_uri: str
    programs_client_id: str
    state_bucket: str
    state_key: str
    lock_table: str | None
    secrets_prefix: str
    database: dict[str, Any]
    seen: dict[str, Any] = field(default_factory=dict)
    """What one check leaves for a later one, such as the run that the program logged."""

    @property
    def folder(self) -> Path:
        """Where cdktf runs terraform."""
        return PROJECT / "cdktf.out" / "stacks" / self.name

    def state(self) -> dict[str, Any]:
        answer = self.stack.aws("s3").get_object(Bucket=self.state_bucket, Key=self.state_key)
        return json.loads(answer["Body"].read())

    def lock_id(self) -> str | None:
        """The id of the lock that somebody holds on the state."""
        if self.lock_table:
            answer = self.stack.aws("dynamodb").get_item(
                TableName=self.lock_table,
                Key={"LockID": {"S": f"{self.state_bucket}/{self.state_key}"}},
                ConsistentRead=True,
            )
            info = answer.get("Item", {}).get("Info", {}).get("S")
        else:
            try:
                answer = self.stack.aws("s3").get_object(Bucket=self.state_bucket, Key=f"{self.state_key}.tflock")
                info = answer["Body"].read()
            except self.stack.aws("s3").exceptions.NoSuchKey:
                info = None
        return json.loads(info)["ID"] if info else None

    def resources(self, kind: str) -> list[dict[str, Any]]:
        """Attributes of the managed resources of one type, from the state."""
        return [
            instance["attributes"]
            for resource in self.state()["resources"]
            if resource["mode"] == "managed" and resource["type"] == kind
            for instance in resource["instances"]
        ]

    @cached_property
    def secrets(self) -> dict[str, str]:
        client = self.stack.aws("secretsmanager")
        return {
            name: client.get_secret_value(SecretId=f"{self.secrets_prefix}/{name}")["SecretString"]
            for name in SECRET_NAMES
        }

    @cached_property
    def plan(self) -> dict[str, Any]:
        """`terraform plan` of what is deployed already, as JSON."""
        with tempfile.TemporaryDirectory() as folder:
            saved = Path(folder) / "plan"
            planned = self.terraform("plan", "-input=false", "-no-color", "-detailed-exitcode", f"-out={saved}")
            if planned.returncode not in (0, 2):
                raise RuntimeError(f"terraform plan: {planned.stderr}")
            shown = self.terraform("show", "-json", str(saved))
            return {"exit_code": planned.returncode, **json.loads(shown.stdout)}

    def terraform(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [TERRAFORM, *arguments],
            cwd=self.folder,
            env=self.stack.full_environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
