"""Large artifacts: streamed by every process on the way, or past them all."""

import hashlib
import os
from collections.abc import Iterator

import requests

from local.proof.checks import Check, check, expect
from local.proof.memory import measurable, processes
from local.proof.stack import Environment

CHECKS: list[Check] = []
MIB = 1024 * 1024
SIZE = 256 * MIB
MAY_GROW = SIZE * 3 // 4
"""A first upload loads libraries and fills buffers, some 60 MiB; who keeps the whole body grows by its size at least."""
ON_THE_WAY = ("load balancer", "oauth2-proxy", "mlflow")
PATH = "/api/2.0/mlflow-artifacts/artifacts/proof/large.bin"


class Content:
    """A body that is nowhere in memory as a whole."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self._block = os.urandom(MIB)

    def __len__(self) -> int:
        return SIZE

    def __iter__(self) -> Iterator[bytes]:
        for number in range(SIZE // MIB):
            piece = number.to_bytes(8, "big") + self._block[8:]
            self.digest.update(piece)
            yield piece


@check(CHECKS, "artifacts: 256 MiB stream up and down, and no process on the way keeps them in memory")
def bounded_memory(environment: Environment) -> str:
    if not measurable():
        return "not looked at: only Linux tells a process's peak"
    stack = environment.stack
    on_the_way = processes(*ON_THE_WAY)
    before = {one: one.resident for one in on_the_way}
    for one in on_the_way:
        one.reset_peak()
    content, digest = Content(), hashlib.sha256()
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(stack.ca_bundle)
        session.headers["Authorization"] = f"Bearer {stack.token(stack.user, environment.programs_client_id)}"
        sent = session.put(environment.uri + PATH, data=content, timeout=300)
        expect(sent.status_code == 200, f"the upload got {sent.status_code} {sent.text[:200]}")
        with session.get(environment.uri + PATH, stream=True, timeout=300) as answer:
            for piece in answer.iter_content(MIB):
                digest.update(piece)
    expect(digest.hexdigest() == content.digest.hexdigest(), "what came back differs from what was sent")
    growth = {name: max(one.peak - before[one] for one in on_the_way if one.name == name) for name in ON_THE_WAY}
    seen = ", ".join(f"{name} {grown / MIB:+.0f} MiB" for name, grown in growth.items())
    expect(max(growth.values()) < MAY_GROW, f"memory grew by more than {MAY_GROW // MIB} MiB: {seen}")
    return seen


@check(CHECKS, "artifacts: a file goes to S3 in parts by presigned URLs, past the load balancer, and back either way")
def in_parts(environment: Environment) -> str:
    program = environment.seen.get("program")
    expect(program, "the program did not finish, see its check")
    parts, file = program["parts"], f"{program['run_id']}/artifacts/data/parts.bin"
    expect(set(parts["back"].values()) == {parts["sha256"]}, f"sha256 {parts['sha256']} became {parts['back']}")
    s3, bucket = environment.stack.aws("s3"), environment.resources("aws_s3_bucket")[0]["bucket"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    tags = [one["ETag"].strip('"') for page in pages for one in page.get("Contents", []) if one["Key"].endswith(file)]
    # MLflow's own uploads have parts of 8 MiB.
    expect(len(tags) == 1 and tags[0].endswith(f"-{parts['number']}"), f"ETags {tags}, expected one of {parts['number']} parts")
    log = (environment.stack.log_dir / "load-balancer" / "access.log").read_text().splitlines()
    passed = [line.split('"')[1] for line in log if file in line]
    uploads = [one for one in passed if one.startswith("PUT ")]
    expect(not uploads, f"the load balancer saw {uploads}")
    signed = sum("/mlflow-artifacts/presigned/" in one for one in passed)
    expect(signed == 1, f"the load balancer saw {signed} requests for a presigned URL: {passed}")
    return f"ETag {tags[0]}, {len(passed)} requests by the load balancer"
