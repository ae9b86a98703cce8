"""Terraform's state: where it is, who may change it at a time, and that a second plan has nothing to do."""

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.proof.checks import Check, Failed, check, expect
from local.proof.stack import TERRAFORM, Environment

CHECKS: list[Check] = []
EXPECTED_DRIFT = Path(__file__).with_name("expected-drift.json")
APPROVAL_SECONDS = 180


@check(CHECKS, "state: the object is in S3 and has the resources")
def state_object(environment: Environment) -> str:
    managed = [one for one in environment.state()["resources"] if one["mode"] == "managed"]
    expect(managed, f"s3://{environment.state_bucket}/{environment.state_key} has no resources")
    return f"s3://{environment.state_bucket}/{environment.state_key}, {len(managed)} resources"


@check(CHECKS, "state: a second plan has nothing to do")
def second_plan(environment: Environment) -> str:
    allowed = {(entry["type"], entry["attribute"]) for entry in json.loads(EXPECTED_DRIFT.read_text())}
    plan = environment.plan
    found = set(_differences(plan))
    unexpected, gone = found - allowed, allowed - found
    expect(not unexpected, f"the plan would change {_names(unexpected)}")
    expect(not gone, f"no longer different, take it out of {EXPECTED_DRIFT.name}: {_names(gone)}")
    expect(plan["exit_code"] == 0 or allowed, "terraform plan reports changes (-detailed-exitcode 2), none in resources or outputs")
    return f"exit code {plan['exit_code']}, {len(found)} known differences"


def _names(differences: set[tuple[str, str]]) -> str:
    return ", ".join(f"{kind}.{attribute}" for kind, attribute in sorted(differences))


def _differences(plan: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for resource in plan.get("resource_changes", []):
        change = resource["change"]
        if resource["mode"] != "managed" or change["actions"] == ["no-op"]:
            continue
        before, after = change["before"] or {}, change["after"] or {}
        unknown = change.get("after_unknown") or {}
        changed = {
            key
            for key in before.keys() | after.keys() | unknown.keys()
            if unknown.get(key) or before.get(key) != after.get(key)
        }
        for key in changed or {"+".join(change["actions"])}:
            yield resource["type"], key
    for name, change in plan.get("output_changes", {}).items():
        if change["actions"] != ["no-op"]:
            yield "output", name


@check(CHECKS, "state: cdktf's synth, diff and output work on what is deployed")
def other_commands(environment: Environment) -> str:
    outputs = ""
    for command in (["synth"], ["diff", environment.name], ["output", environment.name]):
        answer = environment.stack.cdktf(*command)
        expect(answer.returncode == 0, f"cdktf {command[0]}: exit code {answer.returncode}, {answer.stdout[-400:]}")
        outputs = answer.stdout
    expect(environment.uri in outputs, f"no {environment.uri} among the outputs: {outputs[-400:]}")
    return f"output mlflow_uri = {environment.uri}"


@check(CHECKS, "state: a deploy during another one is refused with the lock's id")
def lock(environment: Environment) -> str:
    with _apply_waiting_for_approval(environment):
        held = environment.lock_id()
        expect(held, "the first terraform waits for approval but holds no lock")
        second = environment.stack.cdktf("deploy", environment.name, "--auto-approve")
    expect(second.returncode != 0, "the second deploy went through while the first one held the lock")
    expect(held in second.stdout, f"the second deploy failed without naming lock {held}: {second.stdout[-400:]}")
    left = environment.lock_id()
    expect(left is None, f"lock {left} is still there after the first terraform ended")
    return f"second deploy: exit code {second.returncode}, names lock {held}; released afterwards"


@contextmanager
def _apply_waiting_for_approval(environment: Environment) -> Iterator[None]:
    """A real `terraform apply` that holds the lock; it is asked to replace something, else it would not ask."""
    addresses = environment.terraform("state", "list").stdout.split()
    address = next((one for one in addresses if not one.startswith("data.")), None)
    expect(address, "terraform state list is empty")
    with tempfile.TemporaryFile("w+") as output:
        first = subprocess.Popen(
            [TERRAFORM, "apply", "-no-color", f"-replace={address}"],
            cwd=environment.folder,
            env=environment.stack.full_environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            _wait_for_question(first, output)
            yield
        finally:
            first.communicate("no\n", timeout=60)


def _wait_for_question(first: subprocess.Popen[str], output: Any) -> None:
    deadline = time.monotonic() + APPROVAL_SECONDS
    while True:
        output.seek(0)
        text = output.read()
        if "Enter a value:" in text:
            return
        if first.poll() is not None or time.monotonic() > deadline:
            raise Failed(f"the first terraform never asked for approval: {text[-400:]}")
        time.sleep(0.3)
