"""The containers' own commands against a real MySQL-compatible server: passwords of every kind, migrations at once.

Run by the local stack's Python: `PYTHONPATH=. .local/venv/bin/python __tests__/e2e/test_backend_store.py`
"""

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

PASSWORDS = {
    "as RDS generates it": "aZ09!#$&*()-_=+[]{}<>:?",
    "quotes": """it's "quoted" `here`""",
    "a shell would run it": "$(id) `id` ${HOME} $HOME ; id | id && id > x",
    "parts of a URI": "user:pw@host:3306/db?x=y&z#frag%41%%",
    "spaces at both ends": "  a b  ",
    "backslashes": "\\n\\\\'\\\"",
    "Latin-1": "Grüße-à-l'été",
    "beyond Latin-1": "密码-пароль-🔑-€",
    "200 characters": "x%" * 100,
}

CONNECT = "import os, sqlalchemy; print(sqlalchemy.create_engine(os.environ['MLFLOW_BACKEND_STORE_URI']).connect().scalar(sqlalchemy.text('SELECT CURRENT_USER()')))"


def containers() -> dict[str, dict[str, Any]]:
    """The container definitions of the documented stack, by name."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "CDKTF_OUTDIR": folder}
        subprocess.run(["node", "dist/examples/documented/main.js"], env=env, check=True)
        [stack] = Path(folder, "stacks").glob("*/cdk.tf.json")
        synthesized = json.loads(stack.read_text())
    [task] = synthesized["resource"]["aws_ecs_task_definition"].values()
    return {one["name"]: one for one in json.loads(task["container_definitions"])}


class BackendStoreTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.server = DatabaseServer(
            {"identifier": "test", "database": "mlflow", "endpoint": "x", "reader_endpoint": "y", "port": 3306}
        )
        await self.server.start()
        self.addAsyncCleanup(self.server.stop)
        self.containers = containers()

    async def password(self, password: str) -> None:
        await self.server.follow({"username": "ecs_task", "password": password})

    async def run_container(self, name: str, password: str, *, instead: str | None = None) -> tuple[int, str]:
        """Runs a container's command; `instead` takes the place of its last program. Gives exit code and output."""
        *entry_point, script = [*self.containers[name]["entryPoint"], *self.containers[name]["command"]]
        script, endpoints = re.subn(r"@\$\{[^}]*\}:3306/", f"@127.0.0.1:{self.server.local_port}/", script)
        self.assertEqual(endpoints, 1)
        script = script.replace("$${", "${").replace("%%{", "%{")
        if instead:
            script, programs = re.subn(r"exec mlflow server\n$", f'exec python -c "{instead}"\n', script)
            self.assertEqual(programs, 1)
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        process = await asyncio.create_subprocess_exec(
            *entry_point,
            script,
            env={b"PATH": path.encode(), b"HOME": b"/tmp", b"DB_PASSWORD": password.encode()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode()

    async def test_any_password_reaches_the_database(self) -> None:
        for kind, password in PASSWORDS.items():
            with self.subTest(kind):
                await self.password(password)
                code, output = await self.run_container("mlflow", password, instead=CONNECT)
                self.assertEqual((code, output.strip()), (0, "ecs_task@%"), output)

    async def test_a_wrong_password_is_refused(self) -> None:
        await self.password("right")
        code, output = await self.run_container("mlflow", "wrong", instead=CONNECT)
        self.assertNotEqual(code, 0)
        self.assertIn("Access denied", output)

    async def test_tasks_that_start_at_once_on_an_empty_database_all_come_up(self) -> None:
        password = "a b%c"
        await self.password(password)
        results = await asyncio.gather(*(self.run_container("migrate", password) for _ in range(3)))
        self.assertEqual([code for code, _ in results], [0, 0, 0], "\n".join(output for _, output in results))
        created = [output for _, output in results if "Creating initial MLflow database tables" in output]
        self.assertEqual(len(created), 1)
        code, output = await self.run_container("migrate", password)
        self.assertEqual(code, 0, output)


if __name__ == "__main__":
    unittest.main()
