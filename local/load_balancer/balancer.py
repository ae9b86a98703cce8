"""Runs nginx, and reloads it when what is deployed or healthy has changed."""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable, Mapping

from local import processes
from local.certificates import Certificate
from local.errors import StackError
from local.load_balancer import model, nginx
from local.settings import LOG, RUN

EVERY = 1.0
READ_EVERY = 3
FOLDER = RUN / "nginx"
LOGS = LOG / "load-balancer"
CONFIGURATION = FOLDER / "nginx.conf"


class Balancer:
    """The stand-in for all load balancers."""

    def __init__(self, targets: Callable[[], model.Targets], certificates: Mapping[str, Certificate]) -> None:
        self.load_balancers: list[model.LoadBalancer] = []
        self._targets = targets
        self._certificates = certificates
        self._child: processes.Child | None = None
        self._written = ""

    async def run(self) -> None:
        """Follows the emulator and the targets' health; on cancellation stops nginx."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        LOGS.mkdir(parents=True, exist_ok=True)
        try:
            while True:
                self.load_balancers = await asyncio.to_thread(model.read)
                for _ in range(READ_EVERY):
                    await self._apply()
                    await asyncio.sleep(EVERY)
        finally:
            if self._child:
                await self._child.stop(2)

    async def _apply(self) -> None:
        text = nginx.render(self.load_balancers, self._targets(), self._certificates, FOLDER, LOGS)
        if text == self._written:
            return
        CONFIGURATION.write_text(text)
        self._written = text
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin") or "nginx"
        command = [program, "-p", str(FOLDER), "-e", str(LOGS / "error.log"), "-c", str(CONFIGURATION)]
        await processes.run("nginx -t", [*command, "-t", "-q"], log=LOGS / "error.log", env=os.environ)
        if self._child is None:
            self._child = await processes.start(
                "load balancer", [*command, "-g", "daemon off;"], log=LOGS / "error.log", env=os.environ
            )
        elif self._child.running:
            self._child.signal(signal.SIGHUP)
        else:
            raise StackError(f"nginx ended with exit code {self._child.exit_code}", log=LOGS / "error.log")
