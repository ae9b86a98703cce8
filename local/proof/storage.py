"""Where the data ended up: the artifact in S3, the run in the database, as the deployed task's own user sees them."""

import hashlib
from typing import Any

import pymysql

from local.proof.checks import Check, check, expect
from local.proof.stack import Environment

CHECKS: list[Check] = []
DATABASE_USER = "ecs_task"
DATABASE_NAME = "mlflow"


@check(CHECKS, "storage: the artifact is in the bucket, byte for byte")
def artifact_in_bucket(environment: Environment) -> str:
    program = environment.seen.get("program")
    expect(program, "the program did not finish, see its check")
    bucket = environment.resources("aws_s3_bucket")[0]["bucket"]
    s3 = environment.stack.aws("s3")
    wanted = f"{program['run_id']}/artifacts/data/features.bin"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", []) if entry["Key"].endswith(wanted)]
    expect(len(keys) == 1, f"{len(keys)} objects in {bucket} end in {wanted}")
    digest = hashlib.sha256()
    for chunk in s3.get_object(Bucket=bucket, Key=keys[0])["Body"].iter_chunks(1 << 20):
        digest.update(chunk)
    expect(digest.hexdigest() == program["sha256"], f"s3://{bucket}/{keys[0]} has sha256 {digest.hexdigest()}")
    return f"s3://{bucket}/{keys[0]}"


@check(CHECKS, "storage: the run is in the database")
def run_in_database(environment: Environment) -> str:
    program = environment.seen.get("program")
    expect(program, "the program did not finish, see its check")
    with connect(environment) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        server = cursor.fetchone()[0]
        cursor.execute("SELECT name, status FROM runs WHERE run_uuid = %s", program["run_id"])
        run = cursor.fetchone()
        expect(run == (program["run_name"], "FINISHED"), f"the row of run {program['run_id']} is {run}")
        cursor.execute("SELECT COUNT(*) FROM metrics WHERE run_uuid = %s", program["run_id"])
        values = cursor.fetchone()[0]
        expect(values == program["values"], f"{values} metric values, {program['values']} were logged")
    return f"{server}, run {run[0]}, {values} metric values"


def connect(environment: Environment, password: str | None = None) -> Any:
    """A connection to the database as the deployed task's own user."""
    where = environment.database
    address = {"unix_socket": where["socket"]} if "socket" in where else {"host": where["host"], "port": where["port"]}
    return pymysql.connect(
        user=DATABASE_USER,
        password=password or environment.secrets["store-db-password"],
        database=DATABASE_NAME,
        **address,
    )
