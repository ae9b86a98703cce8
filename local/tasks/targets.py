"""Health checks of target groups, as the load balancer makes them."""

import asyncio
import http.client
from collections.abc import Mapping
from typing import Any

from local.tasks.network import Address

FIRST_CHECKS_EVERY = 1.0


class Target:
    """A task's port in a target group. The first good answer makes it healthy, as on AWS."""

    def __init__(self, group: Mapping[str, Any], ip: str, port: int, address: Address) -> None:
        self.group_arn = str(group["TargetGroupArn"])
        self.ip = ip
        self.port = port
        self.address = address
        self.healthy = False
        self.failed = False
        self._group = group

    async def watch(self) -> None:
        """Repeats the check for ever; sets `healthy` and `failed` (too many failures in a row)."""
        group = self._group
        good, bad, ever = 0, 0, False
        while True:
            if await asyncio.to_thread(self._passes):
                good, bad = good + 1, 0
            else:
                good, bad = 0, bad + 1
            if good and (not ever or good >= group["HealthyThresholdCount"]):
                ever, self.healthy, self.failed = True, True, False
            if bad >= group["UnhealthyThresholdCount"]:
                self.healthy, self.failed = False, True
            await asyncio.sleep(group["HealthCheckIntervalSeconds"] if ever else FIRST_CHECKS_EVERY)

    def _passes(self) -> bool:
        connection = http.client.HTTPConnection(*self.address, timeout=self._group["HealthCheckTimeoutSeconds"])
        headers = {"Host": f"{self.ip}:{self.port}", "User-Agent": "ELB-HealthChecker/2.0", "Connection": "close"}
        try:
            connection.request("GET", self._group["HealthCheckPath"], headers=headers)
            return matches(self._group["Matcher"]["HttpCode"], connection.getresponse().status)
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def matches(matcher: str, status: int) -> bool:
    """Whether a status is in a matcher such as `200-202,301`."""
    for part in matcher.split(","):
        first, _, last = part.partition("-")
        if int(first) <= status <= int(last or first):
            return True
    return False
