"""What the tests of the backend store share: a MySQL-compatible server, and the containers' own commands."""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

from local.databases import DatabaseServer


def containers() -> dict[str, dict[str, Any]]:
    """The container definitions of the documented stack, by name."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "CDKTF_OUTDIR": folder}
        subprocess.run(["node", "dist/examples/documented/main.js"], env=env, check=True)
        [stack] = Path(folder, "stacks").glob("*/cdk.tf.json")
        synthesized = json.loads(stack.read_text())
    [task] = synthesized["resource"]["aws_ecs_task_definition"].values()
    return {one["name"]: one for one in json.loads(task["container_definitions"])}


class BackendStoreCase(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.server = DatabaseServer(
            {"identifier": "test", "database": "mlflow", "endpoint": "x", "reader_endpoint": "y", "port": 3306}
        )
        await self.server.start()
        self.addAsyncCleanup(self.server.stop)
        self.containers = containers()

    async def password(self, password: str) -> None:
        await self.server.follow({"status": "available", "username": "ecs_task", "password": password})

    async def run_container(
        self, name: str, password: str, *, instead: str | None = None, env: dict[str, str] | None = None
    ) -> tuple[int, str]:
        """Runs a container's command; `instead` takes the place of its last program. Gives exit code and output."""
        *entry_point, script = [*self.containers[name]["entryPoint"], *self.containers[name]["command"]]
        script, endpoints = re.subn(r"@\$\{[^}]*\}:3306/", f"@127.0.0.1:{self.server.local_port}/", script)
        self.assertEqual(endpoints, 1)
        script = script.replace("$${", "${").replace("%%{", "%{")
        if instead:
            script, programs = re.subn(r"exec mlflow server\n$", f'exec python -c "{instead}"\n', script)
            self.assertEqual(programs, 1)
        variables = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": "/tmp", **(env or {})}
        process = await asyncio.create_subprocess_exec(
            *entry_point,
            script,
            env={**{os.fsencode(key): os.fsencode(value) for key, value in variables.items()}, b"DB_PASSWORD": password.encode()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode()
