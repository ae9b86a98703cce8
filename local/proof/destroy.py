"""Destroys the environments, and looks for what is left of them in the emulator."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from local.proof.checks import Case, Check, check, expect
from local.proof.stack import Environment, Stack

CHECKS: list[Check] = []


@check(CHECKS, "destroy: cdktf destroy succeeds")
def destroyed(environment: Environment) -> str:
    count = len([one for one in environment.state()["resources"] if one["mode"] == "managed"])
    done = environment.stack.cdktf("destroy", environment.name, "--auto-approve")
    expect(done.returncode == 0, f"exit code {done.returncode}: {done.stdout[-500:]}")
    return f"{count} resources before"


@check(CHECKS, "destroy: the state has no resources and no lock")
def state_is_empty(environment: Environment) -> str:
    left = [f"{one['type']}.{one['name']}" for one in environment.state()["resources"]]
    expect(not left, f"the state still has {', '.join(left)}")
    expect(environment.lock_id() is None, f"lock {environment.lock_id()} is still there")
    return "empty"


def leftovers(stack: Stack) -> list[Case]:
    """One case per kind of resource. What the pre-steps made stays: state bucket, zone, certificate, secrets."""
    return [(f"destroy: no {kind} left", partial(_expect_none, stack, found)) for kind, found in KINDS.items()]


def _expect_none(stack: Stack, found: Callable[[Stack], Iterator[str]]) -> str:
    left = list(found(stack))
    expect(not left, f"{len(left)} left: {', '.join(left)}")
    return "none"


def _list(stack: Stack, service: str, operation: str, key: str, **options: Any) -> list[Any]:
    """All pages of a list operation."""
    client = stack.aws(service)
    if not client.can_paginate(operation):
        return getattr(client, operation)(**options)[key]
    return [one for page in client.get_paginator(operation).paginate(**options) for one in page[key]]


def _outside_default_vpc(stack: Stack, operation: str, key: str, name: str) -> Iterator[str]:
    default = {vpc["VpcId"] for vpc in _list(stack, "ec2", "describe_vpcs", "Vpcs") if vpc["IsDefault"]}
    for one in _list(stack, "ec2", operation, key):
        home = one.get("VpcId") or next((each.get("VpcId") for each in one.get("Attachments", [])), None)
        if home not in default and one.get("State", "available") != "deleted":
            yield one[name]


def _addresses(stack: Stack) -> Iterator[str]:
    yield from (one["AllocationId"] for one in _list(stack, "ec2", "describe_addresses", "Addresses"))


def _databases(stack: Stack) -> Iterator[str]:
    yield from (one["DBClusterIdentifier"] for one in _list(stack, "rds", "describe_db_clusters", "DBClusters"))
    yield from (one["DBInstanceIdentifier"] for one in _list(stack, "rds", "describe_db_instances", "DBInstances"))
    yield from (one["DBSubnetGroupName"] for one in _list(stack, "rds", "describe_db_subnet_groups", "DBSubnetGroups"))


def _session_stores(stack: Stack) -> Iterator[str]:
    caches = _list(stack, "elasticache", "describe_serverless_caches", "ServerlessCaches")
    yield from (one["ServerlessCacheName"] for one in caches)


def _ecs(stack: Stack) -> Iterator[str]:
    ecs = stack.aws("ecs")
    for cluster in ecs.describe_clusters(clusters=_list(stack, "ecs", "list_clusters", "clusterArns"))["clusters"]:
        if cluster["status"] != "INACTIVE":
            yield cluster["clusterArn"]
    yield from _list(stack, "ecs", "list_task_definitions", "taskDefinitionArns", status="ACTIVE")


def _load_balancers(stack: Stack) -> Iterator[str]:
    yield from (one["LoadBalancerArn"] for one in _list(stack, "elbv2", "describe_load_balancers", "LoadBalancers"))
    yield from (one["TargetGroupArn"] for one in _list(stack, "elbv2", "describe_target_groups", "TargetGroups"))


def _log_groups(stack: Stack) -> Iterator[str]:
    yield from (one["logGroupName"] for one in _list(stack, "logs", "describe_log_groups", "logGroups"))


def _roles(stack: Stack) -> Iterator[str]:
    for role in _list(stack, "iam", "list_roles", "Roles"):
        if not role["Path"].startswith("/aws-service-role/"):
            yield role["RoleName"]
    yield from (one["PolicyName"] for one in _list(stack, "iam", "list_policies", "Policies", Scope="Local"))


def _buckets(stack: Stack) -> Iterator[str]:
    state_buckets = {environment.state_bucket for environment in stack.environments}
    for bucket in _list(stack, "s3", "list_buckets", "Buckets"):
        if bucket["Name"] not in state_buckets:
            yield bucket["Name"]


def _records(stack: Stack) -> Iterator[str]:
    for zone in _list(stack, "route53", "list_hosted_zones", "HostedZones"):
        for one in _list(stack, "route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone["Id"]):
            # Names with an underscore prove the ownership of the domain to the certificate service.
            if one["Type"] not in ("NS", "SOA") and not one["Name"].startswith("_"):
                yield f"{one['Name']} {one['Type']}"


def _scaling(stack: Stack) -> Iterator[str]:
    options = {"ServiceNamespace": "ecs"}
    targets = _list(stack, "application-autoscaling", "describe_scalable_targets", "ScalableTargets", **options)
    yield from (one["ResourceId"] for one in targets)
    policies = _list(stack, "application-autoscaling", "describe_scaling_policies", "ScalingPolicies", **options)
    yield from (one["PolicyName"] for one in policies)


KINDS: dict[str, Callable[[Stack], Iterator[str]]] = {
    "VPC": partial(_outside_default_vpc, operation="describe_vpcs", key="Vpcs", name="VpcId"),
    "subnet": partial(_outside_default_vpc, operation="describe_subnets", key="Subnets", name="SubnetId"),
    "route table": partial(_outside_default_vpc, operation="describe_route_tables", key="RouteTables", name="RouteTableId"),
    "internet gateway": partial(
        _outside_default_vpc, operation="describe_internet_gateways", key="InternetGateways", name="InternetGatewayId"
    ),
    "NAT gateway": partial(_outside_default_vpc, operation="describe_nat_gateways", key="NatGateways", name="NatGatewayId"),
    "VPC endpoint": partial(_outside_default_vpc, operation="describe_vpc_endpoints", key="VpcEndpoints", name="VpcEndpointId"),
    "security group": partial(
        _outside_default_vpc, operation="describe_security_groups", key="SecurityGroups", name="GroupId"
    ),
    "Elastic IP address": _addresses,
    "database or subnet group": _databases,
    "session store": _session_stores,
    "ECS cluster or task definition": _ecs,
    "load balancer or target group": _load_balancers,
    "log group": _log_groups,
    "IAM role or policy": _roles,
    "bucket": _buckets,
    "DNS record": _records,
    "scaling target or policy": _scaling,
}
