"""The AWS emulator: moto on one local port, with what moto lacks and the AWS provider needs.

Run as `python -m local.emulator --port 4566`; prints "listening" when it answers. Everything is kept in memory.
"""

import argparse
import json
import os
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.rds.models import rds_backends
from werkzeug.serving import WSGIRequestHandler, make_server

from local import moto_extension
from local.settings import ACCOUNT, REGION

DATABASES_PATH = "/_local/databases"


def databases() -> list[dict[str, Any]]:
    """The RDS clusters with the password that RDS was given, which no AWS operation tells."""
    return [
        {
            "identifier": cluster.db_cluster_identifier,
            "endpoint": cluster.endpoint,
            "reader_endpoint": cluster.reader_endpoint,
            "port": cluster.port,
            "database": cluster.database_name,
            "username": cluster.master_username,
            "password": cluster._master_user_password,
        }
        for cluster in rds_backends[ACCOUNT][REGION].clusters.values()
    ]


class Emulator:
    """WSGI application: moto, and one path of ours beside it."""

    def __init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != DATABASES_PATH:
            return self._moto(environ, start_response)
        body = json.dumps(databases()).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]


class Quiet(WSGIRequestHandler):
    """HTTP/1.1, so that clients which send `Expect: 100-continue` need not wait for their time-out."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        if int(code) >= 400:
            super().log_request(code, size)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.emulator")
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    os.environ["MOTO_PORT"] = str(port)
    moto_extension.install()
    server = make_server("127.0.0.1", port, Emulator(), threaded=True, request_handler=Quiet)
    print("listening", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
