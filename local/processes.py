"""Children of the supervisor: each in a process group of its own, none outlives the supervisor."""

import asyncio
import ctypes
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.errors import StackError
from local.settings import RUN

RECORDS = RUN / "processes"
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    if _libc:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """A running program; its output goes to `log`."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process
        self._record = RECORDS / str(process.pid)
        self._record.parent.mkdir(parents=True, exist_ok=True)
        self._record.write_text(f"{name}\n{started_at(process.pid)}")

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    @property
    def exit_code(self) -> int | None:
        return self._process.returncode

    async def wait(self) -> int:
        """Waits for the end, then ends what the program left in its process group."""
        code = await self._process.wait()
        _kill_group(self.pid, signal.SIGKILL)
        self._record.unlink(missing_ok=True)
        return code

    async def stop(self, seconds: float = 10) -> None:
        """SIGTERM to the program; after `seconds`, SIGKILL to its whole group."""
        if self.running:
            self.signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(asyncio.shield(self._process.wait()), seconds)
            except asyncio.TimeoutError:
                _kill_group(self.pid, signal.SIGKILL)
        await self.wait()

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the program itself."""
        if self.running:
            self._process.send_signal(number)


async def start(
    name: str,
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdout: int | None = None,
) -> Child:
    """Starts a program. With `stdout=PIPE` only stderr goes to the log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=subprocess.DEVNULL,
            stdout=output if stdout is None else stdout,
            stderr=output,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
    return Child(name, process, log)


async def run(
    name: str,
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str],
    cwd: Path | None = None,
    fix: str | None = None,
) -> None:
    """Runs a program to its end; a StackError with the log if it fails."""
    child = await start(name, command, log=log, env=env, cwd=cwd)
    try:
        code = await child.wait()
    except asyncio.CancelledError:
        # Terraform gives its lock back on the first signal.
        child.signal(signal.SIGINT)
        await child.stop(5)
        raise
    if code != 0:
        raise StackError(f"{shlex.join(command)}: exit code {code}", log=log, fix=fix)


async def wait_for_line(child: Child, line: str, seconds: float) -> None:
    """Waits until the program's log has a line that starts with `line`."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not any(one.startswith(line) for one in child.log.read_text(errors="replace").splitlines()):
        if not child.running:
            raise StackError(f"{child.name} ended with exit code {child.exit_code}", log=child.log)
        if asyncio.get_running_loop().time() > deadline:
            raise StackError(f"{child.name} is not ready after {seconds:.0f} seconds", log=child.log)
        await asyncio.sleep(0.1)


def end_left_overs() -> int:
    """Ends what a supervisor that was killed left behind; returns how many process groups there were."""
    ended = 0
    for record in RECORDS.glob("*") if RECORDS.is_dir() else ():
        pid = int(record.name)
        started = started_at(pid)
        # A group whose leader is gone keeps its number; a leader that started at another time is a stranger.
        if started in ("", record.read_text().partition("\n")[2]) and _kill_group(pid, signal.SIGKILL):
            ended += 1
        record.unlink(missing_ok=True)
    return ended


def _kill_group(pid: int, number: signal.Signals) -> bool:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def started_at(pid: int) -> str:
    """When a process was started, in whatever unit; empty if there is no such process."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
        except (FileNotFoundError, ProcessLookupError):
            return ""
    answer = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip()
