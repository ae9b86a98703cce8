"""Runs checkov over stacks and plans: every finding has an exception with a reason, every exception a finding.

Run by run.sh.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from local.settings import HOME, PROJECT

EXCEPTIONS = Path(__file__).with_name("exceptions.yaml")
ENVIRONMENTS = {"environments": "environments", "local": "local/environments", "review": "__tests__/checkov/environments"}
PLANNED = ("examples/documented", "review/closed")
PLANTED = {
    # A bucket without a public access block, a database on the internet, a container that may write its root file system.
    "planted/stack": {("CKV2_AWS_6", "planted"), ("CKV_AWS_17", "mlflow_backend-store_instance")},
    "planted/plan": {("CKV_AWS_17", "mlflow_backend-store_instance"), ("CKV_AWS_336", "mlflow_service_task-definition")},
}
"""What checkov must find in a stack and a plan that have it planted: it passes over what it cannot read."""


@dataclass(frozen=True)
class Result:
    """What one check says of one resource."""

    where: str
    check: str
    resource: str
    name: str
    passed: bool

    def __str__(self) -> str:
        return f"{self.where}: {self.check} {self.resource}: {self.name}"


@dataclass
class Entry:
    """One of exceptions.yaml."""

    check: str
    resource: str
    reason: str
    where: list[str] = field(default_factory=lambda: ["*"])

    def covering(self, result: Result) -> str | None:
        """The entry of `where` that the result falls under."""
        if self.check != result.check or not fnmatch(result.resource, self.resource):
            return None
        return next((one for one in self.where if fnmatch(result.where, one)), None)


def synthesize(folder: Path) -> dict[str, Path]:
    """All stacks, as `<where from>/<name>`."""

    def node(program: Path, label: str, **variables: str) -> None:
        outdir = folder / label
        outdir.mkdir(exist_ok=True)
        subprocess.run(["node", program], cwd=PROJECT, env={**os.environ, **variables, "CDKTF_OUTDIR": str(outdir)}, check=True)

    for example in sorted(PROJECT.glob("dist/examples/*/main.js")):
        node(example, "examples")
    for label, environments in ENVIRONMENTS.items():
        node(PROJECT / "dist/main.js", label, ENVIRONMENTS=environments)
    files = sorted(folder.glob("*/stacks/*/cdk.tf.json"))
    return {f"{file.parts[-4]}/{file.parts[-2]}": file for file in files}


def readable_stack(text: str) -> dict[str, Any]:
    """A stack without what checkov stumbles over, silently: Terraform's settings, and the `ephemeral` block."""
    config = json.loads(text)
    stack = {block: config[block] for block in ("provider", "data", "resource")}
    for attributes in stack["resource"]["aws_ecs_task_definition"].values():
        # A text to checkov, which passes whatever it says. In a plan it looks into it.
        del attributes["container_definitions"]
    for attributes in stack["resource"].get("aws_wafv2_web_acl", {}).values():
        expand_rules(attributes)
    return stack


def readable_plan(text: str) -> dict[str, Any]:
    """A plan with a firewall's rules as checkov reads them."""
    plan = json.loads(text)
    values = [one["values"] for one in planned(plan, "aws_wafv2_web_acl")]
    changes = [one["change"]["after"] for one in plan["resource_changes"] if one["type"] == "aws_wafv2_web_acl"]
    for attributes in values + changes:
        expand_rules(attributes)
    return plan


def planned(plan: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The planned resources of a type."""
    return [one for one in plan["planned_values"]["root_module"]["resources"] if one["type"] == kind]


def expand_rules(attributes: dict[str, Any]) -> None:
    """The rules of `rule_json` as blocks, which checkov knows alone."""
    attributes["rule"] = blocks(json.loads(attributes.pop("rule_json")))


def blocks(value: Any) -> Any:
    """The WAF API's spelling and shape in Terraform's."""
    if isinstance(value, list):
        return [blocks(one) for one in value]
    if not isinstance(value, dict):
        return value
    pairs = ((re.sub(r"(?<!^)(?=[A-Z])", "_", key).lower(), blocks(inner)) for key, inner in value.items())
    return {key: [inner] if isinstance(inner, dict) else inner for key, inner in pairs}


def plant(stack: dict[str, Any], plan: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Copies with what checkov must find."""
    stack, plan = json.loads(json.dumps([stack, plan]))
    stack["resource"]["aws_s3_bucket"]["planted"] = {"bucket": "planted"}
    (instance,) = stack["resource"]["aws_rds_cluster_instance"].values()
    (planned_instance,) = planned(plan, "aws_rds_cluster_instance")
    for one in (instance, planned_instance["values"]):
        one["publicly_accessible"] = True
    (task,) = planned(plan, "aws_ecs_task_definition")
    containers = json.loads(task["values"]["container_definitions"])
    containers[0]["readonlyRootFilesystem"] = False
    task["values"]["container_definitions"] = json.dumps(containers)
    return stack, plan


def prepare(folder: Path) -> set[str]:
    """Writes what checkov is to read into the folder; returns the names of all stacks and plans."""

    def write(name: str, content: dict[str, Any], ending: str) -> None:
        file = folder / name / f"input{ending}"
        file.parent.mkdir(parents=True)
        # One value a line: checkov counts lines.
        file.write_text(json.dumps(content, indent=1))

    with tempfile.TemporaryDirectory() as scratch:
        files = synthesize(Path(scratch))
        stacks = {name: readable_stack(file.read_text()) for name, file in files.items()}
        plans = {f"plans/{name.split('/')[1]}": Path(scratch, f"{index}.json") for index, name in enumerate(PLANNED)}
        arguments = [str(path) for name, plan in zip(PLANNED, plans.values()) for path in (files[name], plan)]
        subprocess.run([sys.executable, "-m", "checkov.plan", *arguments], cwd=PROJECT, check=True)
        contents = {name: readable_plan(plan.read_text()) for name, plan in plans.items()}
    planted_stack, planted_plan = plant(stacks[PLANNED[0]], next(iter(contents.values())))
    for name, content in {**stacks, "planted/stack": planted_stack}.items():
        write(name, content, ".tf.json")
    for name, content in {**contents, "planted/plan": planted_plan}.items():
        write(name, content, ".json")
    return stacks.keys() | contents.keys()


def check(folder: Path) -> tuple[list[Result], list[str]]:
    """What checkov says of a folder, and where it failed itself. It asks nobody on the network."""
    offline = {"BC_SKIP_MAPPING": "TRUE", "SKIP_PACKAGE_UPDATE_CHECK": "TRUE", "LOG_LEVEL": "ERROR"}
    answer = subprocess.run(
        [
            *(HOME / "checkov/bin/checkov", "--directory", "."),
            *("--framework", "terraform_json", "terraform_plan"),
            *("--skip-download", "--soft-fail", "--compact", "--output", "json"),
        ],
        cwd=folder,
        env={**os.environ, **offline},
        capture_output=True,
        text=True,
    )
    if answer.returncode != 0:
        sys.exit(f"checkov: exit code {answer.returncode}\n{answer.stdout}{answer.stderr}")
    return [result for report in json.loads(answer.stdout) for result in results(report)], re.findall(
        r"\[ERROR\]\s+(.*)", answer.stderr
    )


def results(report: dict[str, Any]) -> Iterator[Result]:
    for kind in ("passed_checks", "failed_checks"):
        for record in report["results"][kind]:
            yield Result(
                where=str(Path(record["file_path"]).parent).strip("/"),
                check=record["check_id"],
                # Without the type, which is sometimes told and sometimes not, and without CDKTF's hash.
                resource=re.sub(r"_[0-9A-F]{8}$", "", record["resource"].split(".", 1)[-1]),
                name=record["check_name"],
                passed=kind == "passed_checks",
            )


def judge(everything: list[Result], names: set[str], entries: list[Entry]) -> list[str]:
    """What has no exception, what exceptions are for nothing, and what checkov has not seen though it should."""
    problems = []
    for name, wanted in PLANTED.items():
        found = {(one.check, one.resource) for one in everything if one.where == name and not one.passed}
        problems += [f"{name}: {check} {resource} is planted, and not found" for check, resource in sorted(wanted - found)]
    problems += [f"{name}: checkov has read nothing of it" for name in sorted(names - {one.where for one in everything})]
    unused = {(index, where) for index, entry in enumerate(entries) for where in entry.where}
    for finding in (one for one in everything if one.where in names and not one.passed):
        covering = {(index, where) for index, entry in enumerate(entries) if (where := entry.covering(finding))}
        unused -= covering
        if not covering:
            problems.append(f"{finding}: mend it, or write an exception with its reason into {EXCEPTIONS.relative_to(PROJECT)}")
    for index, where in sorted(unused):
        entry = entries[index]
        problems.append(f"{EXCEPTIONS.name}: {entry.check} {entry.resource} in {where}: no such finding, take it out")
    return problems


def main() -> int:
    entries = [Entry(**one) for one in yaml.safe_load(EXCEPTIONS.read_text())["exceptions"]]
    with tempfile.TemporaryDirectory() as folder:
        names = prepare(Path(folder))
        everything, errors = check(Path(folder))
    problems = errors + judge(everything, names, entries)
    counts = Counter((one.where, one.passed) for one in everything)
    for name in sorted(names):
        print(f"{name:24} {counts[name, True]:4} passed, {counts[name, False]:3} findings")
    for problem in problems:
        print(f"FAIL  {problem}")
    passed, findings = (sum(counts[name, result] for name in names) for result in (True, False))
    print(f"{passed + findings} checks, {findings} findings, {len(entries)} exceptions")
    print(f"{passed} passed, {len(problems)} failed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
