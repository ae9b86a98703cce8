#!/usr/bin/env python3
"""A large artifact up and down by every way that it can go, side by side on the running local stack (Linux, root):

    scripts/local.sh up --detach && PYTHONPATH=. .local/venv/bin/python bench/artifacts.py [MEGABYTES]

Seconds, and for each process the most memory that it had, with how much more that was than before, in MiB.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from local import state
from local.proof.memory import Process, processes
from local.proof.stack import Environment, Stack

NAMES = ("load balancer", "oauth2-proxy", "mlflow", "AWS emulator")
MIB = 1024 * 1024
CLIENT = """
import json, os, sys, time
from pathlib import Path
from mlflow.tracking import MlflowClient
from local.proof.memory import Process
direction, run_id, file, folder = sys.argv[1:]
client, me = MlflowClient(), Process("client", os.getpid())
run_id = run_id or client.create_run("0").info.run_id
before = me.resident
me.reset_peak()
started = time.monotonic()
if direction == "up":
    client.log_artifact(run_id, file)
else:
    client.download_artifacts(run_id, Path(file).name, folder)
seconds = time.monotonic() - started
print(json.dumps({"run_id": run_id, "seconds": seconds, "peak": me.peak, "grown": me.peak - before}))
"""
# The client's own 120 seconds are short for an emulator that takes a gigabyte.
PATIENT = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "600", "DO_NOT_TRACK": "true", "PYTHONPATH": "."}
THROUGH_MLFLOW = {"MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "false", "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false"}
STRAIGHT_TO_S3 = {"MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "true", "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "true"}


def ways(environment: Environment) -> dict[str, tuple[list[str], dict[str, str]]]:
    """For each way, how its client is entered and what it is told."""
    stack = environment.stack
    gate = {
        "MLFLOW_TRACKING_URI": environment.uri,
        "MLFLOW_TRACKING_TOKEN": stack.token(stack.user, environment.programs_client_id),
        "REQUESTS_CA_BUNDLE": str(stack.ca_bundle),
    }
    server = processes("mlflow")[0].pid
    variables = dict(one.split("=", 1) for one in Path(f"/proc/{server}/environ").read_text().split("\0") if "=" in one)
    task = {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{variables['MLFLOW_PORT']}"}
    return {
        "direct": (["nsenter", "--net", "--target", str(server)], {**task, **THROUGH_MLFLOW}),
        "chain": ([], {**gate, **THROUGH_MLFLOW}),
        "presigned": ([], {**gate, **STRAIGHT_TO_S3}),
    }


def transfer(way: tuple[list[str], dict[str, str]], direction: str, run_id: str, file: Path, folder: Path) -> dict:
    enter, variables = way
    command = [*enter, sys.executable, "-c", CLIENT, direction, run_id, str(file), str(folder)]
    env = {"PATH": os.environ["PATH"], **PATIENT, **variables}
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(way: tuple[list[str], dict[str, str]], direction: str, run_id: str, file: Path, folder: Path) -> dict[str, str]:
    """One column of the table."""
    measured = processes(*NAMES)
    before = {one: one.resident for one in measured}
    for one in measured:
        one.reset_peak()
    seen = transfer(way, direction, run_id, file, folder)
    column = {"seconds": f"{seen['seconds']:.1f}", "client": cell(seen["peak"], seen["grown"])}
    return column | {label(one): cell(one.peak, one.peak - before[one]) for one in measured}


def label(one: Process) -> str:
    return f"{one.name} {one.pid}"


def cell(peak: int, grown: int) -> str:
    return f"{peak // MIB} {grown // MIB:+d}"


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    environment = Stack.read(state.STACK).environments[0]
    columns: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file, small = folder / "large.bin", folder / "small.bin"
        small.write_bytes(os.urandom(MIB))
        with file.open("wb") as output:
            for _ in range(megabytes):
                output.write(os.urandom(MIB))
        for way_name, way in ways(environment).items():
            run_id = transfer(way, "up", "", small, folder)["run_id"]
            columns[f"{way_name} up"] = measure(way, "up", run_id, file, folder)
            with tempfile.TemporaryDirectory() as downloads:
                columns[f"{way_name} down"] = measure(way, "down", run_id, file, Path(downloads))
                if sha256(Path(downloads) / file.name) != sha256(file):
                    sys.exit(f"{way_name}: what came back differs from what was sent")
    rows = next(iter(columns.values()))
    print(f"{f'{megabytes} MiB':<22}" + "".join(f"{one:>16}" for one in columns))
    for row in rows:
        print(f"{row:<22}" + "".join(f"{column.get(row, ''):>16}" for column in columns.values()))


if __name__ == "__main__":
    main()
