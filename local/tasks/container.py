"""A container as a process: started, checked and stopped as ECS does it."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from local import processes
from local.tasks.definition import Container, HealthCheck
from local.tasks.images import find
from local.tasks.network import TaskNetwork

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FIRST_CHECKS_EVERY = 1.0


class ContainerProcess:
    """One container of a running task."""

    def __init__(self, definition: Container, network: TaskNetwork, log: Path, home: Path) -> None:
        self.definition = definition
        self.name = definition.name
        self.started = asyncio.Event()
        self.ended = asyncio.Event()
        self.healthy = asyncio.Event()
        self.unhealthy = asyncio.Event()
        self.exit_code: int | None = None
        self.log = log
        self._network = network
        self._home = home
        self._child: processes.Child | None = None
        self._stopping = False

    async def run(self, machine: Mapping[str, str], secrets: Mapping[str, str]) -> int:
        """Starts the program and waits for its end; `machine` is what ECS and the machine add to the environment."""
        image = find(self.definition.image)
        path = ":".join([*map(str, image.path), SEARCH_PATH])
        env = {**machine, "PATH": path, "HOME": str(self._home), **self.definition.environment, **secrets}
        command = [*(self.definition.entry_point or image.entry_point), *self.definition.command]
        self._home.mkdir(parents=True, exist_ok=True)
        self._child = await processes.start(
            self.name, self._network.enter(command), log=self.log, env=env, cwd=self._home
        )
        if self._stopping:
            await self._child.stop(0)
        self.started.set()
        checks = asyncio.create_task(self._check(self.definition.health_check, env)) if self.definition.health_check else None
        try:
            self.exit_code = await self._child.wait()
        finally:
            if checks:
                checks.cancel()
            self.ended.set()
        return self.exit_code

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL after the container's stop timeout."""
        self._stopping = True
        if self._child:
            await self._child.stop(self.definition.stop_timeout)

    async def _check(self, check: HealthCheck, env: Mapping[str, str]) -> None:
        """Repeats the health check. It begins often, so that a start takes no longer than it must."""
        clock = asyncio.get_running_loop().time
        grace_ends, failures = clock() + check.start_period, 0
        while True:
            starting = not self.healthy.is_set() and clock() < grace_ends
            await asyncio.sleep(min(FIRST_CHECKS_EVERY, check.interval) if starting else check.interval)
            if await self._passes(check, env):
                failures = 0
                self.unhealthy.clear()
                self.healthy.set()
            elif self.healthy.is_set() or clock() >= grace_ends:
                failures += 1
                if failures >= check.retries:
                    self.healthy.clear()
                    self.unhealthy.set()

    async def _passes(self, check: HealthCheck, env: Mapping[str, str]) -> bool:
        log = self.log.with_name(f"{self.log.stem}.health.log")
        log.unlink(missing_ok=True)
        command = self._network.enter(list(check.command))
        child = await processes.start(f"health of {self.name}", command, log=log, env=env, cwd=self._home)
        try:
            return await asyncio.wait_for(child.wait(), check.timeout) == 0
        except asyncio.TimeoutError:
            return False
        finally:
            await child.stop(0)
