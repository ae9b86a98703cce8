"""A task: its network, its containers in their order, and why it stopped."""

import asyncio
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local import aws, certificates
from local.errors import StackError
from local.settings import LOG, RUN
from local.tasks.container import ContainerProcess
from local.tasks.definition import Container, containers, secret_reference
from local.tasks.network import Address, Database, TaskNetwork

MACHINE = {
    **aws.ENVIRONMENT,
    "LANG": "C.UTF-8",
    "SSL_CERT_FILE": str(certificates.BUNDLE),
    "REQUESTS_CA_BUNDLE": str(certificates.BUNDLE),
}
"""What ECS and the machine give every container. Nothing of the developer's own environment."""


class Task:
    """One task of a service. `run` returns when it has stopped; `reason` then says why."""

    def __init__(self, task_id: str, cluster: str, definition: Mapping[str, Any], network: TaskNetwork, ip: str) -> None:
        self.id = task_id
        self.ip = ip
        self.reason = ""
        self.status = "PENDING"
        self.log_dir = LOG / cluster / task_id
        self._definition = definition
        self._network = network
        self._home = RUN / "tasks" / task_id
        self._containers: dict[str, ContainerProcess] = {}

    @property
    def definition_arn(self) -> str:
        return str(self._definition["taskDefinitionArn"])

    def address(self, port: int) -> Address:
        """Where the load balancer reaches a port of the task."""
        return self._network.address(port)

    def health(self) -> dict[str, str]:
        """Each container in a word."""
        return {name: _word(container) for name, container in self._containers.items()}

    async def run(self, databases: list[Database]) -> None:
        """Starts everything, waits until the task has to stop, stops everything."""
        try:
            await self._run(databases)
        except StackError as error:
            self.reason = error.reason
        except asyncio.CancelledError:
            self.reason = self.reason or "stopped by the service"
        finally:
            self.status = "STOPPING"
            await self._stop()
            self.status = "STOPPED"

    async def _run(self, databases: list[Database]) -> None:
        text = json.dumps(self._definition, default=str)
        wanted = [one for one in databases if any(host in text for host in one.hosts)]
        definition = await self._network.open(containers(self._definition), wanted)
        for one in definition:
            log, home = self.log_dir / f"{one.name}.log", self._home / one.name
            self._containers[one.name] = ContainerProcess(one, self._network, log, home)
        ends = [asyncio.create_task(self._container(one)) for one in definition]
        ends.append(asyncio.create_task(self._report_running()))
        try:
            for end in asyncio.as_completed(ends):
                if reason := await end:
                    self.reason = reason
                    return
        finally:
            for end in ends:
                end.cancel()

    async def _container(self, definition: Container) -> str:
        """Runs one container; returns why the task has to stop, or nothing."""
        process = self._containers[definition.name]
        for name, condition in definition.depends_on.items():
            if reason := await self._wait_for(name, condition):
                return f"{definition.name} cannot start: {reason}"
        secrets = await asyncio.to_thread(read_secrets, definition.secrets)
        running = asyncio.create_task(process.run(MACHINE, secrets))
        unhealthy = asyncio.create_task(process.unhealthy.wait())
        try:
            await asyncio.wait([running, unhealthy], return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                if definition.essential:
                    return f"{definition.name} is unhealthy (log: {process.log})"
                await running
            code = running.result()
            return f"essential container {definition.name} exited with {code} (log: {process.log})" if definition.essential else ""
        finally:
            unhealthy.cancel()
            # A cancelled wait must not leave the process without its supervisor: _stop ends it.
            running.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _wait_for(self, name: str, condition: str) -> str:
        """Waits until a container has come far enough; returns why it never will, or nothing."""
        process = self._containers[name]
        event = {"START": process.started, "HEALTHY": process.healthy}.get(condition, process.ended)
        waits = [asyncio.create_task(one.wait()) for one in (event, process.ended)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if condition == "SUCCESS" and process.exit_code != 0:
            return f"{name} exited with {process.exit_code} (log: {process.log})"
        if condition == "HEALTHY" and not process.healthy.is_set():
            return f"{name} ended before it was healthy (log: {process.log})"
        return ""

    async def _report_running(self) -> str:
        essential = [one for one in self._containers.values() if one.definition.essential]
        await asyncio.gather(*(one.started.wait() for one in essential))
        await asyncio.gather(*(one.healthy.wait() for one in essential if one.definition.health_check))
        self.status = "RUNNING"
        return ""

    async def _stop(self) -> None:
        """In the reverse order of the dependencies, as ECS does."""
        waiting = dict(self._containers)
        while waiting:
            needed = {name for one in waiting.values() for name in one.definition.depends_on}
            last = [one for name, one in waiting.items() if name not in needed] or list(waiting.values())
            await asyncio.gather(*(one.stop() for one in last))
            for one in last:
                del waiting[one.name]
        await self._network.close()
        shutil.rmtree(self._home, ignore_errors=True)


def read_secrets(references: Mapping[str, str]) -> dict[str, str]:
    """Values of a container's `secrets`, read as the task execution role reads them."""
    values = {}
    for name, value_from in references.items():
        secret, key = secret_reference(value_from)
        try:
            text = aws.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
        except aws.client("secretsmanager").exceptions.ResourceNotFoundException:
            raise StackError(f"secret {secret} of {name} does not exist") from None
        values[name] = text if key is None else str(json.loads(text)[key])
    return values


def _word(container: ContainerProcess) -> str:
    if container.ended.is_set():
        return f"exited {container.exit_code}"
    if not container.started.is_set():
        return "waiting"
    if not container.definition.health_check:
        return "running"
    return "unhealthy" if container.unhealthy.is_set() else "healthy" if container.healthy.is_set() else "starting"
