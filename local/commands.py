"""What scripts/local.sh can do. Each command takes its options and returns the exit code."""

import asyncio
import os
import shlex
import shutil
import signal
import time
from pathlib import Path
from typing import Any

from local import certificates, identity, processes, state
from local.errors import StackError
from local.report import complain
from local.settings import EMULATOR_URL, LOG, RUN
from local.supervisor import Supervisor, clean
from local.token_client import fetch_token

STOP_SECONDS = 90
LINES = 20


def up(check: bool, detach: bool, environments: Path) -> int:
    """Starts the stack."""
    if pid := _running():
        raise StackError(f"the local stack is running already (pid {pid})", fix="scripts/local.sh down stops it")
    clean()
    shutil.rmtree(LOG, ignore_errors=True)
    for folder in (RUN, LOG):
        folder.mkdir(parents=True)
    start = Supervisor(environments.resolve(), check)
    return _in_background(start) if detach else _in_foreground(start)


def _in_foreground(supervisor: Supervisor) -> int:
    state.PID.write_text(f"{os.getpid()}\n{processes.started_at(os.getpid())}")
    try:
        return asyncio.run(_until_signal(supervisor))
    except asyncio.CancelledError:
        print("\nstopped", flush=True)
        return 130
    finally:
        state.PID.unlink(missing_ok=True)


async def _until_signal(supervisor: Supervisor) -> int:
    work = asyncio.create_task(supervisor.run())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    return await work


def _in_background(supervisor: Supervisor) -> int:
    """A child goes on in a session of its own; this process shows what it says until it is ready."""
    output = LOG / "up.log"
    output.touch()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        with output.open("a") as file, open(os.devnull) as nothing:
            os.dup2(nothing.fileno(), 0)
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        code = 1
        try:
            code = _in_foreground(supervisor)
        except StackError as error:
            complain(error.lines())
        os._exit(code)
    with output.open() as file:
        while True:
            ended, code = os.waitpid(pid, os.WNOHANG)
            ready = state.READY.exists()
            print(file.read(), end="", flush=True)
            if ended:
                return os.waitstatus_to_exitcode(code)
            if ready:
                return 0
            time.sleep(0.2)


def down() -> int:
    """Stops the stack, and cleans up after one that was killed."""
    pid = _running()
    if pid:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while _running() and time.monotonic() < deadline:
            time.sleep(0.2)
        if _running():
            os.kill(pid, signal.SIGKILL)
            time.sleep(0.5)
    state.PID.unlink(missing_ok=True)
    clean()
    print("stopped" if pid else "it was not running")
    return 0


def status() -> int:
    """Prints what runs; exit code 1 if nothing does."""
    pid = _running()
    if not pid:
        print("not running; scripts/local.sh up starts it")
        return 1
    stack, now = state.read(state.STACK), state.read(state.STATUS) or {"services": [], "databases": [], "sessionStores": []}
    print(f"running (pid {pid}){'' if state.READY.exists() else ', not ready yet'}")
    rows = [("AWS emulator", EMULATOR_URL)]
    if stack:
        rows.append(("login", stack["issuer"]))
        rows += [(one["name"], one["uri"]) for one in stack["environments"]]
    rows += [("database", name) for name in now["databases"]]
    rows += [("session store", name) for name in now["sessionStores"]]
    for service in now["services"]:
        rows.append(("service", f"{service['name']}: {service['ready']} of {service['wanted']} tasks ready"))
        for task in service["tasks"]:
            containers = ", ".join(f"{name} {word}" for name, word in task["containers"].items())
            rows.append(("", f"{task['id']} {task['status']}: {containers}"))
        if service["lastFailure"]:
            rows.append(("", f"last failure: {service['lastFailure']}"))
    for name, value in rows:
        print(f"  {name:<14}{value}")
    return 0


def logs(name: str) -> int:
    """Follows the logs; does not return."""
    files = sorted(str(file) for file in LOG.rglob("*.log") if name in str(file.relative_to(LOG)))
    if not files:
        raise StackError(f"no log has {name!r} in its path", fix=f"see {LOG}")
    os.execvp("tail", ["tail", "-n", str(LINES), "-F", *files])


def env(environment: str | None) -> int:
    """Prints shell lines that lead an MLflow client to the stack."""
    stack = _stack()
    found = _environment(stack, environment)
    values = {
        "MLFLOW_TRACKING_URI": found["uri"],
        "REQUESTS_CA_BUNDLE": str(certificates.BUNDLE),
        "MLFLOW_TRACKING_TOKEN": _token(stack, found, stack["user"]["email"]),
    }
    for name, value in values.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def token(user: str, environment: str | None) -> int:
    """Prints a fresh token."""
    stack = _stack()
    print(_token(stack, _environment(stack, environment), user))
    return 0


def _environment(stack: dict[str, Any], name: str | None) -> dict[str, Any]:
    found: list[dict[str, Any]] = [one for one in stack["environments"] if name in (None, one["name"])]
    if not found:
        names = ", ".join(one["name"] for one in stack["environments"])
        raise StackError(f"there is no environment {name}", fix=f"one of {names}")
    return found[0]


def _token(stack: dict[str, Any], environment: dict[str, Any], email: str) -> str:
    passwords = {str(one["email"]): str(one["password"]) for one in identity.USERS}
    if email not in passwords:
        raise StackError(f"there is no demo user {email}", fix=f"one of {', '.join(passwords)}")
    return fetch_token(stack["issuer"], environment["programsClientId"], email, passwords[email], stack["caBundle"])


def _stack() -> dict[str, Any]:
    stack = state.read(state.STACK)
    if not _running() or stack is None:
        raise StackError("the local stack is not running", fix="scripts/local.sh up")
    return stack


def _running() -> int | None:
    """The pid of the supervisor, if there is one."""
    if not state.PID.is_file():
        return None
    pid, _, started = state.PID.read_text().partition("\n")
    return int(pid) if started and processes.started_at(int(pid)) == started else None
