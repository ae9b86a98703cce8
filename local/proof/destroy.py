"""Destroys the environments, and looks for what is left of them in the emulator."""

from collections.abc import Callable
from typing import Any

from local.proof.checks import Check, check, expect
from local.proof.checks import run as run_checks
from local.proof.stack import Environment, Stack

DESTROY: list[Check] = []
LEFTOVERS: list[Check] = []
Aws = Callable[[str], Any]


def run(stack: Stack) -> bool:
    return run_checks([*DESTROY], stack.environments)
