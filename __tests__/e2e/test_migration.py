"""The migration's own command, killed at many of its steps, against a real MySQL-compatible server.

What the next task finds must be put right by itself, or refused with the command that repairs it; never taken for good.
Run by the local stack's Python: `PYTHONPATH=. .local/venv/bin/python __tests__/e2e/test_migration.py`
"""

import asyncio
import os
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
            with open(os.environ["STATEMENTS_LOG"], "a") as log:
                print(" ".join(text.split()), file=log)
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return answer

    pymysql.connections.Connection.query = counted
"""
OLDER = "c8d9e0f1a2b3"
PASSWORD = "a b%c"
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
        env = {
            "PYTHONPATH": str(self.folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "STATEMENTS": str(statements),
            "STATEMENTS_LOG": str(self.folder / "statements"),
        }
        return await self.run_container("migrate", PASSWORD, env=env)

    async def client(self, program: str, *arguments: str, stdin: bytes | None = None) -> bytes:
        """A client program of the server as root."""
        login = [f"--socket={self.server._socket}", "--user=root", f"--password={self.server._root_password}"]
        done = await asyncio.to_thread(
            subprocess.run, [program, "--no-defaults", *login, *arguments], input=stdin, stdout=subprocess.PIPE, check=True
        )
        return done.stdout

    async def dump(self) -> bytes:
        """The whole database as SQL: tables, trigger, rows, but not the numbers of rows to come."""
        return await self.client("mariadb-dump", "--compact", "--order-by-primary", "mlflow")

    async def restore(self, dump: bytes) -> None:
        await self.client("mariadb", stdin=b"DROP DATABASE mlflow; CREATE DATABASE mlflow;")
        await self.client("mariadb", "mlflow", stdin=b"SET FOREIGN_KEY_CHECKS = 0;\n" + dump)

    async def make_older(self) -> None:
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


if __name__ == "__main__":
    unittest.main()
