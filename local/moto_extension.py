"""Operations and attributes that moto lacks and the AWS provider needs. Each entry says what goes wrong without it."""

import json

from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse

_scalable_target_tags: dict[str, dict[str, str]] = {}


def install() -> None:
    """Adds everything to moto's classes; call once before the first request."""
    _tag_scalable_targets()


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
