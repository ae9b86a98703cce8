"""Who tries to get in: what an intruder may have, the requests as bytes on the wire, and what the logs say of them."""

import json
import re
import secrets
import socket
import ssl
import string
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local.proof.stack import Environment
from local.token_client import sign_in

SEARCH = "/api/2.0/mlflow/experiments/search?max_results=1&{marker}"
SESSION = "__Host-mlflow"
SILENCE_SECONDS = 20
MARKER = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Case:
    """A request that must come to nothing, or one that must not (`passes`), to see that the others would be noticed."""

    name: str
    statuses: tuple[int, ...]
    """Of all answers on the connection, in their order."""
    request: "Callable[[Intruder], str]"
    """Text with {placeholders}: {marker}, {search} (a path with the marker), and those of Intruder.values."""
    door: str = "https"
    """`https` and `http` of the load balancer, or `proxy`: oauth2-proxy, as if the load balancer let everything through."""
    passes: bool = False
    logs_in: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of a case; the marker is a word that the part of the request has which must not reach MLflow."""

    case: Case
    marker: str
    answer: bytes

    @property
    def statuses(self) -> tuple[int, ...]:
        return tuple(int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3})\b", self.answer))

    def header(self, name: str) -> list[str]:
        found = re.findall(rf"(?im)^{name}: *([^\r\n]*)".encode(), self.answer)
        return [value.decode("latin-1") for value in found]


def ask(line: str, *headers: str, body: str = "") -> str:
    """A request with what every client sends, unless the headers have it."""
    names = {header.partition(":")[0].strip().lower() for header in headers}
    more = [] if "host" in names else ["Host: {host}"]
    more += [] if "connection" in names else ["Connection: close"]
    more += [f"Content-Length: {len(body)}"] if body and "content-length" not in names else []
    version = "" if " HTTP/" in line else " HTTP/1.1"
    return "\r\n".join([line + version, *more, *headers, "", body])


class Intruder:
    """Somebody who knows an environment well, and has what others left lying about."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.stack = environment.stack
        self.key: rsa.RSAPrivateKey = serialization.load_pem_private_key(self.stack.signing_key_file.read_bytes(), None)
        """The identity provider's own: for tokens that it would not issue."""
        self.own_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @cached_property
    def users_token(self) -> str:
        """A good one: alone it would open every door."""
        return self.stack.token(self.stack.user, self.environment.programs_client_id)

    @cached_property
    def cookies(self) -> dict[str, str]:
        """The cookies of a good session."""
        session, back = self.log_in()
        session.get(back, allow_redirects=False, timeout=10)
        return {one.name: one.value or "" for one in session.cookies if re.fullmatch(rf"{SESSION}(_\d+)?", one.name)}

    @cached_property
    def values(self) -> dict[str, str]:
        """For the placeholders in requests."""
        uri = urlsplit(self.environment.uri)
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"host": uri.netloc, "name": self.environment.host, "token": self.users_token, "cookie": cookie}

    def prepare(self) -> None:
        """Before several threads ask for the same."""
        self.values, self.tasks, self._tls  # noqa: B018

    def log_in(self, path: str = "/oauth2/start?rd=/") -> tuple[requests.Session, str]:
        """Begins at a path, signs the user in, and stops before the way back: the browser's cookies, and where it leads."""
        session = requests.Session()
        session.verify, session.trust_env = str(self.stack.ca_bundle), False
        first = session.get(self.environment.uri + path, allow_redirects=False, timeout=10)
        user = self.stack.user
        return session, sign_in(session, first, user.email, user.password, f"{self.environment.uri}/oauth2/callback")

    def attempt(self, case: Case) -> Outcome:
        # As long as its placeholder, so that lengths can be reckoned before.
        marker = "".join(secrets.choice(MARKER) for _ in "{marker}")
        return Outcome(case, marker, self.send(case.request(self), marker, case.door))

    def send(self, request: str, marker: str = "", door: str = "https") -> bytes:
        """The whole answer; the connection is left open as long as the other side likes."""
        filled = request.format(**self.values, marker=marker, search=SEARCH.format(marker=marker))
        return self._exchange(door, filled.encode("latin-1"))

    def _exchange(self, door: str, request: bytes) -> bytes:
        with self._connect(door) as connection:
            connection.settimeout(SILENCE_SECONDS)
            answer = b""
            try:
                connection.sendall(request)
                while received := connection.recv(65536):
                    answer += received
            except OSError:  # It was closed, or is silent: what came is the answer.
                pass
            return answer

    def _connect(self, door: str) -> socket.socket:
        if door == "proxy":
            host, _, port = self.tasks[0].rpartition(":")
            return socket.create_connection((host, int(port)), timeout=10)
        where = urlsplit(self.environment.uri if door == "https" else self.environment.http_uri)
        plain = socket.create_connection((where.hostname, where.port or 443), timeout=10)
        if door == "http":
            return plain
        return self._tls.wrap_socket(plain, server_hostname=where.hostname)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.stack.ca_bundle))

    @cached_property
    def tasks(self) -> list[str]:
        """Where the oauth2-proxy of each running task listens."""
        cluster = self.environment.resources("aws_ecs_cluster")[0]["name"]
        services = json.loads(self.stack.status_file.read_text())["services"]
        tasks = [task for one in services if one["name"].startswith(f"{cluster}/") for task in one["tasks"]]
        return [address for task in tasks if task["status"] == "RUNNING" for address in task["addresses"]]

    def answered(self) -> str:
        """MLflow's log: a line for each request that it answered, of all tasks of all environments."""
        return self._log("mlflow.log")

    def passed_on(self) -> str:
        """What oauth2-proxy says that it passed on to MLflow, also if MLflow then had nobody to answer."""
        # Its lines have the upstream before the path, `GET / "/api/…"`, or "-" for what it answered itself.
        return "".join(line for line in self._log("oauth2-proxy.log").splitlines(keepends=True) if ' / "' in line)

    def _log(self, name: str) -> str:
        return "".join(path.read_text(errors="replace") for path in self.stack.log_dir.glob(f"*/*/{name}"))
