"""What can go wrong, told to a person."""

from pathlib import Path


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
    """The last lines of a log that say something."""
    if not log.is_file():
        return []
    return [line.rstrip() for line in log.read_text(errors="replace").splitlines() if line.strip()][-count:]
