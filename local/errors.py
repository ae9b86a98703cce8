"""What can go wrong, told to a person."""

import re
from pathlib import Path

COLOR = re.compile(r"\x1b\[[0-9;]*m")
BOX = re.compile(r"╷\n(.*?)\n[^\n]*╵", re.DOTALL)


class StackError(Exception):
    """A failure with what the reader needs next: the reason, the log to look into, the fix."""

    def __init__(self, reason: str, *, log: Path | None = None, fix: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.log = log
        self.fix = fix

    def lines(self) -> list[str]:
        """The message, one line each; the log's last lines are part of it."""
        lines = [self.reason]
        if self.log:
            lines += [f"  | {line}" for line in tail(self.log)]
            lines.append(f"log: {self.log}")
        if self.fix:
            lines.append(f"fix: {self.fix}")
        return lines


def tail(log: Path, count: int = 15) -> list[str]:
    """The lines of a log that say what went wrong: Terraform's boxes with errors if it has some, else its last lines.

    The last lines alone will not do: where several environments are deployed, another one may be the last to end.
    """
    if not log.is_file():
        return []
    lines = [COLOR.sub("", line).rstrip() for line in log.read_text(errors="replace").splitlines()]
    boxes = BOX.findall("\n".join(lines))
    errors = [line for box in boxes if "Error:" in box for line in box.splitlines() if line.strip(" │")]
    return errors or [line for line in lines if line][-count:]
