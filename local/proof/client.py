"""The stock MLflow client with a bearer token."""

import json
import subprocess
import sys
from typing import Any

from local.proof.checks import Check, Failed, check, expect
from local.proof.stack import PROJECT, Environment

CHECKS: list[Check] = []
PATIENCE_SECONDS = 180


def _seen(environment: Environment) -> dict[str, Any]:
    if "program" not in environment.seen:
        raise Failed("the program did not finish, see its check")
    return environment.seen["program"]


@check(CHECKS, "client: a program with a URI, a token and a CA file runs to its end")
def program(environment: Environment) -> str:
    stack = environment.stack
    variables = {
        "MLFLOW_TRACKING_URI": environment.uri,
        "MLFLOW_TRACKING_TOKEN": stack.token(stack.user, environment.programs_client_id),
        "REQUESTS_CA_BUNDLE": str(stack.ca_bundle),
    }
    try:
        done = subprocess.run(
            [sys.executable, str(PROJECT / "local" / "proof" / "program.py")],
            # Not a condition of the stack: without it the client reports its usage to its maker.
            env={**variables, "DO_NOT_TRACK": "true"},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"not finished after {PATIENCE_SECONDS} s: the client repeats calls that the server cannot answer") from None
    if done.returncode != 0:
        raise Failed(f"exit code {done.returncode}: {done.stderr.strip().splitlines()[-1]}")
    seen = environment.seen["program"] = json.loads(done.stdout.splitlines()[-1])
    return f"mlflow {seen['version']}, run {seen['run_id']}"


@check(CHECKS, "client: parameters, metrics and tags are read back identical")
def read_back(environment: Environment) -> str:
    seen = _seen(environment)
    for what in ("params", "metrics", "tags"):
        expect(seen[f"{what}_identical"], f"{what} differ from what was logged")
    return f"{seen['values']} metric values"


@check(CHECKS, "client: a 50 MB artifact is read back identical")
def artifact(environment: Environment) -> str:
    seen = _seen(environment)
    expect(seen["sha256"] == seen["sha256_read_back"], f"sha256 {seen['sha256']} became {seen['sha256_read_back']}")
    return f"sha256 {seen['sha256'][:12]}…, up {seen['upload_seconds']} s, down {seen['download_seconds']} s"


@check(CHECKS, "client: a model is registered, loaded from the registry and predicts")
def model(environment: Environment) -> str:
    seen = _seen(environment)
    expect(seen["registered"], "the registered version does not belong to the run")
    expect(seen["predictions"] == [1.0, 0.0], f"it predicts {seen['predictions']}")
    return f"{seen['model']} version {seen['model_version']}"
