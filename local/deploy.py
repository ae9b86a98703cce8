"""Deploys the environments as on AWS: what the documents presuppose, the same scripts, the same cdktf and Terraform."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local import aws, certificates, processes, terraform
from local.certificates import Certificate
from local.environments import Environment
from local.settings import LOG, PROJECT, RUN, VENV


@dataclass(frozen=True)
class Client:
    """The OAuth client of an environment's oauth2-proxy at the identity provider."""

    id: str
    secret: str

    @staticmethod
    def generate() -> "Client":
        return Client(f"mlflow-{secrets.token_hex(8)}", secrets.token_urlsafe(32))


def variables(folder: Path, for_terraform: Mapping[str, str]) -> dict[str, str]:
    """What the scripts, cdktf and terraform need beside the caller's environment."""
    return {
        **aws.ENVIRONMENT,
        **for_terraform,
        # Not what the developer has set up for the real AWS.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "ENVIRONMENTS": os.path.relpath(folder, PROJECT),
        "CHECKPOINT_DISABLE": "1",
        "DISABLE_VERSION_CHECK": "1",
        "CI": "1",
        "NO_PROXY": "127.0.0.1,localhost,.localhost",
        "no_proxy": "127.0.0.1,localhost,.localhost",
        # Last: the AWS CLI from the virtual environment, for machines that have none.
        "PATH": f"{os.environ['PATH']}:{VENV / 'bin'}",
    }


def caller() -> dict[str, str]:
    """The caller's environment without what would lead Terraform elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_", "CDKTF_"))}


def presuppose(environments: list[Environment]) -> dict[str, Certificate]:
    """Makes the hosted zones, and imports the certificates; returns the certificates by the ARN that ACM gave."""
    for zone in sorted({one.hosted_zone for one in environments}):
        aws.client("route53").create_hosted_zone(Name=zone, CallerReference=zone)
    imported = {}
    for domain in sorted({one.certificate_domain for one in environments}):
        files = certificates.leaf(domain)
        answer = aws.client("acm").import_certificate(
            Certificate=files.certificate.read_bytes(),
            PrivateKey=files.key.read_bytes(),
            CertificateChain=certificates.CA_CERTIFICATE.read_bytes(),
        )
        imported[str(answer["CertificateArn"])] = files
    return imported


async def pre_steps(environments: list[Environment], clients: Mapping[str, Client], env: Mapping[str, str]) -> None:
    """The scripts that come before the first deployment."""
    folder = RUN / "oauth-client"
    folder.mkdir(mode=0o700)
    files = {"--client-id-file": folder / "id", "--client-secret-file": folder / "secret"}
    given = [str(word) for pair in files.items() for word in pair]
    try:
        for one in environments:
            client = clients[one.name]
            for file, value in zip(files.values(), (client.id, client.secret)):
                file.write_text(value)
            for script, arguments in (("bootstrap-state.sh", []), ("create-secrets.sh", given), ("preflight.sh", [])):
                command = [f"scripts/{script}", one.name, *arguments]
                await processes.run(script, command, log=LOG / "pre-steps.log", env=env, cwd=PROJECT)
    finally:
        for file in files.values():
            file.unlink(missing_ok=True)


async def deploy(environments: list[Environment], env: Mapping[str, str]) -> None:
    """`cdktf deploy` of all environments."""
    command = ["npx", "cdktf", "deploy", *(one.name for one in environments), "--auto-approve"]
    if terraform.uses_mirror(dict(env)):
        command.append("--skip-provider-lock")
    await processes.run("cdktf deploy", command, log=LOG / "deploy.log", env=env, cwd=PROJECT)
