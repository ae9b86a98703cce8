"""Operations and attributes that moto lacks and the AWS provider needs. Each entry says what goes wrong without it."""

import inspect
import json
import os
import re
import uuid
from datetime import datetime, timezone
from typing import Any

from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.core.responses import ActionResult, PaginatedResult
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ecs.models import EC2ContainerServiceBackend, Service
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.elasticache.exceptions import ElastiCacheException
from moto.elasticache.responses import ElastiCacheResponse
from moto.iam.access_control import IAMPolicy
from moto.rds.models import DBCluster
from moto.s3.models import FakeBucket, FakeKey
from moto.s3.responses import S3Response

from local.session_stores import DOMAIN
from local.tasks.network import free_ports

_scalable_target_tags: dict[str, dict[str, str]] = {}
_serverless_caches: dict[str, dict[str, Any]] = {}


def install() -> None:
    """Adds everything to moto's classes; call once before the first request."""
    # Without it, the AWS managed policies do not exist and cannot be attached to a role.
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    _tag_scalable_targets()
    _keep_service_settings()
    _roll_out_services()
    _leave_out_empty_scaling_configuration()
    _describe_rules()
    _take_requests_as_encrypted()
    _know_serverless_caches()
    _read_ranges_alone()


def _tag_scalable_targets() -> None:
    """moto answers ListTagsForResource with an error 500, which the provider repeats for ten minutes."""
    register = ApplicationAutoScalingResponse.register_scalable_target

    def register_scalable_target(self: ApplicationAutoScalingResponse) -> str:
        answer = register(self)
        _scalable_target_tags.setdefault(json.loads(answer)["ScalableTargetARN"], {}).update(self._get_param("Tags") or {})
        return answer

    def list_tags_for_resource(self: ApplicationAutoScalingResponse) -> str:
        return json.dumps({"Tags": _scalable_target_tags.get(self._get_param("ResourceARN"), {})})

    def tag_resource(self: ApplicationAutoScalingResponse) -> str:
        _scalable_target_tags.setdefault(self._get_param("ResourceARN"), {}).update(self._get_param("Tags"))
        return "{}"

    def untag_resource(self: ApplicationAutoScalingResponse) -> str:
        tags = _scalable_target_tags.get(self._get_param("ResourceARN"), {})
        for key in self._get_param("TagKeys"):
            tags.pop(key, None)
        return "{}"

    for method in (register_scalable_target, list_tags_for_resource, tag_resource, untag_resource):
        setattr(ApplicationAutoScalingResponse, method.__name__, method)


def _keep_service_settings() -> None:
    """moto forgets these when a service is created (not when it is updated): every plan would set them again."""
    create = EC2ContainerServiceResponse.create_service
    settings = {
        "healthCheckGracePeriodSeconds": "health_check_grace_period_seconds",
        "availabilityZoneRebalancing": "availability_zone_rebalancing",
        "deploymentConfiguration": "deployment_configuration",
    }

    def create_service(self: EC2ContainerServiceResponse) -> Any:
        answer = create(self)
        for parameter, attribute in settings.items():
            if (value := self._get_param(parameter)) is not None:
                setattr(answer.result["service"], attribute, value)
        return answer

    EC2ContainerServiceResponse.create_service = create_service


def _roll_out_services() -> None:
    """moto's services stay with their first deployment: nobody could see whether a later one is through."""
    update = EC2ContainerServiceBackend.update_service

    def update_service(self: EC2ContainerServiceBackend, service_properties: dict[str, Any]) -> Service:
        wanted = service_properties.get("task_definition")
        service = update(self, service_properties)
        primary = service.deployments[0]
        if wanted and wanted != primary["taskDefinition"]:
            primary |= {"id": f"ecs-svc/{uuid.uuid4().hex}", "taskDefinition": wanted, "rolloutState": "IN_PROGRESS"}
        return service

    EC2ContainerServiceBackend.update_service = update_service


def _leave_out_empty_scaling_configuration() -> None:
    """moto answers with an empty ScalingConfigurationInfo (that of Serverless v1): every plan would fill it in."""
    filled = DBCluster.scaling_configuration_info.fget

    def scaling_configuration_info(self: DBCluster) -> dict[str, Any] | None:
        return filled(self) if self.scaling_configuration else None

    DBCluster.scaling_configuration_info = property(scaling_configuration_info)


def _describe_rules() -> None:
    """moto knows descriptions of rules with a CIDR block only: every plan would add the others."""
    make = SecurityGroupRule.__init__
    parameters = inspect.signature(make)

    def __init__(self: SecurityGroupRule, *arguments: Any, **named: Any) -> None:
        make(self, *arguments, **named)
        self.prefix_list = parameters.bind(self, *arguments, **named).arguments.get("prefix_list_id") or {}

    def description(self: SecurityGroupRule) -> str | None:
        ways = (self.ip_range, self.source_group, self.prefix_list)
        return next((one["Description"] for one in ways if one.get("Description")), None)

    SecurityGroupRule.__init__ = __init__
    SecurityGroupRule.description = property(description)


def _take_requests_as_encrypted() -> None:
    """moto denies everything by a statement whose condition is not met: a TLS-only policy would lock everybody out.

    On AWS the endpoints have TLS, here they have not: requests count as made over TLS.
    """
    ask = FakeBucket.get_permission
    without_tls = {"Bool": {"aws:SecureTransport": "false"}}

    def get_permission(self: FakeBucket, action: str, resource: str) -> Any:
        if self.policy is None:
            return ask(self, action, resource)
        policy = json.loads(self.policy)
        policy["Statement"] = [one for one in policy["Statement"] if one.get("Condition") != without_tls]
        return IAMPolicy(json.dumps(policy)).is_action_permitted(action, resource)

    FakeBucket.get_permission = get_permission


def _know_serverless_caches() -> None:
    """moto has none of ElastiCache's operations for them: there could be no session store.

    Each has a port of its own on this machine, where `local.session_stores` lets it answer; on AWS it is 6379.
    """

    def create_serverless_cache(self: ElastiCacheResponse) -> ActionResult:
        parameters = self._get_params()
        name = parameters["ServerlessCacheName"]
        endpoint = {"Address": f"{name}.{DOMAIN}", "Port": free_ports(1)[0]}
        cache = {
            **{key: value for key, value in parameters.items() if key != "Tags"},
            "ARN": f"arn:aws:elasticache:{self.region}:{self.current_account}:serverlesscache:{name}",
            "CreateTime": datetime.now(timezone.utc),
            "Status": "available",
            "FullEngineVersion": parameters["MajorEngineVersion"],
            "Endpoint": endpoint,
            "ReaderEndpoint": endpoint,
        }
        self.elasticache_backend.arn_regex = re.compile("^arn:aws:elasticache:")
        self.elasticache_backend.add_tags_to_resource(cache["ARN"], parameters.get("Tags", []))
        _serverless_caches[name] = cache
        return ActionResult({"ServerlessCache": cache})

    def describe_serverless_caches(self: ElastiCacheResponse) -> ActionResult:
        name = self._get_param("ServerlessCacheName")
        if name and name not in _serverless_caches:
            raise ElastiCacheException("ServerlessCacheNotFoundFault", f"serverless cache {name} not found")
        found = [_serverless_caches[name]] if name else list(_serverless_caches.values())
        return PaginatedResult({"ServerlessCaches": found})

    def delete_serverless_cache(self: ElastiCacheResponse) -> ActionResult:
        cache = _serverless_caches.pop(self._get_param("ServerlessCacheName"))
        return ActionResult({"ServerlessCache": {**cache, "Status": "deleting"}})

    for method in (create_serverless_cache, describe_serverless_caches, delete_serverless_cache):
        setattr(ElastiCacheResponse, method.__name__, method)


class _Content:
    """What an object holds, read only where it is sliced."""

    def __init__(self, key: FakeKey) -> None:
        self._key = key

    def __len__(self) -> int:
        return self._key.size

    def __getitem__(self, part: slice) -> bytes:
        begin, end, _ = part.indices(len(self))
        with self._key.lock:
            self._key._value_buffer.seek(begin)
            return self._key._value_buffer.read(end - begin)


class _Key:
    """A key of moto's with such a content."""

    def __init__(self, key: FakeKey) -> None:
        self._key = key
        self.value = _Content(key)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._key, name)


def _read_ranges_alone() -> None:
    """moto copies the whole object for each range of it: a gigabyte that is read in parts of 8 MiB takes minutes."""
    get_object = S3Response.get_object

    def get_range(self: S3Response) -> Any:
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range", ""))
        if asked and int(asked[1]) <= int(asked[2] or asked[1]):
            key, not_modified = self._get_key()
            self._get_key = lambda: (_Key(key), not_modified)
        return get_object(self)

    S3Response.get_object = get_range
