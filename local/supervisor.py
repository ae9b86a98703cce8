"""Owns everything that runs: starts it step by step, follows it, and stops it."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Coroutine, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import requests

from local import certificates, deploy, hosts, identity, ports, processes, state, terraform, toolchain
from local.certificates import Certificate
from local.databases import Databases
from local.environments import Environment, load
from local.errors import StackError
from local.load_balancer.balancer import Balancer
from local.report import Report, say
from local.session_stores import SessionStores
from local.settings import (
    EMULATOR_PORT,
    EMULATOR_URL,
    LOG,
    LOGIN_HOST,
    LOGIN_PORT,
    NAME_PREFIX,
    PROJECT,
    RUN,
    SCREENSHOTS,
)
from local.tasks.network import Database, left_over_namespaces, namespaces_possible, remove_namespace
from local.tasks.runner import TaskRunner

SERVICE_SECONDS = 600
STATUS_EVERY = 2.0


class Supervisor:
    """One run of the stack."""

    def __init__(self, folder: Path, check: bool) -> None:
        self._folder = folder
        self._check = check
        self._report = Report()
        self._children: list[processes.Child] = []
        self._followers: list[asyncio.Task[Any]] = []
        self._certificates: dict[str, Certificate] = {}
        self._databases = Databases()
        self._session_stores = SessionStores()
        self._runner: TaskRunner | None = None
        self._balancer: Balancer | None = None

    async def run(self) -> int:
        """Starts the stack, and keeps it until it is told to stop; returns the exit code."""
        work = asyncio.create_task(self._work())
        try:
            while not work.done():
                await asyncio.wait([work, *self._followers], timeout=1, return_when=asyncio.FIRST_COMPLETED)
                self._look_for_failures()
            return work.result()
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await self._stop()

    async def _work(self) -> int:
        environments, for_terraform = await self._prepare()
        env = {**deploy.caller(), **deploy.variables(self._folder, for_terraform)}
        await self._start_aws(environments, env)
        await self._deploy(environments, env)
        state.write_stack(environments, deploy.variables(self._folder, for_terraform), self._databases)
        if self._check:
            return await self._prove(env)
        _welcome(environments)
        state.READY.touch()
        await asyncio.Event().wait()
        return 0

    async def _prepare(self) -> tuple[list[Environment], dict[str, str]]:
        with self._report.step("tools, packages and build") as step:
            for_terraform = await asyncio.to_thread(terraform.settings, step)
            await toolchain.prepare(step)
        with self._report.step("environments, certificates and names") as step:
            environments = await asyncio.to_thread(load, self._folder)
            wanted = {EMULATOR_PORT: "the AWS emulator", LOGIN_PORT: "the identity provider"}
            for one in environments:
                wanted |= {one.https_port: "the load balancer", one.http_port: "the load balancer"}
            ports.require_free(wanted)
            if certificates.authority():
                step.note(f"made a certificate authority for *.localhost: {certificates.CA_CERTIFICATE}")
            hosts.add([LOGIN_HOST, *(one.host for one in environments)])
        return environments, for_terraform

    async def _start_aws(self, environments: list[Environment], env: Mapping[str, str]) -> None:
        clients = {one.name: deploy.Client.generate() for one in environments}
        with self._report.step(f"AWS: emulated by moto {version('moto')}, at {EMULATOR_URL}"):
            command = [sys.executable, "-m", "local.emulator", "--port", str(EMULATOR_PORT)]
            emulator = await processes.start("AWS emulator", command, log=LOG / "emulator.log", env=deploy.caller(), cwd=PROJECT)
            self._children.append(emulator)
            await processes.wait_for_line(emulator, "listening", 60)
            self._certificates = await asyncio.to_thread(deploy.presuppose, environments)
        with self._report.step("identity provider: a real OpenID provider, with demo users"):
            self._children.append(await identity.start(environments, clients))
        with self._report.step("state bucket, lock table and secrets: by the scripts for AWS"):
            await deploy.pre_steps(environments, clients, env)

    async def _deploy(self, environments: list[Environment], env: Mapping[str, str]) -> None:
        namespaces = await asyncio.to_thread(namespaces_possible)
        self._runner = TaskRunner(namespaces, self._known_servers)
        self._balancer = Balancer(self._runner.healthy_targets, self._certificates)
        for follow in (self._databases.run, self._session_stores.run, self._runner.run, self._balancer.run, self._write_status):
            self._follow(follow())
        names = ", ".join(one.name for one in environments)
        with self._report.step(f"{names}: by real cdktf and Terraform (their waits are AWS's)"):
            await deploy.deploy(environments, env)
        network = "in network namespaces" if namespaces else "on moved ports"
        with self._report.step(f"tasks: real MLflow, oauth2-proxy and MariaDB, {network}"):
            await self._wait_for_services()
        with self._report.step("load balancer: nginx, as the listeners say"):
            for one in environments:
                await self._wait_for_answer(one)

    def _known_servers(self) -> list[Database]:
        """What tasks can use now; nothing as long as no database is ready, without which none can start."""
        databases = self._databases.known()
        return databases and [*databases, *self._session_stores.known()]

    async def _wait_for_services(self) -> None:
        assert self._runner
        for _ in range(SERVICE_SECONDS):
            services = list(self._runner.services.values())
            if services and all(one.ready >= one.wanted for one in services):
                return
            await asyncio.sleep(1)
        failures = [one.last_failure for one in services if one.last_failure] or ["no task got healthy"]
        raise StackError("; ".join(failures), fix="scripts/local.sh logs shows the containers' output")

    async def _wait_for_answer(self, one: Environment) -> None:
        answer: Any = "no answer"
        for _ in range(60):
            try:
                answer = (await asyncio.to_thread(_get, f"{one.uri}/ping")).status_code
            except requests.RequestException as error:
                answer = error
            if answer == 200:
                return
            await asyncio.sleep(0.5)
        raise StackError(f"{one.uri}/ping: {answer}", log=LOG / "load-balancer" / "error.log")

    async def _prove(self, env: Mapping[str, str]) -> int:
        codes = []
        for what in ("proof", "destroy"):
            say()
            files = ["--stack", str(state.STACK), "--screenshots", str(SCREENSHOTS)]
            command = [sys.executable, "-m", "local.proof", what, *files]
            log = LOG / f"{what}.log"
            proof = await processes.start(what, command, log=log, env=env, cwd=PROJECT, stdout=sys.stdout.fileno())
            try:
                codes.append(await proof.wait())
            except asyncio.CancelledError:
                await proof.stop(2)
                raise
            if codes[-1] and log.stat().st_size:
                say(f"log: {log}")
        return max(codes)

    def _follow(self, work: Coroutine[Any, Any, None]) -> None:
        self._followers.append(asyncio.create_task(work))

    def _look_for_failures(self) -> None:
        for follower in self._followers:
            if follower.done() and not follower.cancelled() and (error := follower.exception()):
                raise error
        for child in self._children:
            if not child.running:
                raise StackError(f"{child.name} ended with exit code {child.exit_code}", log=child.log)

    async def _write_status(self) -> None:
        assert self._runner
        while True:
            services = [
                {
                    "name": f"{service.cluster}/{service.name}",
                    "wanted": service.wanted,
                    "ready": service.ready,
                    "lastFailure": service.last_failure,
                    "tasks": [
                        {
                            "id": one.task.id,
                            "status": one.task.status,
                            "containers": one.task.health(),
                            "addresses": [":".join(map(str, target.address)) for target in one.targets],
                        }
                        for one in service.members
                    ],
                }
                for service in self._runner.services.values()
            ]
            servers = {"databases": list(self._databases.servers), "sessionStores": list(self._session_stores.servers)}
            state.write(state.STATUS, {"services": services, **servers})
            await asyncio.sleep(STATUS_EVERY)

    async def _stop(self) -> None:
        """Tasks before databases, everything before the emulator."""
        for follower in reversed(self._followers):
            follower.cancel()
            await asyncio.gather(follower, return_exceptions=True)
        await asyncio.gather(*(child.stop() for child in self._children))
        await asyncio.to_thread(clean)


def clean() -> None:
    """Removes what a run leaves on the machine outside its folder, also a run that was killed."""
    processes.end_left_overs()
    for name in left_over_namespaces():
        remove_namespace(name)
    hosts.remove()
    for folder in Path(tempfile.gettempdir()).glob(f"{NAME_PREFIX}*"):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(RUN, ignore_errors=True)


def _get(url: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, verify=str(certificates.BUNDLE), timeout=10)


def _welcome(environments: list[Environment]) -> None:
    user, outsider = identity.USERS
    say()
    for one in environments:
        say(f"open     {one.uri}")
    say(f"log in   {user['email']}, password {user['password']} (and {outsider['email']}, who is refused)")
    say('Python   eval "$(scripts/local.sh env)", then use MLflow; the token is good for an hour')
    say("browser  it warns, unless it trusts the authority that was made for this machine:")
    say(f"         {os.path.relpath(certificates.CA_CERTIFICATE)}")
    say("stop     Ctrl-C, or scripts/local.sh down")
