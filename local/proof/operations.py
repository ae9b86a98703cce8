"""What an operator does, and what the database does by itself, under clients that log metrics all the time."""

import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import pymysql
import requests

from local.proof.checks import Check, Failed, check, expect
from local.proof.stack import PROJECT, Environment
from local.proof.storage import connect

CHECKS: list[Check] = []
STOPPED_SECONDS = 20
PATIENCE_SECONDS = 120
EVERY_SECONDS = 0.1
# A worker of MLflow that has not used the database yet tries for 102 seconds before it answers.
ANSWER_SECONDS = 15
MORE = 20


class Clients:
    """Two clients with a run each: the stock one, and one that repeats nothing, so that each refusal is seen."""

    def __init__(self, environment: Environment) -> None:
        stack = environment.stack
        self._environment = environment
        self._token = stack.token(stack.user, environment.programs_client_id)
        self.acknowledged: list[int] = []
        self.refused: list[str] = []
        self._moments: list[float] = []
        self._complaints = tempfile.TemporaryFile("w+")
        self._stop = threading.Event()
        self._work = threading.Thread(target=self._log)
        self.run_id = self._call("runs/create", {"experiment_id": "0", "start_time": int(time.time() * 1000)}).json()["run"]["info"]["run_id"]

    def __enter__(self) -> "Clients":
        self._stock = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("points.py"))],
            env={
                "MLFLOW_TRACKING_URI": self._environment.uri,
                "MLFLOW_TRACKING_TOKEN": self._token,
                "REQUESTS_CA_BUNDLE": str(self._environment.stack.ca_bundle),
                "DO_NOT_TRACK": "true",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
        )
        assert self._stock.stdout
        self.stock_run_id = self._stock.stdout.readline().strip()
        expect(self.stock_run_id, f"the stock client does not start: {self._complained()}")
        self._work.start()
        self.wait(lambda: len(self.acknowledged) > MORE, "points are not acknowledged")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self._stop.set()
        self._work.join()
        if kind:
            self._stock.kill()
        self._said, _ = self._stock.communicate()

    def wait(self, condition: Callable[[], object], otherwise: str) -> float:
        """Waits for something; returns for how long."""
        started = time.monotonic()
        while not condition():
            if time.monotonic() - started > PATIENCE_SECONDS:
                raise Failed(f"{otherwise} in {PATIENCE_SECONDS} s: {Counter(self.refused)}")
            time.sleep(EVERY_SECONDS)
        return time.monotonic() - started

    def summary(self) -> str:
        """How it went, after both have ended. Fails if a point that was acknowledged is not stored."""
        stored = self._stored(self.run_id)
        lost = set(self.acknowledged) - stored
        expect(not lost, f"{len(lost)} of {len(self.acknowledged)} acknowledged points are not stored")
        expect(self._stock.returncode == 0, f"the stock client failed: {self._complained()}")
        sent = json.loads(self._said.splitlines()[-1])["points"]
        found = len(self._stored(self.stock_run_id))
        expect(found == sent, f"{found} of the {sent} points of the stock client are stored")
        gap = max(later - earlier for earlier, later in itertools.pairwise(self._moments))
        return (
            f"sent {len(self.acknowledged) + len(self.refused)}, acknowledged {len(self.acknowledged)}, stored {len(stored)}; "
            f"{gap:.1f} s without an acknowledgement, refused {dict(Counter(self.refused))}; stock client {sent} of {found}"
        )

    def _complained(self) -> str:
        self._complaints.seek(0)
        return self._complaints.read().strip()[-400:]

    def _log(self) -> None:
        for step in itertools.count():
            point = {"run_id": self.run_id, "key": "loss", "value": step, "step": step, "timestamp": int(time.time() * 1000)}
            try:
                status = str(self._call("runs/log-metric", point).status_code)
            except requests.RequestException as error:
                status = type(error).__name__
            if status == "200":
                self.acknowledged.append(step)
                self._moments.append(time.monotonic())
            else:
                self.refused.append(status)
            if self._stop.wait(EVERY_SECONDS):
                return

    def _call(self, path: str, content: dict[str, Any]) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            return session.post(
                f"{self._environment.uri}/api/2.0/mlflow/{path}",
                json=content,
                headers={"Authorization": f"Bearer {self._token}"},
                verify=str(self._environment.stack.ca_bundle),
                timeout=ANSWER_SECONDS,
            )

    def _stored(self, run_id: str) -> set[int]:
        with connect(self._environment) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT step FROM metrics WHERE run_uuid = %s", run_id)
            return {row[0] for row in cursor.fetchall()}


def _tasks(environment: Environment) -> set[str]:
    """Every task that was ever started: each has a folder of its own for its logs."""
    [cluster] = environment.resources("aws_ecs_cluster")
    return {one.name for one in (environment.stack.log_dir / cluster["name"]).iterdir()}


@check(CHECKS, "operations: the database stops and starts, and nothing that was acknowledged is lost")
def database_stops(environment: Environment) -> str:
    rds = environment.stack.aws("rds")
    cluster = environment.resources("aws_rds_cluster")[0]["cluster_identifier"]
    tasks = _tasks(environment)
    with Clients(environment) as clients:
        rds.stop_db_cluster(DBClusterIdentifier=cluster)
        try:
            clients.wait(lambda: clients.refused, "the database is stopped, but every point is acknowledged")
            time.sleep(STOPPED_SECONDS)
            while_stopped = len(clients.acknowledged)
        finally:
            rds.start_db_cluster(DBClusterIdentifier=cluster)
        seconds = clients.wait(lambda: len(clients.acknowledged) > while_stopped, "no point is acknowledged again")
        clients.wait(lambda: len(clients.acknowledged) > while_stopped + MORE, "points are acknowledged no longer")
    expect(_tasks(environment) == tasks, f"new tasks were started: {_tasks(environment) - tasks}")
    return f"{clients.summary()}; the same task answers again {seconds:.1f} s after the start"


@check(CHECKS, "operations: the database password is rotated by the script, and nothing that was acknowledged is lost")
def password_rotated(environment: Environment) -> str:
    old = dict(environment.secrets)
    tasks = _tasks(environment)
    with tempfile.TemporaryDirectory() as folder, Clients(environment) as clients:
        variables = environment.stack.full_environment
        shutil.copytree(PROJECT / variables["ENVIRONMENTS"], folder, dirs_exist_ok=True)
        rotated = subprocess.run(
            ["scripts/rotate-database-password.sh", environment.name, "--", "--auto-approve", "--skip-provider-lock"],
            cwd=PROJECT,
            env={**variables, "ENVIRONMENTS": folder},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )
        expect(rotated.returncode == 0, f"exit code {rotated.returncode}: {rotated.stdout[-500:]}")
        until = len(clients.acknowledged)
        clients.wait(lambda: len(clients.acknowledged) > until + MORE, "points are not acknowledged after the rotation")
    del environment.secrets
    expect(environment.secrets["store-db-password"] != old["store-db-password"], "the secret has its old value")
    summary = clients.summary()
    try:
        connect(environment, old["store-db-password"]).close()
        raise Failed("the database still takes the old password")
    except pymysql.OperationalError as error:
        expect("Access denied" in str(error), f"the old password gets {error}")
    expect(_tasks(environment) - tasks, "no new task was started")
    # The search for secrets that comes later must not find the old one either.
    environment.secrets["store-db-password before"] = old["store-db-password"]
    return summary
