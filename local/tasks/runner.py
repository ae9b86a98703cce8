"""Finds the ECS services of the emulated AWS and runs each of them."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from local import aws
from local.tasks.network import Address, Database
from local.tasks.service import Service

EVERY = 1.0


class TaskRunner:
    """All services of all clusters."""

    def __init__(self, namespaces: bool, databases: Callable[[], list[Database]]) -> None:
        self.services: dict[str, Service] = {}
        self._namespaces = namespaces
        self._databases = databases
        self._work: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Follows the emulator; on cancellation stops all tasks."""
        try:
            while True:
                await self._follow(await asyncio.to_thread(_services))
                await asyncio.sleep(EVERY)
        finally:
            await self._end(list(self.services))

    def healthy_targets(self) -> dict[str, list[Address]]:
        """For each target group, by ARN, where its healthy targets are on this machine."""
        found: dict[str, list[Address]] = {}
        for service in self.services.values():
            for member in service.members:
                for target in member.targets:
                    if target.healthy:
                        found.setdefault(target.group_arn, []).append(target.address)
        return found

    async def _follow(self, descriptions: Mapping[str, Mapping[str, Any]]) -> None:
        for arn, description in descriptions.items():
            if arn in self.services:
                self.services[arn].update(description)
            else:
                self.services[arn] = Service(description, self._namespaces, self._databases)
                self._work[arn] = asyncio.create_task(self.services[arn].run())
        await self._end([arn for arn in self.services if arn not in descriptions])
        for arn, work in self._work.items():
            if work.done() and (error := work.exception()):
                raise error

    async def _end(self, arns: list[str]) -> None:
        for arn in arns:
            self._work[arn].cancel()
        await asyncio.gather(*(self._work[arn] for arn in arns), return_exceptions=True)
        for arn in arns:
            del self._work[arn], self.services[arn]


def _services() -> dict[str, Mapping[str, Any]]:
    found = {}
    for cluster in aws.pages("ecs", "list_clusters", "clusterArns"):
        arns = aws.pages("ecs", "list_services", "serviceArns", cluster=cluster)
        for first in range(0, len(arns), 10):
            answer = aws.client("ecs").describe_services(cluster=cluster, services=arns[first : first + 10])
            found |= {one["serviceArn"]: one for one in answer["services"] if one["status"] == "ACTIVE"}
    return found
