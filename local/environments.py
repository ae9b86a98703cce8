"""The environments to deploy: what their files say, resolved by the project itself."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from shlex import split

import yaml

from local.errors import StackError
from local.settings import ISSUER, PROJECT

DEFAULT_PORTS = {"httpsPort": 443, "httpPort": 80}


@dataclass(frozen=True)
class Environment:
    """One environment, from `dist/constructs/config/print.js` (values) and its file (ports)."""

    name: str
    host: str
    uri: str
    hosted_zone: str
    certificate_domain: str
    secrets_prefix: str
    state: dict[str, str]
    https_port: int
    http_port: int
    programs_client_id: str
    """The audience of programs, and here also the name of their client at the identity provider."""

    @property
    def http_uri(self) -> str:
        """The listener that only redirects."""
        return f"http://{self.host}:{self.http_port}"


def load(folder: Path) -> list[Environment]:
    """All environments of a folder; a StackError that names what does not go on this machine."""
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise StackError(f"{folder} has no environment", fix="put a file such as local/environments/demo.yaml there")
    return [_load(file) for file in files]


def _load(file: Path) -> Environment:
    values = _print(file)
    balancer = (yaml.safe_load(file.read_text()) or {}).get("loadBalancer") or {}
    ports = {key: int(balancer.get(key, default)) for key, default in DEFAULT_PORTS.items()}
    programs = dict(pair.rsplit("=", 1) for pair in values["programs"].split())
    problems = []
    if values["stateBackend"] != "s3":
        problems.append("state.backend must be s3")
    if values["loginIssuer"] != ISSUER:
        problems.append(f"login must be provider oidc, issuer {ISSUER}")
    if ISSUER not in programs:
        problems.append(f"programs must have issuer {ISSUER}")
    if not values["host"].endswith(".localhost"):
        problems.append(f"dns must give a host below localhost, not {values['host']}")
    if problems:
        raise StackError(f"{file} cannot run on this machine: {'; '.join(problems)}", fix="see local/environments/demo.yaml")
    state = {"bucket": values["stateBucket"], "key": values["stateKey"]}
    if values["stateLockTable"]:
        state["lockTable"] = values["stateLockTable"]
    return Environment(
        name=values["environment"],
        host=values["host"],
        uri=values["uri"],
        hosted_zone=values["hostedZone"],
        certificate_domain=values["certificateDomain"],
        secrets_prefix=values["secretsPrefix"],
        state=state,
        https_port=ports["httpsPort"],
        http_port=ports["httpPort"],
        programs_client_id=programs[ISSUER],
    )


def _print(file: Path) -> dict[str, str]:
    answer = subprocess.run(
        ["node", "dist/constructs/config/print.js", file.stem],
        cwd=PROJECT,
        env={**os.environ, "ENVIRONMENTS": str(file.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise StackError(answer.stderr.strip())
    pairs = (line.partition("=") for line in answer.stdout.splitlines())
    return {key: split(value)[0] for key, _, value in pairs}
