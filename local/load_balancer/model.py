"""What nginx has to know of a load balancer, and how to read it from the emulated AWS."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local import aws
from local.tasks.network import Address

Action = Mapping[str, Any]
"""An action as the API has it: Type, and TargetGroupArn or ForwardConfig, RedirectConfig or FixedResponseConfig."""


@dataclass(frozen=True)
class Rule:
    """A listener's rule; its conditions as the API has them."""

    conditions: tuple[Mapping[str, Any], ...]
    action: Action


@dataclass(frozen=True)
class Listener:
    """One listener; `certificate_arn` is None for plain HTTP. Rules in the order of their priority."""

    port: int
    certificate_arn: str | None
    protocols: tuple[str, ...]
    rules: tuple[Rule, ...]
    default: Action


@dataclass(frozen=True)
class LoadBalancer:
    """A load balancer under the host names that DNS has for it."""

    name: str
    hosts: tuple[str, ...]
    idle_timeout: int
    drop_invalid_headers: bool
    http2: bool
    listeners: tuple[Listener, ...]


Targets = Mapping[str, list[Address]]
"""For each target group, by ARN, where its healthy targets are on this machine."""


def read() -> list[LoadBalancer]:
    """All load balancers of the emulated AWS."""
    aliases = _aliases()
    return [_load_balancer(one, aliases) for one in aws.pages("elbv2", "describe_load_balancers", "LoadBalancers")]


def _load_balancer(one: Mapping[str, Any], aliases: Mapping[str, list[str]]) -> LoadBalancer:
    arn, dns_name = one["LoadBalancerArn"], one["DNSName"]
    answer = aws.client("elbv2").describe_load_balancer_attributes(LoadBalancerArn=arn)
    attributes = {entry["Key"]: entry["Value"] for entry in answer["Attributes"]}
    listeners = aws.pages("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=arn)
    return LoadBalancer(
        name=one["LoadBalancerName"],
        hosts=(*sorted(aliases.get(dns_name.lower(), [])), dns_name.lower()),
        idle_timeout=int(attributes.get("idle_timeout.timeout_seconds", 60)),
        drop_invalid_headers=attributes.get("routing.http.drop_invalid_header_fields.enabled") == "true",
        http2=attributes.get("routing.http2.enabled", "true") == "true",
        listeners=tuple(_listener(listener) for listener in listeners),
    )


def _listener(one: Mapping[str, Any]) -> Listener:
    certificates = one.get("Certificates") or []
    answer = aws.client("elbv2").describe_rules(ListenerArn=one["ListenerArn"])
    rules = sorted((rule for rule in answer["Rules"] if not rule["IsDefault"]), key=lambda rule: int(rule["Priority"]))
    return Listener(
        port=int(one["Port"]),
        certificate_arn=certificates[0]["CertificateArn"] if certificates else None,
        protocols=_protocols(one.get("SslPolicy")),
        rules=tuple(Rule(tuple(rule["Conditions"]), rule["Actions"][-1]) for rule in rules),
        default=one["DefaultActions"][-1],
    )


def _protocols(policy: str | None) -> tuple[str, ...]:
    """The TLS versions of a security policy, by its name: `ELBSecurityPolicy-TLS13-1-2-2021-06` has 1.3 and 1.2."""
    if policy and "TLS13-1-3" in policy:
        return ("TLSv1.3",)
    return ("TLSv1.2", "TLSv1.3") if policy and "TLS13" in policy else ("TLSv1.2",)


def _aliases() -> dict[str, list[str]]:
    """The names of alias records, by the DNS name that they lead to."""
    found: dict[str, list[str]] = {}
    for zone in aws.pages("route53", "list_hosted_zones", "HostedZones"):
        for record in aws.pages("route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone["Id"]):
            if target := record.get("AliasTarget", {}).get("DNSName"):
                name = target.rstrip(".").removeprefix("dualstack.").lower()
                found.setdefault(name, []).append(record["Name"].rstrip(".").lower())
    return found
