"""The company's identity provider: a real OpenID provider with demo users."""

import json
import os

from local import certificates, processes
from local.deploy import Client
from local.environments import Environment
from local.settings import DOMAIN, ISSUER, LOG, LOGIN_PORT, PROJECT, RUN

PROGRAMS_CLIENT_ID = "mlflow-programs"
OTHER_CLIENT_ID = "other-programs"
USERS = [
    {"email": "user@example.com", "password": "demo", "groups": ["data-scientists"]},
    {"email": "outsider@other.example", "password": "demo", "groups": []},
]


async def start(environments: list[Environment], client: Client) -> processes.Child:
    """Starts local/identity_provider; its README has the shape of the configuration."""
    certificate = certificates.leaf(DOMAIN)
    loopback = ["http://127.0.0.1/callback"]
    configuration = {
        "issuer": ISSUER,
        "port": LOGIN_PORT,
        "certFile": str(certificate.certificate),
        "keyFile": str(certificate.key),
        "clients": [
            {
                "client_id": client.id,
                "client_secret": client.secret,
                "redirect_uris": [f"{one.uri}/oauth2/callback" for one in environments],
            },
            {"client_id": PROGRAMS_CLIENT_ID, "redirect_uris": loopback},
            {"client_id": OTHER_CLIENT_ID, "redirect_uris": loopback},
        ],
        "users": USERS,
    }
    file = RUN / "identity-provider.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(configuration))
    child = await processes.start(
        "identity provider",
        ["node", "local/identity_provider/server.mjs"],
        log=LOG / "identity-provider.log",
        env={**os.environ, "IDP_CONFIG": str(file)},
        cwd=PROJECT,
    )
    try:
        await processes.wait_for_line(child, "listening", 30)
    finally:
        file.unlink()  # The client's secret is in it.
    return child
