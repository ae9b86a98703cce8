"""A task's own network, like `awsvpc`: a namespace where the machine allows it, moved ports where not."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from local import processes
from local.errors import StackError
from local.settings import EMULATOR_PORT, LOGIN_HOST, LOGIN_PORT, NAME_PREFIX
from local.tasks.definition import Container, loopback_ports, moving

NETNS_ETC = Path("/etc/netns")
Address = tuple[str, int]


@dataclass(frozen=True)
class Database:
    """What a task knows of a database or session store, and where the server is on this machine."""

    hosts: tuple[str, ...]
    port: int
    local_port: int


class TaskNetwork(Protocol):
    """What a task needs of its network."""

    async def open(self, containers: list[Container], databases: list[Database]) -> list[Container]:
        """Makes the network; returns the containers as they have to be started in it."""

    def enter(self, command: list[str]) -> list[str]:
        """The command that starts a program inside the network."""

    def address(self, port: int) -> Address:
        """Where a port of the task is reached from outside."""

    async def close(self) -> None:
        """Removes the network."""


def namespaces_possible() -> bool:
    """Whether this machine lets us make network namespaces; LOCAL_NETWORK=ports says not to."""
    if os.environ.get("LOCAL_NETWORK") == "ports" or sys.platform != "linux" or os.geteuid() != 0:
        return False
    name = f"{NAME_PREFIX}try"
    if not shutil.which("ip") or _ip("netns", "add", name).returncode != 0:
        return False
    works = _ip("netns", "exec", name, "ip", "link", "set", "lo", "up").returncode == 0
    _ip("netns", "delete", name)
    return works


class Namespace:
    """A network namespace with nothing but loopback and the task's address; a relay connects it to this machine."""

    def __init__(self, task_id: str, ip: str, log: Path) -> None:
        self._name = f"{NAME_PREFIX}{task_id}"
        self._ip = ip
        self._log = log
        self._relay: processes.Child | None = None
        self._ports: dict[str, int] = {}

    async def open(self, containers: list[Container], databases: list[Database]) -> list[Container]:
        steps = [
            ["netns", "add", self._name],
            ["-n", self._name, "link", "set", "lo", "up"],
            ["-n", self._name, "address", "add", f"{self._ip}/32", "dev", "lo"],
        ]
        for step in steps:
            made = await asyncio.to_thread(_ip, *step)
            if made.returncode != 0:
                raise StackError(f"ip {' '.join(step)}: {made.stderr.strip()}", fix="LOCAL_NETWORK=ports does without")
        hosts = {"127.0.0.1": ["localhost", LOGIN_HOST], self._ip: [f"ip-{self._ip.replace('.', '-')}"]}
        forwards = [
            _forward("emulator", (True, "127.0.0.1", EMULATOR_PORT), (False, "127.0.0.1", EMULATOR_PORT)),
            _forward("login", (True, "127.0.0.1", LOGIN_PORT), (False, "127.0.0.1", LOGIN_PORT)),
        ]
        for number, database in enumerate(databases, 1):
            ip = f"127.0.1.{number}"
            hosts[ip] = list(database.hosts)
            forwards.append(
                _forward(f"database {number}", (True, ip, database.port), (False, "127.0.0.1", database.local_port))
            )
        for port in {port for container in containers for port in container.ports}:
            # As from another machine: what listens on the task's loopback only is not reached.
            forwards.append(_forward(f"port {port}", (False, "127.0.0.1", 0), (True, self._ip, port)))
        folder = NETNS_ETC / self._name
        folder.mkdir(parents=True)
        (folder / "hosts").write_text("".join(f"{ip} {' '.join(names)}\n" for ip, names in hosts.items()))
        await self._start_relay(forwards)
        return containers

    async def _start_relay(self, forwards: list[dict[str, Any]]) -> None:
        specification = json.dumps({"namespace": self._name, "forwards": forwards})
        self._relay = await processes.start(
            f"relay of {self._name}", [sys.executable, "-m", "local.relay", specification], log=self._log, env=os.environ
        )
        await processes.wait_for_line(self._relay, "{", 10)
        self._ports = json.loads(self._log.read_text().splitlines()[-1])

    def enter(self, command: list[str]) -> list[str]:
        return ["ip", "netns", "exec", self._name, *command]

    def address(self, port: int) -> Address:
        return "127.0.0.1", self._ports[f"port {port}"]

    async def close(self) -> None:
        if self._relay:
            await self._relay.stop(2)
        await asyncio.to_thread(remove_namespace, self._name)


class MovedPorts:
    """No network of its own: each port of the task becomes a free one, hosts that only AWS knows become 127.0.0.1."""

    def __init__(self) -> None:
        self._moved: dict[int, int] = {}

    async def open(self, containers: list[Container], databases: list[Database]) -> list[Container]:
        self._moved = dict(zip(ports := sorted(loopback_ports(containers)), free_ports(len(ports))))
        hosts = {(host, one.port): one.local_port for one in databases for host in one.hosts}
        return [container.rewritten(moving(self._moved, hosts)) for container in containers]

    def enter(self, command: list[str]) -> list[str]:
        return command

    def address(self, port: int) -> Address:
        return "127.0.0.1", self._moved[port]

    async def close(self) -> None:
        pass


def free_ports(count: int) -> list[int]:
    """Ports on 127.0.0.1 that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def remove_namespace(name: str) -> None:
    """Ends what runs in a namespace, and removes it."""
    for pid in _ip("netns", "pids", name).stdout.split():
        try:
            os.kill(int(pid), 9)
        except ProcessLookupError:
            pass
    _ip("netns", "delete", name)
    shutil.rmtree(NETNS_ETC / name, ignore_errors=True)


def left_over_namespaces() -> list[str]:
    """The namespaces that a supervisor which was killed left behind."""
    if sys.platform != "linux" or not shutil.which("ip"):
        return []
    lines = _ip("netns", "list").stdout.splitlines()
    return [line.split()[0] for line in lines if line.startswith(NAME_PREFIX)]


def _ip(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)


def _forward(name: str, listen: tuple[bool, str, int], connect: tuple[bool, str, int]) -> dict[str, Any]:
    sides = {"listen": listen, "connect": connect}
    return {"name": name, **{side: dict(zip(("inside", "host", "port"), value)) for side, value in sides.items()}}
