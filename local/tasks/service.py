"""An ECS service: keeps as many tasks as are wanted, of the revision that is wanted, and replaces what fails."""

import asyncio
import ipaddress
import itertools
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from local import aws
from local.settings import LOG
from local.tasks.network import Database, MovedPorts, Namespace, TaskNetwork
from local.tasks.targets import Target
from local.tasks.task import Task

LONGEST_PAUSE = 30.0
LONGEST_DRAIN = 5.0
EVERY = 1.0
_numbers = itertools.count(10)


class Member:
    """A task of the service with its place in the target groups."""

    def __init__(self, task: Task, revision: tuple[str, str]) -> None:
        self.task = task
        self.revision = revision
        self.targets: list[Target] = []
        self.work: list[asyncio.Task[None]] = []
        self.stopping = False
        self.born = asyncio.get_running_loop().time()

    @property
    def ready(self) -> bool:
        return not self.stopping and self.task.status == "RUNNING" and all(one.healthy for one in self.targets)


class Service:
    """Follows one service. `update` hands over the newest description; `run` does the rest, until cancelled."""

    def __init__(self, description: Mapping[str, Any], namespaces: bool, databases: Callable[[], list[Database]]) -> None:
        self.name = str(description["serviceName"])
        self.cluster = str(description["clusterArn"]).rpartition("/")[2]
        self.members: list[Member] = []
        self.last_failure = ""
        self._description = description
        self._namespaces = namespaces
        self._databases = databases
        self._reported: tuple[str, str] | None = None
        self._pause = 0.0
        self._not_before = 0.0

    def update(self, description: Mapping[str, Any]) -> None:
        """Takes over what is wanted now."""
        self._description = description

    @property
    def wanted(self) -> int:
        return int(self._description["desiredCount"])

    @property
    def ready(self) -> int:
        return sum(member.ready for member in self.members if member.revision == self._revision)

    @property
    def _revision(self) -> tuple[str, str]:
        deployments = self._description.get("deployments") or [{}]
        return str(self._description["taskDefinition"]), str(deployments[0].get("id", ""))

    async def run(self) -> None:
        """Keeps the service as it should be; on cancellation stops all tasks."""
        try:
            while True:
                await self._reconcile()
                await self._report()
                await asyncio.sleep(EVERY)
        finally:
            await asyncio.gather(*(self._stop(member, drain=0) for member in self.members if not member.stopping))

    async def _reconcile(self) -> None:
        alive = [member for member in self.members if not member.stopping]
        current = [member for member in alive if member.revision == self._revision]
        for member in alive:
            self._watch(member)
        now = asyncio.get_running_loop().time()
        if now >= self._not_before:
            for _ in range(self.wanted - len(current)):
                await self._start()
        surplus = current[self.wanted :]
        if self.ready >= self.wanted:
            self._pause = 0.0
            surplus += [member for member in alive if member.revision != self._revision]
        for member in surplus:
            member.stopping = True
            member.work.append(asyncio.create_task(self._stop(member, drain=LONGEST_DRAIN)))

    async def _report(self) -> None:
        """Says when the newest deployment is through: all wanted tasks are ready, and no others are left."""
        through = self.ready >= self.wanted and all(member.revision == self._revision for member in self.members)
        now = (self._revision[1], "COMPLETED" if through else "IN_PROGRESS")
        if now != self._reported:
            await asyncio.to_thread(aws.report_rollout, self.cluster, self.name, *now)
            self._reported = now

    async def _start(self) -> None:
        definition = await asyncio.to_thread(_task_definition, self._revision[0])
        task_id, ip = secrets.token_hex(4), await asyncio.to_thread(_free_ip, self._description)
        network: TaskNetwork = MovedPorts()
        if self._namespaces:
            network = Namespace(task_id, ip, LOG / self.cluster / task_id / "relay.log")
        member = Member(Task(task_id, self.cluster, definition, network, ip), self._revision)
        self.members.append(member)
        member.work.append(asyncio.create_task(self._life(member)))

    async def _life(self, member: Member) -> None:
        running = asyncio.create_task(member.task.run(await self._known_databases()))
        register = asyncio.create_task(self._register(member))
        member.work.append(running)
        try:
            await asyncio.shield(running)
        finally:
            register.cancel()
            await self._deregister(member)
            await asyncio.wait([running])
            self.members.remove(member)
        if not member.stopping:
            self.last_failure = f"task {member.task.id}: {member.task.reason}"
            self._pause = min(max(1.0, self._pause * 2), LONGEST_PAUSE)
            self._not_before = asyncio.get_running_loop().time() + self._pause

    async def _known_databases(self) -> list[Database]:
        """Terraform makes the service after the database, whose server on this machine may still be starting."""
        for _ in range(60):
            if databases := self._databases():
                return databases
            await asyncio.sleep(0.5)
        return []

    def _watch(self, member: Member) -> None:
        """ECS replaces a task whose target is unhealthy, once the service's grace period is over."""
        grace = self._description.get("healthCheckGracePeriodSeconds") or 0
        over = asyncio.get_running_loop().time() > member.born + grace
        if over and any(target.failed for target in member.targets):
            member.task.reason = "the target group's health check fails"
            member.work[1].cancel()

    async def _register(self, member: Member) -> None:
        while member.task.status != "RUNNING":
            await asyncio.sleep(0.2)
        client = aws.client("elbv2")
        for entry in self._description.get("loadBalancers") or ():
            arn, port = entry["targetGroupArn"], entry["containerPort"]
            groups = await asyncio.to_thread(client.describe_target_groups, TargetGroupArns=[arn])
            target = Target(groups["TargetGroups"][0], member.task.ip, port, member.task.address(port))
            await asyncio.to_thread(client.register_targets, TargetGroupArn=arn, Targets=[{"Id": target.ip, "Port": port}])
            member.targets.append(target)
            member.work.append(asyncio.create_task(target.watch()))

    async def _deregister(self, member: Member) -> None:
        for work in member.work[2:]:
            if work is not asyncio.current_task():
                work.cancel()
        for target in member.targets:
            target.healthy = False
            try:
                await asyncio.to_thread(
                    aws.client("elbv2").deregister_targets,
                    TargetGroupArn=target.group_arn,
                    Targets=[{"Id": target.ip, "Port": target.port}],
                )
            except (ClientError, OSError):
                pass  # The target group went first.
        member.targets.clear()

    async def _stop(self, member: Member, drain: float) -> None:
        """Out of the load balancer first, then the containers."""
        member.stopping = True
        if drain and member.targets:
            for target in member.targets:
                target.healthy = False
            await asyncio.sleep(drain)
        life, *rest = member.work
        if rest:
            rest[0].cancel()
        await asyncio.wait([life])


def _task_definition(arn: str) -> Mapping[str, Any]:
    return aws.client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]


def _free_ip(description: Mapping[str, Any]) -> str:
    """An address of the service's first subnet, as its network interface would have on AWS."""
    subnets = description["networkConfiguration"]["awsvpcConfiguration"]["subnets"]
    subnet = aws.client("ec2").describe_subnets(SubnetIds=subnets[:1])["Subnets"][0]
    addresses = ipaddress.ip_network(subnet["CidrBlock"])
    return str(addresses[10 + next(_numbers) % (addresses.num_addresses - 20)])
