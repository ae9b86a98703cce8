"""Names and numbers that several parts of the local stack share."""

import hashlib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
HOME = PROJECT / ".local"
RUN = HOME / "run"
LOG = HOME / "log"
SCREENSHOTS = HOME / "screenshots"
VENV = HOME / "venv"
BIN = HOME / "bin"

ACCOUNT = "123456789012"
REGION = "eu-west-1"
EMULATOR_PORT = 4566
EMULATOR_URL = f"http://127.0.0.1:{EMULATOR_PORT}"

DOMAIN = "demo.localhost"
LOGIN_HOST = f"login.{DOMAIN}"
LOGIN_PORT = 8444
ISSUER = f"https://{LOGIN_HOST}:{LOGIN_PORT}"

NAME_PREFIX = f"mlflow-local-{hashlib.sha256(bytes(PROJECT)).hexdigest()[:6]}-"
"""What we make outside the project's folder has a name that begins so: another checkout has another one."""
