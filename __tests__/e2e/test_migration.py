"""The migration's own command, killed at many of its steps, against a real MySQL-compatible server.

What the next task finds must be put right by itself, or refused with the command that repairs it, never taken for good.
Run by the local stack's Python: `PYTHONPATH=. .local/venv/bin/python __tests__/e2e/test_migration.py`
"""

import asyncio
import re
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from backend_store import BackendStoreCase

# Ends the process that runs the migration as soon as the server has answered its n-th statement that changes something.
KILL = """
import os, signal, sys
if sys.orig_argv[-1] == "-":
    import pymysql.connections
    query, left = pymysql.connections.Connection.query, int(os.environ["STATEMENTS"])

    def counted(self, sql, unbuffered=False):
        global left
        answer = query(self, sql, unbuffered)
        text = sql.decode() if isinstance(sql, bytes) else sql
        if text.split(None, 1)[0].upper() in ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE"):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return answer

    pymysql.connections.Connection.query = counted
"""
OLDER = "c8d9e0f1a2b3"  # 19 revisions before that of MLflow 3.17.2
PASSWORD = "a b%c"
KILLED = -signal.SIGKILL
REFUSED = re.compile(r"restore the database as it was before, with scripts/restore-database.sh ENVIRONMENT --time (\S+)$")
ROWS = b"""
INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage) VALUES (1, 'Default', 'mlflow-artifacts:/1', 'active');
INSERT INTO runs (run_uuid, name, experiment_id, status, lifecycle_stage, start_time) VALUES ('r1', 'first', 1, 'FINISHED', 'active', 1);
INSERT INTO params (run_uuid, `key`, value) VALUES ('r1', 'rate', '0.1');
INSERT INTO metrics (run_uuid, `key`, value, timestamp, step, is_nan) VALUES ('r1', 'loss', 0.5, 1, 1, 0), ('r1', 'loss', 0.25, 2, 2, 0);
INSERT INTO registered_models (name, creation_time) VALUES ('churn', 1);
INSERT INTO model_versions (name, version, creation_time, run_id) VALUES ('churn', 1, 1, 'r1');
INSERT INTO trace_info (request_id, experiment_id, timestamp_ms, status) VALUES ('t1', 1, 1, 'OK');
INSERT INTO trace_request_metadata (request_id, `key`, value) VALUES ('t1', 'mlflow.trace.tokenUsage', '{"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}');
INSERT INTO trace_tags (request_id, `key`, value) VALUES ('t1', 'mlflow.traceName', 'predict');
"""


class MigrationTest(BackendStoreCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "sitecustomize.py").write_text(KILL)
        await self.password(PASSWORD)

    async def migrate(self, statements: int = 0) -> tuple[int, str]:
        """Runs the migration, which is killed after so many statements."""
        env = {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1", "STATEMENTS": str(statements)}
        return await self.run_container("migrate", PASSWORD, env=env)

    async def client(self, program: str, *arguments: str, stdin: bytes | None = None) -> bytes:
        """A client program of the server, as root."""
        (self.folder / "login").write_text(f"[client]\nuser=root\npassword={self.server.root_password}\n")
        command = [program, f"--defaults-file={self.folder / 'login'}", f"--socket={self.server.socket}", *arguments]
        return (await asyncio.to_thread(subprocess.run, command, input=stdin, stdout=subprocess.PIPE, check=True)).stdout

    async def dump(self) -> bytes:
        """The whole database as SQL: tables, indices, trigger, rows."""
        return await self.client("mariadb-dump", "--compact", "--order-by-primary", "mlflow")

    async def restore(self, dump: bytes) -> None:
        """Puts the database back to what it was, as a snapshot does."""
        await self.client("mariadb", stdin=b"DROP DATABASE mlflow; CREATE DATABASE mlflow;")
        await self.client("mariadb", "mlflow", stdin=b"SET FOREIGN_KEY_CHECKS = 0;\n" + dump)

    async def make_older(self) -> bytes:
        """A database that an older MLflow has worked with."""
        older = (
            "import os, alembic.command, mlflow.store.db.utils as db;"
            "engine = db.create_sqlalchemy_engine(os.environ['MLFLOW_BACKEND_STORE_URI']);"
            "db.InitialBase.metadata.create_all(engine);"
            f"alembic.command.upgrade(db._get_alembic_config(str(engine.url.render_as_string(False))), '{OLDER}')"
        )
        code, output = await self.run_container("mlflow", PASSWORD, instead=older)
        self.assertEqual(code, 0, output)
        await self.client("mariadb", "mlflow", stdin=ROWS)
        return await self.dump()

    async def content(self) -> list[bytes]:
        """The same without its order: Python's sets decide on the order in which MLflow makes the indices of a table."""
        return sorted(line.rstrip(b",") for line in (await self.dump()).splitlines())

    async def upgraded(self) -> list[bytes]:
        """The database's content after a migration that nobody disturbs."""
        code, output = await self.migrate()
        self.assertEqual(code, 0, output)
        return await self.content()

    async def test_a_schema_that_was_never_used_is_made_anew_by_the_next_task(self) -> None:
        whole = await self.upgraded()
        await self.restore(b"")
        # Each task takes up what the one before has left. The last one is killed when it has dropped all tables.
        for number, statements in enumerate((3, 9, 120, 290, 1)):
            with self.subTest(statements):
                code, output = await self.migrate(statements)
                self.assertEqual((code, "it is made anew" in output), (KILLED, number > 0), output)
                self.assertNotEqual(await self.content(), whole)
        self.assertEqual(await self.upgraded(), whole)

    async def test_a_database_in_use_is_upgraded_by_the_next_task_or_restored(self) -> None:
        before = await self.make_older()
        after = await self.upgraded()
        refused = []
        for statements in (2, 3, 111, 139, 141):
            with self.subTest(statements):
                await self.restore(before)
                code, output = await self.migrate(statements)
                self.assertEqual(code, KILLED, output)
                [began] = re.findall(r" since (\S+)$", output, re.MULTILINE)
                code, output = await self.migrate()
                if code == 0:
                    self.assertEqual(await self.content(), after)
                else:
                    self.assertEqual(REFUSED.findall(output.strip()), [began], output)
                    refused.append(statements)
        self.assertEqual(refused, [3, 141])
        await self.restore(before)
        self.assertEqual(await self.upgraded(), after)

    async def test_an_older_mlflow_that_comes_back_does_no_harm(self) -> None:
        await self.upgraded()
        await self.client("mariadb", "mlflow", stdin=b"ALTER TABLE alembic_version COMMENT = 'a-newer-one since 2026-01-31T09:30:00Z'")
        half = await self.content()
        self.assertEqual(await self.upgraded(), half)
        newer = b"UPDATE alembic_version SET version_num = 'a-newer-one'; INSERT INTO experiments (name, workspace) VALUES ('a', 'default')"
        await self.client("mariadb", "mlflow", stdin=newer)
        newer = await self.content()
        code, output = await self.migrate()
        self.assertEqual(code, 1, output)
        self.assertIn("the schema (a-newer-one) is that of a newer MLflow: deploy that one again, or restore the database", output)
        self.assertEqual(await self.content(), newer)


if __name__ == "__main__":
    unittest.main()
