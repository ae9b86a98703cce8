"""The AWS emulator: moto on one local port, with what moto lacks and the AWS provider needs.

Run as `python -m local.emulator --port 4566`; prints "listening" when it answers. Everything is kept in memory.
"""

import argparse
import json
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import Any

from gunicorn.app.base import BaseApplication
from moto.ecs.models import ecs_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.rds.models import rds_backends

from local import moto_extension
from local.settings import ACCOUNT, REGION

ANSWERS = 1000


def databases() -> list[dict[str, Any]]:
    """The RDS clusters with the password that RDS was given, which no AWS operation tells."""
    return [
        {
            "identifier": cluster.db_cluster_identifier,
            "endpoint": cluster.endpoint,
            "reader_endpoint": cluster.reader_endpoint,
            "port": cluster.port,
            "status": cluster.status,
            "database": cluster.database_name,
            "username": cluster.master_username,
            "password": cluster._master_user_password,
        }
        for cluster in rds_backends[ACCOUNT][REGION].clusters.values()
    ]


def roll_out(cluster: str, service: str, deployment: str, state: str) -> None:
    """Takes over how far the newest deployment of a service is, which only the runner of its tasks knows."""
    found = ecs_backends[ACCOUNT][REGION].services.get(f"{cluster}:{service}")
    if found and found.deployments[0]["id"] == deployment:
        found.deployments[0]["rolloutState"] = state


class Answer:
    """What a call that changes something was answered, for those who did not get to hear it."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.start: tuple[Any, ...] = ()
        self.body = b""

    @property
    def good(self) -> bool:
        return bool(self.start) and self.start[0] < "400"


class Emulator:
    """WSGI application: moto, and two paths of ours beside it. Refused, failed and repeated requests go to the log.

    An answer may get lost, and the AWS SDKs then send the same call once more, with the same invocation id and the next
    number of attempt. moto would refuse it: the lock is taken, the route exists. It gets the answer that got lost.
    """

    def __init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._lock = Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        match environ["PATH_INFO"]:
            case "/_local/databases":
                return _json(databases(), start_response)
            case "/_local/rollouts":
                return _json(roll_out(**json.load(environ["wsgi.input"])), start_response)
        invocation = environ.get("HTTP_AMZ_SDK_INVOCATION_ID")
        if not invocation or environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            return self._moto(environ, _logging(environ, start_response))
        with self._lock:
            answer = self._answers.setdefault(invocation, Answer())
            if len(self._answers) > ANSWERS:
                self._answers.popitem(last=False)
        with answer.lock:
            if not answer.good:
                answer.body = b"".join(self._moto(environ, _keeping(answer, environ)))
            else:
                print("repeated", environ["REQUEST_METHOD"], environ["RAW_URI"], environ.get("HTTP_AMZ_SDK_REQUEST"), flush=True)
            start_response(*answer.start)
            return [answer.body]


def _json(value: Any, start_response: Callable[..., Any]) -> list[bytes]:
    body = json.dumps(value).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _logging(environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Callable[..., Any]:
    def start(status: str, *arguments: Any) -> Any:
        if status >= "400":
            print(status, environ["REQUEST_METHOD"], environ["RAW_URI"], flush=True)
        return start_response(status, *arguments)

    return start


def _keeping(answer: Answer, environ: Mapping[str, Any]) -> Callable[..., Any]:
    def keep(*start: Any) -> None:
        answer.start = start

    return _logging(environ, keep)


class Server(BaseApplication):
    """One process, since moto keeps everything in memory, with threads."""

    def __init__(self, port: int) -> None:
        self._port = port
        super().__init__()

    def load_config(self) -> None:
        settings = {
            "bind": f"127.0.0.1:{self._port}",
            "workers": 1,
            "threads": 32,
            "timeout": 0,
            "graceful_timeout": 1,
            "keepalive": 75,
            "loglevel": "warning",
            "control_socket_disable": True,
            "post_worker_init": lambda worker: print("listening", flush=True),
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Emulator:
        return Emulator()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.emulator")
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    os.environ["MOTO_PORT"] = str(port)
    moto_extension.install()
    Server(port).run()


if __name__ == "__main__":
    main()
