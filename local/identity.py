"""The company's identity provider: a real OpenID provider with demo users."""

import json
import os

from collections.abc import Mapping

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local import certificates, processes
from local.deploy import Client
from local.environments import Environment
from local.settings import DOMAIN, ISSUER, LOG, LOGIN_PORT, PROJECT, RUN

OTHER_CLIENT_ID = "other-programs"
USERS = [
    {"email": "user@example.com", "password": "demo", "groups": ["data-scientists"]},
    {"email": "outsider@other.example", "password": "demo", "groups": []},
]


SIGNING_KEY = RUN / "identity-provider-signing.key"


async def start(environments: list[Environment], clients: Mapping[str, Client]) -> processes.Child:
    """Starts local/identity_provider; its README has the shape of the configuration."""
    certificate = certificates.leaf(DOMAIN)
    loopback = ["http://127.0.0.1/callback"]
    _make_signing_key()
    programs = {OTHER_CLIENT_ID, *(one.programs_client_id for one in environments)}
    configuration = {
        "issuer": ISSUER,
        "port": LOGIN_PORT,
        "certFile": str(certificate.certificate),
        "keyFile": str(certificate.key),
        "signingKeyFile": str(SIGNING_KEY),
        "clients": [
            *(
                {
                    "client_id": clients[one.name].id,
                    "client_secret": clients[one.name].secret,
                    "redirect_uris": [f"{one.uri}/oauth2/callback"],
                }
                for one in environments
            ),
            *({"client_id": name, "redirect_uris": loopback} for name in sorted(programs)),
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


def _make_signing_key() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    SIGNING_KEY.touch(mode=0o600)
    SIGNING_KEY.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
