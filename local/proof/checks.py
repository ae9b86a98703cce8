"""The registry: a check is a function that returns what it saw, or raises Failed."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from local.proof.stack import Environment


class Failed(Exception):
    """What was seen instead of what was expected."""


Case = tuple[str, Callable[[], str]]


@dataclass(frozen=True)
class Check:
    name: str
    run: Callable[[Environment], str]


def check(registry: list[Check], name: str) -> Callable:
    """Adds the decorated function to `registry`; checks run in the order in which they are written."""

    def register(function: Callable[[Environment], str]) -> Callable[[Environment], str]:
        registry.append(Check(name, function))
        return function

    return register


def expect(condition: object, otherwise: str) -> None:
    if not condition:
        raise Failed(otherwise)


def cases(checks: list[Check], environments: list[Environment]) -> list[Case]:
    return [
        (f"{environment.name}  {one.name}", partial(one.run, environment)) for environment in environments for one in checks
    ]


def run(all_cases: list[Case]) -> bool:
    """Runs the cases in order, prints a line for each and the totals, and tells whether all passed."""
    passed = failed = 0
    for name, case in all_cases:
        started = time.monotonic()
        try:
            verdict, seen = "ok  ", case()
            passed += 1
        except Exception as error:  # noqa: BLE001 - a check that breaks has failed, the others go on
            verdict, seen = "FAIL", str(error) if isinstance(error, Failed) else f"{type(error).__name__}: {error}"
            failed += 1
        print(f"{verdict}  {name}: {_one_line(seen)} ({time.monotonic() - started:.1f} s)", flush=True)
    print(f"{passed} passed, {failed} failed", flush=True)
    return failed == 0


def _one_line(text: str, limit: int = 600) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[:limit]}…"
