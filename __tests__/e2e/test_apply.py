"""Real Terraform applies what the stack on one machine does not use: no way out, an existing network, every option.

Only the emulator runs, no tasks. The environments go side by side: apply, a second plan, a walk through routes and rules,
destroy. What the previous release made (previous-release/) is applied, and planned with the present code.

Run by the local stack's Python: `PYTHONPATH=. .local/venv/bin/python __tests__/e2e/test_apply.py`. The AWS provider comes
from where TF_CLI_CONFIG_FILE says, else from Terraform's registry.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import yaml

from local.proof.checks import Case, expect, run
from local.settings import ACCOUNT, PROJECT, REGION

TERRAFORM = os.environ.get("TERRAFORM_BINARY_NAME", "terraform")
PREVIOUS = Path(__file__).with_name("previous-release")
SECRETS = ("oauth2-cookie-secret", "store-db-password", "oauth2-client-id", "oauth2-client-secret")
ECR = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
VPC, ENDPOINTS, IDENTITY_PROVIDER = "10.9.0.0/16", "10.9.64.0/24", "10.20.0.0/16"
# What holds data, and what the database cannot be without.
KEPT = {
    "aws_cloudwatch_log_group",
    "aws_db_subnet_group",
    "aws_rds_cluster",
    "aws_rds_cluster_instance",
    "aws_s3_bucket",
    "aws_vpc",
}


class Emulator:
    """An AWS of its own, beside that of a running stack."""

    def __init__(self, url: str) -> None:
        self.url = url

    def client(self, service: str) -> Any:
        return boto3.client(
            service, endpoint_url=self.url, region_name=REGION, aws_access_key_id="local", aws_secret_access_key="local"
        )

    def presuppose(self, prefixes: list[str]) -> None:
        """The hosted zone, its certificate, and the secrets."""
        self.client("route53").create_hosted_zone(Name="example.com", CallerReference="example.com")
        self.client("acm").request_certificate(DomainName="example.com", ValidationMethod="DNS")
        for prefix in prefixes:
            for name in SECRETS:
                self.client("secretsmanager").create_secret(Name=f"{prefix}/{name}", SecretString="x" * 32)

    def network(self) -> dict[str, Any]:
        """A VPC as somebody else made it: four subnets in two zones, a default security group that is shut."""
        ec2 = self.client("ec2")
        vpc = ec2.create_vpc(CidrBlock=VPC)["Vpc"]["VpcId"]
        everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        for group in self.groups(vpc):
            ec2.revoke_security_group_egress(GroupId=group, IpPermissions=everything)
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{index}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]["SubnetId"]
            for index, zone in enumerate("abab")
        ]
        return {"vpcId": vpc, "publicSubnetIds": [], "privateSubnetIds": subnets[:2], "databaseSubnetIds": subnets[2:]}

    def groups(self, vpc: str) -> dict[str, str]:
        """The names of a VPC's security groups by their ids."""
        answer = self.client("ec2").describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
        return {one["GroupId"]: one["GroupName"] for one in answer["SecurityGroups"]}

    def ways_out(self, vpc: str, name: str) -> Iterator[str]:
        """Every route, rule and public address by which something in a VPC reaches, or is reached, beyond it."""
        ec2 = self.client("ec2")
        tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
        for route in (route for table in tables for route in table["Routes"]):
            [target] = [value for key, value in route.items() if key.endswith("Id") and key != "DestinationPrefixListId"]
            if target != "local" and not target.startswith("vpce-"):
                yield f"route to {target.rpartition('-')[0]}"
        [s3] = ec2.describe_prefix_lists(Filters=[{"Name": "prefix-list-name", "Values": [f"com.amazonaws.{REGION}.s3"]}])["PrefixLists"]
        groups = self.groups(vpc)
        rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": list(groups)}])["SecurityGroupRules"]
        for rule in (rule for rule in rules if rule["IsEgress"]):
            to = rule.get("CidrIpv4") or rule.get("CidrIpv6") or rule.get("PrefixListId")
            if to not in (None, s3["PrefixListId"], ENDPOINTS, IDENTITY_PROVIDER):
                yield f"{groups[rule['GroupId']]} to {to}"
        [balancer] = self.client("elbv2").describe_load_balancers(Names=[name])["LoadBalancers"]
        if balancer.get("Scheme") != "internal":
            yield "load balancer on the internet"
        [service] = self.client("ecs").describe_services(cluster=name, services=[name])["services"]
        if service["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] != "DISABLED":
            yield "public addresses of tasks"


@contextmanager
def emulator() -> Iterator[Emulator]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "local.emulator", "--port", str(port)]
    # Certificates are issued at once, and not after a minute.
    env = {**os.environ, "MOTO_ACM_VALIDATION_WAIT": "0"}
    process = subprocess.Popen(command, cwd=PROJECT, env=env, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        expect(any("listening" in line for line in process.stdout), "the emulator did not start")
        # Refused requests, which nobody reads here, must not fill the pipe.
        ThreadPoolExecutor(1).submit(process.stdout.read)
        yield Emulator(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait()


def environments(aws: Emulator) -> dict[str, dict[str, Any]]:
    """What the environment files say, by name."""
    certificate, *_ = aws.client("acm").list_certificates()["CertificateSummaryList"]
    closed = {"egress": "endpoints", "identityProviderCidrs": [IDENTITY_PROVIDER]}
    every_option = {
        "kmsKeyArn": aws.client("kms").create_key()["KeyMetadata"]["Arn"],
        "loadBalancer": {
            "internal": True,
            "allowedCidrs": [VPC],
            "certificateArn": certificate["CertificateArn"],
            "tlsPolicy": "ELBSecurityPolicy-TLS13-1-3-2021-06",
            "accessLogRetentionDays": 30,
            "waf": {},
        },
    }
    return {
        "endpoints": {**_common("endpoints"), "network": closed},
        "existing": {
            **_common("existing"),
            "existingNetwork": {**aws.network(), **closed, "endpointCidrs": [ENDPOINTS]},
            **every_option,
        },
    }


def _common(name: str) -> dict[str, Any]:
    return {
        "name": f"mlflow-{name}",
        "region": REGION,
        "state": {"backend": "local"},
        "dns": {"hostedZone": "example.com", "recordName": name, "domain": "example.com"},
        "login": {"provider": "oidc", "issuer": "https://login.example.com:8443", "emailDomains": ["example.com"]},
        "loadBalancer": {"internal": True},
        "service": {f"{image}Image": f"{ECR}/{image.lower()}@sha256:{'0' * 64}" for image in ("mlflow", "oauth2Proxy")},
        "secrets": {"prefix": name},
        # The random provider is not on every machine.
        "artifactStore": {"suffix": "test"},
        "backendStore": {"deletionProtection": False, "skipFinalSnapshot": True},
    }


class Stack:
    """A synthesized stack in a folder of its own. Its state is there too, whatever backend it names."""

    def __init__(self, folder: Path, aws: Emulator) -> None:
        folder.mkdir()
        self.name = folder.name
        self._folder = folder
        self._aws = aws
        self._env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AWS_ENDPOINT_URL": aws.url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_EC2_METADATA_DISABLED": "true",
            "CHECKPOINT_DISABLE": "1",
            # One provider for all stacks.
            "TF_DATA_DIR": str(folder.parent / "terraform-data"),
        }

    def write(self, synthesized: Path) -> None:
        """Takes a configuration, the first or a changed one."""
        config = json.loads(synthesized.read_text())
        config["terraform"].pop("backend", None)
        (self._folder / "cdk.tf.json").write_text(json.dumps(config))

    def terraform(self, *arguments: str) -> str:
        command = [TERRAFORM, *arguments]
        done = subprocess.run(command, cwd=self._folder, env=self._env, capture_output=True, text=True, check=False)
        expect(done.returncode == 0, f"terraform {arguments[0]}: {(done.stderr or done.stdout)[-1500:]}")
        return done.stdout

    def resources(self) -> list[str]:
        return [one for one in self.terraform("state", "list").split() if not one.startswith("data.")]

    def output(self, name: str) -> str:
        return self.terraform("output", "-raw", name)

    def apply(self) -> str:
        self.terraform("apply", "-auto-approve", "-input=false", "-no-color")
        return f"{len(self.resources())} resources"

    def changes(self) -> dict[str, list[str]]:
        """What a plan would do (create, update, replace, delete), and with which resources."""
        changes: dict[str, list[str]] = {}
        for line in map(json.loads, self.terraform("plan", "-input=false", "-json").splitlines()):
            if line["type"] == "planned_change" and line["change"]["action"] != "read":
                changes.setdefault(line["change"]["action"], []).append(line["change"]["resource"]["addr"])
        return changes

    def second_plan(self) -> str:
        changes = self.changes()
        expect(not changes, f"the plan would {changes}")
        return "empty"

    def ways_out(self) -> list[str]:
        return list(self._aws.ways_out(self.output("vpc_id"), self.output("ecs_service")))

    def no_way_out(self) -> str:
        found = self.ways_out()
        expect(not found, f"found {', '.join(found)}")
        return "none"

    def some_way_out(self) -> str:
        found = set(self.ways_out())
        expected = {"route to igw", "route to nat", "oauth2-mlflow-service to 0.0.0.0/0", "load balancer on the internet"}
        expect(found == expected, f"found {', '.join(sorted(found))}")
        return ", ".join(sorted(found))

    def upgrade(self, synthesized: Path) -> str:
        """Plans the present code: nothing that holds data may go."""
        missing = KEPT - {address.partition(".")[0] for address in self.resources()}
        expect(not missing, f"the previous release has no {', '.join(missing)}")
        self.write(synthesized)
        changes = self.changes()
        gone = changes.get("replace", []) + changes.get("delete", [])
        lost = [one for one in gone if one.partition(".")[0] in KEPT]
        expect(not lost, f"these hold data and would go: {', '.join(lost)}")
        return "; ".join(f"{what} {', '.join(all_)}" for what, all_ in changes.items()) or "no change"

    def destroy(self) -> str:
        # The provider lets a minute pass while a database goes; the demo shows that it does.
        rds, name = self._aws.client("rds"), self.output("ecs_service")
        rds.delete_db_instance(DBInstanceIdentifier=f"{name}-1", SkipFinalSnapshot=True)
        rds.delete_db_cluster(DBClusterIdentifier=name, SkipFinalSnapshot=True)
        self.terraform("destroy", "-auto-approve", "-input=false", "-no-color")
        left = self.resources()
        expect(not left, f"left: {', '.join(left)}")
        return "nothing left"


def in_order(cases: list[Case]) -> list[Case]:
    """Starts cases, one after the other, beside those that were started before; to run one is then to wait for it."""
    queue = ThreadPoolExecutor(1)
    return [(name, queue.submit(case).result) for name, case in cases]


def applied(stack: Stack) -> list[Case]:
    return [
        (f"{stack.name}  apply", stack.apply),
        (f"{stack.name}  a second plan has nothing to do", stack.second_plan),
        (f"{stack.name}  no route, rule or address leads to the internet", stack.no_way_out),
        (f"{stack.name}  destroy", stack.destroy),
    ]


def upgraded(stack: Stack, present: Path) -> list[Case]:
    return [
        (f"{stack.name}  apply the previous release", stack.apply),
        (f"{stack.name}  the walk finds the ways to the internet", stack.some_way_out),
        (f"{stack.name}  the present code replaces nothing that holds data", partial(stack.upgrade, present)),
    ]


def main() -> bool:
    with tempfile.TemporaryDirectory(prefix="apply-") as folder, emulator() as aws:
        root = Path(folder)
        (root / "environments").mkdir()
        shutil.copy(PREVIOUS / "previous.yaml", root / "environments")
        aws.presuppose(["endpoints", "existing", "mlflow"])
        for name, values in environments(aws).items():
            (root / f"environments/{name}.yaml").write_text(yaml.safe_dump(values))
        env = {**os.environ, "ENVIRONMENTS": str(root / "environments"), "CDKTF_OUTDIR": str(root / "out")}
        subprocess.run(["node", PROJECT / "dist/main.js"], cwd=root, env=env, check=True)
        present = {name: root / "out/stacks" / name / "cdk.tf.json" for name in ("previous", "endpoints", "existing")}
        previous, *others = [Stack(root / name, aws) for name in present]
        previous.write(PREVIOUS / "cdk.tf.json")
        for stack in others:
            stack.write(present[stack.name])
        previous.terraform("init", "-input=false", "-no-color")
        for stack in others:
            shutil.copy(root / "previous/.terraform.lock.hcl", root / stack.name)
        cases = in_order(upgraded(previous, present["previous"]))
        for stack in others:
            cases += in_order(applied(stack))
        return run(cases)


if __name__ == "__main__":
    sys.exit(not main())
