"""A task definition as ECS has it, made ready for this machine. Pure functions from dictionaries to dataclasses."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

LOOPBACK_PORT = re.compile(r"(?<![\w.-])(?:127\.0\.0\.1|localhost|0\.0\.0\.0):(\d{2,5})\b")
BARE_PORT = re.compile(r"(?<![\w.:-])(\d{2,5})(?![\w.:-])")


@dataclass(frozen=True)
class HealthCheck:
    """How to learn that a container works; times in seconds. Defaults are those of ECS."""

    command: tuple[str, ...]
    interval: float = 30
    timeout: float = 5
    retries: int = 3
    start_period: float = 0


@dataclass(frozen=True)
class Container:
    """One container definition."""

    name: str
    image: str
    essential: bool
    entry_point: tuple[str, ...]
    command: tuple[str, ...]
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    depends_on: Mapping[str, str]
    health_check: HealthCheck | None
    stop_timeout: float
    ports: tuple[int, ...]

    def texts(self) -> list[str]:
        """Everything in which a host or a port may stand."""
        check = self.health_check.command if self.health_check else ()
        return [*self.entry_point, *self.command, *self.environment.values(), *check]

    def rewritten(self, change: Callable[[str], str]) -> "Container":
        """The same container with a change in all its texts."""
        check = self.health_check
        return replace(
            self,
            entry_point=tuple(map(change, self.entry_point)),
            command=tuple(map(change, self.command)),
            environment={name: change(value) for name, value in self.environment.items()},
            health_check=replace(check, command=tuple(map(change, check.command))) if check else None,
        )


def containers(task_definition: Mapping[str, Any]) -> list[Container]:
    """The containers of a `describe_task_definition` answer."""
    return [_container(one) for one in task_definition["containerDefinitions"]]


def _container(one: Mapping[str, Any]) -> Container:
    return Container(
        name=one["name"],
        image=one["image"],
        essential=one.get("essential", True),
        entry_point=tuple(one.get("entryPoint") or ()),
        command=tuple(one.get("command") or ()),
        environment={entry["name"]: entry["value"] for entry in one.get("environment") or ()},
        secrets={entry["name"]: entry["valueFrom"] for entry in one.get("secrets") or ()},
        depends_on={entry["containerName"]: entry["condition"] for entry in one.get("dependsOn") or ()},
        health_check=_health_check(one.get("healthCheck")),
        stop_timeout=one.get("stopTimeout") or 30,
        ports=tuple(entry["containerPort"] for entry in one.get("portMappings") or ()),
    )


def _health_check(check: Mapping[str, Any] | None) -> HealthCheck | None:
    if not check or check["command"] == ["NONE"]:
        return None
    kind, *words = check["command"]
    command = ("/bin/sh", "-c", words[0]) if kind == "CMD-SHELL" else tuple(words)
    names = {"interval": "interval", "timeout": "timeout", "retries": "retries", "startPeriod": "start_period"}
    return HealthCheck(command, **{names[key]: check[key] for key in names if check.get(key) is not None})


def loopback_ports(definition: list[Container]) -> set[int]:
    """The ports on which the containers of a task listen or talk to each other."""
    mapped = {port for container in definition for port in container.ports}
    named = {int(port) for container in definition for text in container.texts() for port in LOOPBACK_PORT.findall(text)}
    return mapped | named


def moving(ports: Mapping[int, int], hosts: Mapping[tuple[str, int], int]) -> Callable[[str], str]:
    """Rewrites ports, and hosts that only AWS knows: `hosts` maps (host, port) to a port on 127.0.0.1."""

    def change(text: str) -> str:
        for (host, port), moved in hosts.items():
            text = text.replace(f"{host}:{port}", f"127.0.0.1:{moved}").replace(host, "127.0.0.1")
        text = LOOPBACK_PORT.sub(lambda found: found[0].replace(found[1], moved_port(found)), text)
        return BARE_PORT.sub(moved_port, text)

    def moved_port(found: re.Match[str]) -> str:
        return str(ports.get(int(found[1]), found[1]))

    return change


def secret_reference(value_from: str) -> tuple[str, str | None]:
    """Splits `arn:aws:secretsmanager:region:account:secret:name[:json-key:stage:version]` into secret and JSON key."""
    parts = value_from.split(":")
    return ":".join(parts[:7]), (parts[7] or None) if len(parts) > 7 else None
