"""The emulated AWS, as boto3 and as other programs see it."""

import json
import urllib.request
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from local.settings import EMULATOR_URL, REGION

ENVIRONMENT = {
    "AWS_ENDPOINT_URL": EMULATOR_URL,
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
}


@cache
def client(service: str) -> Any:
    """A boto3 client of the emulator; clients are safe to share between threads."""
    return boto3.session.Session().client(
        service,
        endpoint_url=EMULATOR_URL,
        region_name=REGION,
        aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
        config=Config(connect_timeout=5, read_timeout=30, retries={"max_attempts": 2}),
    )


def pages(service: str, operation: str, key: str, **parameters: Any) -> list[Any]:
    """All items of an operation that answers in pages."""
    paginator = client(service).get_paginator(operation)
    return [item for page in paginator.paginate(**parameters) for item in page[key]]


def databases() -> list[dict[str, Any]]:
    """The RDS clusters, as local.emulator tells them."""
    return _local("databases")


def report_rollout(cluster: str, service: str, deployment: str, state: str) -> None:
    """Tells local.emulator how far a deployment of an ECS service is."""
    _local("rollouts", {"cluster": cluster, "service": service, "deployment": deployment, "state": state})


def _local(path: str, content: Any = None) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    data = None if content is None else json.dumps(content).encode()
    with opener.open(f"{EMULATOR_URL}/_local/{path}", data, timeout=10) as answer:
        return json.load(answer)
