"""Slow, silent and interrupted uploads through the real nginx (as the load balancer), oauth2-proxy and MLflow; signed URLs.

Run by the local stack's Python, after `npm run build`: `PYTHONPATH=. .local/venv/bin/python __tests__/e2e/test_transfers.py`.

The load balancer and oauth2-proxy wait for 2 seconds instead of minutes; uvicorn has the constructs' options.
"""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from collections.abc import Iterator
from pathlib import Path

from local.load_balancer.model import Listener, LoadBalancer
from local.load_balancer.nginx import render
from local.tasks.network import free_ports

WAIT = 2
UVICORNS_OWN = 5
"""Its defaults, which the constructs' options replace."""
CONSTRUCTS = """
const { OAUTH2_PROXY_VERSION } = require("./dist/constructs/containers/images");
const { mlflowContainer } = require("./dist/constructs/containers/mlflow");
const { environment } = mlflowContainer({ backendStore: {}, serverOptions: "", region: "eu-west-1" });
console.log(JSON.stringify([OAUTH2_PROXY_VERSION, Object.fromEntries(environment.map(({ name, value }) => [name, value]))]));
"""
GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/mlflow/0123456789abcdef"
PATH = "/api/2.0/mlflow-artifacts/artifacts/"

folder = Path()
environment: dict[str, str] = {}
processes: dict[str, subprocess.Popen[bytes]] = {}
load_balancer, proxy, server = free_ports(3)


def setUpModule() -> None:  # noqa: N802 - the name is unittest's
    global folder, environment
    temporary = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(temporary.cleanup)
    folder = Path(temporary.name)
    answer = subprocess.run(["node", "-e", CONSTRUCTS], check=True, capture_output=True, text=True)
    version, environment = json.loads(answer.stdout)
    unittest.addModuleCleanup(stop)
    (folder / "artifacts").mkdir()
    start(
        "mlflow",
        [sys.executable, "-m", "mlflow", "server", "--artifacts-only"],
        MLFLOW_PORT=str(server),
        MLFLOW_WORKERS="2",
        MLFLOW_UVICORN_OPTS=environment["MLFLOW_UVICORN_OPTS"],
        MLFLOW_ARTIFACTS_DESTINATION=str(folder / "artifacts"),
        MLFLOW_SERVER_ALLOWED_HOSTS="localhost:*",
        MLFLOW_DISABLE_TELEMETRY="true",
    )
    start(
        "oauth2-proxy",
        [
            f"{os.getcwd()}/.local/bin/oauth2-proxy-{version}",
            f"--http-address=127.0.0.1:{proxy}",
            f"--upstream=http://127.0.0.1:{server}",
            f"--upstream-timeout={WAIT}s",
            "--provider=github",
            "--client-id=x",
            "--client-secret=x",
            "--cookie-secret=0123456789abcdef",
            "--email-domain=*",
            "--skip-auth-route=.*",
        ],
    )
    listener = Listener(load_balancer, None, (), (), {"Type": "forward", "TargetGroupArn": GROUP})
    balancer = LoadBalancer("mlflow", ("localhost",), WAIT, True, True, (listener,))
    configuration = folder / "nginx.conf"
    configuration.write_text(render([balancer], {GROUP: [("127.0.0.1", proxy)]}, {}, folder, folder))
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin") or "nginx"
    start("nginx", [nginx, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(configuration), "-g", "daemon off;"])
    for port, path in ((server, "/health"), (proxy, "/ping"), (load_balancer, "/health")):
        wait_for(port, path)


def start(name: str, command: list[str], **variables: str) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), **variables}
    with (folder / f"{name}.log").open("wb") as log:
        processes[name] = subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=folder, start_new_session=True)


def stop() -> None:
    for process in processes.values():
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


def wait_for(port: int, path: str) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            connection = http.client.HTTPConnection("localhost", port, timeout=5)
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        if time.monotonic() > deadline:
            raise TimeoutError("\n".join(log.read_text() for log in folder.glob("*.log")))
        time.sleep(0.2)


def body(pauses: list[float]) -> tuple[bytes, Iterator[bytes]]:
    """Random bytes, and the same in pieces with a pause after each."""
    pieces = [os.urandom(16 * 1024) for _ in pauses]

    def slowly() -> Iterator[bytes]:
        for piece, pause in zip(pieces, pauses):
            yield piece
            time.sleep(pause)

    return b"".join(pieces), slowly()


def children(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


class Upload(threading.Thread):
    """An upload in the background."""

    def __init__(self, port: int, name: str, pauses: list[float]) -> None:
        super().__init__(daemon=True)
        self.outcome: object = "none yet"
        self._port, self._file = port, folder / "artifacts" / name
        self._content, self._pieces = body(pauses)
        self.start()

    def run(self) -> None:
        connection = http.client.HTTPConnection("localhost", self._port, timeout=60)
        try:
            headers = {"Content-Length": str(len(self._content))}
            connection.request("PUT", PATH + self._file.name, self._pieces, headers)
            self.outcome = connection.getresponse().status
        except OSError as error:
            self.outcome = type(error).__name__
        finally:
            connection.close()

    @property
    def stored(self) -> bool:
        self.join()
        return self._file.is_file() and self._file.read_bytes() == self._content


class APresignedURL(unittest.TestCase):
    def test_leads_to_the_region_of_the_bucket(self) -> None:
        code = """
from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository
client = S3ArtifactRepository("s3://bucket/")._get_s3_client()
print(client.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "key"}))
"""
        credentials = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
        env = {"PATH": os.environ["PATH"], **environment, **credentials}
        url = subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True).stdout
        self.assertTrue(url.startswith("https://bucket.s3.eu-west-1.amazonaws.com/key?"), url)


class ASlowUpload(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.kept = http.client.HTTPConnection("localhost", server, timeout=10)
        cls.kept.request("GET", "/health")
        cls.kept.getresponse().read()
        cls.addClassCleanup(cls.kept.close)
        cls.silent_since = time.monotonic()
        cls.slow = Upload(load_balancer, "slow.bin", [WAIT / 4] * 4 * 4)
        cls.silent = Upload(load_balancer, "silent.bin", [0, 2 * WAIT, 0])

    def test_arrives_while_it_is_sent(self) -> None:
        time.sleep(WAIT)
        arrived = sum(file.stat().st_size for file in (folder / "artifacts").iterdir())
        self.assertTrue(self.slow.is_alive())
        self.assertGreater(arrived, 0)

    def test_is_cut_when_it_is_silent(self) -> None:
        self.assertFalse(self.silent.stored)
        self.assertNotEqual(200, self.silent.outcome)

    def test_survives_all_timeouts_when_it_is_not(self) -> None:
        self.assertTrue(self.slow.stored, self.slow.outcome)
        self.assertEqual(200, self.slow.outcome)

    def test_survives_by_a_connection_that_was_silent_before(self) -> None:
        time.sleep(max(0, self.silent_since + UVICORNS_OWN + 1 - time.monotonic()))
        self.kept.request("GET", "/health")
        self.assertEqual(200, self.kept.getresponse().status)

    @unittest.skipUnless(sys.platform == "linux", "reads /proc")
    def test_survives_in_a_worker_that_stands_still(self) -> None:
        upload = Upload(server, "stopped.bin", [1] * 3)
        time.sleep(1)
        workers = self._workers()
        self.assertEqual(2, len(workers))
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)
        time.sleep(UVICORNS_OWN + 3)
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
        self.assertTrue(upload.stored, upload.outcome)
        self.assertEqual(workers, self._workers())

    def _workers(self) -> list[int]:
        uvicorn = children(processes["mlflow"].pid)[0]
        return [pid for pid in children(uvicorn) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


class AStoppedTask(unittest.TestCase):
    def test_ends_what_is_under_way(self) -> None:
        uploads = {
            "oauth2-proxy": Upload(load_balancer, "proxy-stops.bin", [1] * 3),
            "mlflow": Upload(server, "mlflow-stops.bin", [1] * 5),
        }
        for name, upload in uploads.items():
            with self.subTest(name):
                time.sleep(1)
                processes[name].terminate()
                self.assertTrue(upload.stored, upload.outcome)
                self.assertEqual(200, upload.outcome)
                processes[name].wait(60)


if __name__ == "__main__":
    unittest.main()
