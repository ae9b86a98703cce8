"""What the person at the terminal sees: numbered steps with their time."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

WIDTH = 78


class Report:
    """Prints numbered steps; what happens inside a step is in the logs."""

    def __init__(self) -> None:
        self._number = 0
        self.started = time.monotonic()

    @contextmanager
    def step(self, what: str) -> Iterator["Step"]:
        """One step; its line ends with the time it took, or with FAILED."""
        self._number += 1
        step = Step(f"{self._number:>2}  {what} ", time.monotonic())
        print(step.text, end="", flush=True)
        try:
            yield step
        except BaseException as error:
            word = "FAILED" if isinstance(error, Exception) else "stopped"
            print("." * max(0, WIDTH - step.column), word, flush=True)
            raise
        step.finish()


class Step:
    """The line of a running step."""

    def __init__(self, text: str, started: float) -> None:
        self.text = text
        self.column = len(text)
        self._started = started
        self._notes: list[str] = []

    def note(self, text: str) -> None:
        """A remark, printed below the step's line when it is done."""
        self._notes.append(text)

    def finish(self) -> None:
        print(f"{'.' * max(0, WIDTH - self.column)} {time.monotonic() - self._started:6.1f} s", flush=True)
        for note in self._notes:
            say(note)


def say(text: str = "") -> None:
    """A line below a step, indented like the step's text."""
    print(f"    {text}" if text else "", flush=True)


def complain(lines: list[str]) -> None:
    """A failure, on stderr."""
    sys.stdout.flush()
    print(*lines, sep="\n", file=sys.stderr, flush=True)
