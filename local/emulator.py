"""The AWS emulator: moto on one local port, with what moto lacks and the AWS provider needs.

Run as `python -m local.emulator --port 4566`; prints "listening" when it answers. Everything is kept in memory.
"""

import argparse
import json
import os
from collections.abc import Callable, Iterable
from typing import Any

from gunicorn.app.base import BaseApplication
from moto.ecs.models import ecs_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.rds.models import rds_backends

from local import moto_extension
from local.settings import ACCOUNT, REGION


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


class Emulator:
    """WSGI application: moto, and two paths of ours beside it. Refused and failed requests go to the log."""

    def __init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, *arguments: Any) -> Any:
            if status >= "400":
                print(status, environ["REQUEST_METHOD"], environ["RAW_URI"], flush=True)
            return start_response(status, *arguments)

        match environ["PATH_INFO"]:
            case "/_local/databases":
                answer = databases()
            case "/_local/rollouts":
                answer = roll_out(**json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))))
            case _:
                return self._moto(environ, start)
        body = json.dumps(answer).encode()
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]


class Server(BaseApplication):
    """One process, since moto keeps everything in memory, with threads. moto's own server loses an answer now and then.

    A client repeats such a request, and is refused: the lock is taken, the route exists.
    """

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
