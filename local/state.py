"""The files by which the commands know of a running stack."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from local import aws, certificates, identity
from local.databases import Databases
from local.environments import Environment
from local.settings import HOME, ISSUER, LOG, RUN

PID = HOME / "pid"
READY = RUN / "ready"
STACK = RUN / "stack.json"
STATUS = RUN / "status.json"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def write(path: Path, content: Any) -> None:
    """Writes JSON in one move, so that no reader sees half of it."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content, indent=2))
    new.replace(path)


def read(path: Path) -> Any:
    """What `write` wrote, or None."""
    return json.loads(path.read_text()) if path.is_file() else None


def write_stack(environments: list[Environment], variables: dict[str, str], databases: Databases) -> None:
    """stack.json; the shape is in local/proof/__init__.py."""
    user, outsider = ({key: one[key] for key in ("email", "password")} for one in identity.USERS)
    write(
        STACK,
        {
            "environments": [
                {
                    "name": one.name,
                    "host": one.host,
                    "uri": one.uri,
                    "httpUri": one.http_uri,
                    "programsClientId": one.programs_client_id,
                    "state": one.state,
                    "secretsPrefix": one.secrets_prefix,
                    "database": {"host": "127.0.0.1", "port": _database_port(one, databases)},
                }
                for one in environments
            ],
            "issuer": ISSUER,
            "signingKeyFile": str(identity.SIGNING_KEY),
            "otherClientId": identity.OTHER_CLIENT_ID,
            "user": user,
            "outsider": outsider,
            "caBundle": str(certificates.BUNDLE),
            "chromium": next((found for one in BROWSERS if (found := shutil.which(one))), ""),
            "processEnvironment": variables,
            "logDir": str(LOG),
            "statusFile": str(STATUS),
        },
    )


def _database_port(environment: Environment, databases: Databases) -> int:
    """The database is known by its endpoint, an output of the stack."""
    answer = aws.client("s3").get_object(Bucket=environment.state["bucket"], Key=environment.state["key"])
    endpoint = json.load(answer["Body"])["outputs"]["database_endpoint"]["value"]
    return next(one.local_port for one in databases.servers.values() if endpoint in one.hosts)
