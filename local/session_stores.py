"""ElastiCache Serverless as Valkey or Redis: one server with TLS, in cluster mode, for each cache of the emulated AWS."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local import aws, certificates, processes
from local.errors import StackError
from local.settings import LOG, NAME_PREFIX
from local.tasks.network import Database, free_ports

EVERY = 1.0
START_SECONDS = 30
DOMAIN = "serverless.localhost"
"""Caches answer at names in it: the authority of this machine signs for no other than localhost."""
ALL_SLOTS = ("CLUSTER", "ADDSLOTSRANGE", "0", "16383")


class SessionStoreServer:
    """The server that stands for one cache."""

    def __init__(self, cache: Mapping[str, Any]) -> None:
        self.name = str(cache["ServerlessCacheName"])
        self.host = str(cache["Endpoint"]["Address"])
        self.port = int(cache["Endpoint"]["Port"])
        self.ready = False
        self._folder = Path(tempfile.mkdtemp(prefix=NAME_PREFIX))
        self._log = LOG / "session-store" / f"{self.name}.log"
        self._child: processes.Child | None = None

    async def start(self) -> None:
        """Starts it, empty."""
        name = f"session store {self.name}"
        self._child = await processes.start(name, server(self.port, self._folder), log=self._log, env=os.environ)
        for _ in range(START_SECONDS * 10):
            if not self._child.running:
                raise StackError(f"{name} ended with exit code {self._child.exit_code}", log=self._log)
            if await asyncio.to_thread(is_ready, self.port):
                self.ready = True
                return
            await asyncio.sleep(0.1)
        raise StackError(f"{name} does not answer after {START_SECONDS} seconds", log=self._log)

    async def stop(self) -> None:
        """Stops it; what it held is gone."""
        self.ready = False
        if self._child:
            await self._child.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def server(port: int, folder: Path) -> list[str]:
    """The command of a server that keeps nothing on the disk but its cluster's configuration."""
    certificate = certificates.leaf(DOMAIN)
    tls = {"port": port, "cert-file": certificate.certificate, "key-file": certificate.key, "auth-clients": "no"}
    return [
        _program("server"),
        *("--port", "0", "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--appendonly", "no"),
        *(word for key, value in tls.items() for word in (f"--tls-{key}", str(value))),
        *("--tls-ca-cert-file", str(certificates.CA_CERTIFICATE), "--tls-cluster", "yes"),
        # As on AWS, it sends clients to where they came from.
        *("--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1", "--cluster-port", str(free_ports(1)[0])),
    ]


def ask(port: int, *command: str) -> str:
    """What a server answers as text, whatever it is."""
    client = [_program("cli"), "--tls", "--cacert", str(certificates.CA_CERTIFICATE), "-p", str(port), *command]
    answer = subprocess.run(client, capture_output=True, timeout=10, check=False).stdout
    return answer.decode(errors="replace").rstrip("\n")


def is_ready(port: int) -> bool:
    """Whether it takes commands; makes it a cluster of one first."""
    if "cluster_slots_assigned:0" in (state := ask(port, "CLUSTER", "INFO")):
        ask(port, *ALL_SLOTS)
    return "cluster_state:ok" in state


def _program(what: str) -> str:
    return shutil.which(f"valkey-{what}") or f"redis-{what}"


class SessionStores:
    """Follows the serverless caches."""

    def __init__(self) -> None:
        self.servers: dict[str, SessionStoreServer] = {}

    async def run(self) -> None:
        """Starts and removes servers; on cancellation stops all."""
        try:
            while True:
                caches = {one["Endpoint"]["Address"]: one for one in await asyncio.to_thread(_caches)}
                for host in caches.keys() - self.servers.keys():
                    self.servers[host] = SessionStoreServer(caches[host])
                    await self.servers[host].start()
                for host in self.servers.keys() - caches.keys():
                    await self.servers.pop(host).stop()
                await asyncio.sleep(EVERY)
        finally:
            await asyncio.gather(*(server.stop() for server in self.servers.values()))

    def known(self) -> list[Database]:
        """The session stores that tasks can use now."""
        return [Database((one.host,), one.port, one.port) for one in self.servers.values() if one.ready]


def _caches() -> list[Any]:
    return aws.pages("elasticache", "describe_serverless_caches", "ServerlessCaches")
