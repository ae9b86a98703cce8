"""The four secrets are nowhere but in Secrets Manager and in the memory of the processes that need them."""

import base64
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from local.proof.checks import Check, check, expect
from local.proof.stack import PROJECT, Environment

CHECKS: list[Check] = []
SHORTEST_SEARCHABLE = 12


def forms(value: str) -> set[bytes]:
    """The value as it is, URL-encoded, inside a JSON string, and in base64 at each of the three alignments."""
    found = {value, quote(value, safe=""), json.dumps(value)[1:-1]}
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + value.encode()).decode().rstrip("=")
        # The first and the last characters also depend on the neighbours of the value.
        inner = encoded[(0, 2, 3)[lead] : len(encoded) if (lead + len(value.encode())) % 3 == 0 else -1]
        found |= {inner, inner.replace("+", "-").replace("/", "_")}
    return {form.encode() for form in found}


def leaks(environment: Environment, places: Iterator[tuple[str, bytes]]) -> tuple[list[str], int]:
    """Names of secrets with the places that have them, and how many places were searched."""
    needles = [(name, form) for name, value in environment.secrets.items() for form in forms(value)]
    found: list[str] = []
    count = 0
    for place, content in places:
        count += 1
        for name, form in needles:
            if form in content:
                found.append(f"{name} in {place}")
    return sorted(set(found)), count


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and ".terraform" not in path.parts:
            yield str(path.relative_to(folder.parent)), path.read_bytes()


def _report(environment: Environment, places: Iterator[tuple[str, bytes]], what: str) -> str:
    found, count = leaks(environment, places)
    expect(count, f"nothing to search: no {what}")
    expect(not found, "; ".join(found))
    return f"{count} {what}"


@check(CHECKS, "secrets: the search finds a planted secret in every form")
def search_finds(environment: Environment) -> str:
    for name, value in environment.secrets.items():
        expect(len(value) >= SHORTEST_SEARCHABLE, f"{name} is too short to search for ({len(value)} characters)")
    log_dir = environment.stack.log_dir
    planted = 0
    for name, value in environment.secrets.items():
        shapes = {value, quote(value, safe=""), json.dumps({"x": value})}
        shapes |= {base64.b64encode(f"{lead}{value}:tail".encode()).decode() for lead in ("", "u", "us", "user:")}
        for shape in shapes:
            with tempfile.NamedTemporaryFile("w", dir=log_dir, prefix="planted-") as file:
                file.write(f"some text {shape} more text\n")
                file.flush()
                planted_files = (one for one in _files(log_dir) if Path(one[0]).name.startswith("planted-"))
                found, _ = leaks(environment, planted_files)
            expect(any(entry.startswith(name) for entry in found), f"a planted form of {name} was not found")
            planted += 1
    return f"{planted} planted, {planted} found"


@check(CHECKS, "secrets: none in the synthesized configuration")
def synthesized(environment: Environment) -> str:
    return _report(environment, _files(PROJECT / "cdktf.out"), "files")


@check(CHECKS, "secrets: none in the plan")
def plan(environment: Environment) -> str:
    return _report(environment, iter([("plan", json.dumps(environment.plan, ensure_ascii=False).encode())]), "plan as JSON")


@check(CHECKS, "secrets: none in any version of the state")
def state(environment: Environment) -> str:
    return _report(environment, _state_versions(environment), "versions")


def _state_versions(environment: Environment) -> Iterator[tuple[str, bytes]]:
    s3 = environment.stack.aws("s3")
    bucket, key = environment.state_bucket, environment.state_key
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
        for version in page.get("Versions", []):
            answer = s3.get_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
            yield f"{version['Key']} version {version['VersionId']}", answer["Body"].read()


@check(CHECKS, "secrets: none in the task definitions")
def task_definitions(environment: Environment) -> str:
    return _report(environment, _task_definitions(environment), "task definitions")


def _task_definitions(environment: Environment) -> Iterator[tuple[str, bytes]]:
    ecs = environment.stack.aws("ecs")
    for status in ("ACTIVE", "INACTIVE"):
        for arn in ecs.list_task_definitions(status=status)["taskDefinitionArns"]:
            definition = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
            yield arn, json.dumps(definition, default=str, ensure_ascii=False).encode()


@check(CHECKS, "secrets: none in the command line of any process")
def command_lines(environment: Environment) -> str:
    return _report(environment, _command_lines(), "processes")


def _command_lines() -> Iterator[tuple[str, bytes]]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes()
        except OSError:  # it has ended meanwhile
            continue
        program = command.partition(b"\0")[0].decode(errors="replace")
        yield f"{path} ({program})", command


@check(CHECKS, "secrets: none in the logs")
def logs(environment: Environment) -> str:
    return _report(environment, _files(environment.stack.log_dir), "files")
