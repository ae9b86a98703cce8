"""Memory of the stack's processes, as Linux counts it: the most that was resident since a moment."""

from dataclasses import dataclass
from pathlib import Path

from local.processes import RECORDS

PROC = Path("/proc")
RESET_PEAK = "5"
"""See proc_pid_clear_refs(5)."""


@dataclass(frozen=True)
class Process:
    """A process of the stack, under the name of the program or container that it belongs to."""

    name: str
    pid: int

    def reset_peak(self) -> None:
        try:
            (PROC / str(self.pid) / "clear_refs").write_text(RESET_PEAK)
        except (FileNotFoundError, ProcessLookupError):
            pass  # It has ended.

    @property
    def peak(self) -> int:
        """In bytes; 0 if it has ended."""
        return _status(self.pid, "VmHWM") * 1024

    @property
    def resident(self) -> int:
        """In bytes; 0 if it has ended."""
        return _status(self.pid, "VmRSS") * 1024


def measurable() -> bool:
    """Whether this machine tells."""
    return (PROC / "self" / "clear_refs").exists()


def processes(*names: str) -> list[Process]:
    """The running processes of these programs and containers, with all that they started."""
    children: dict[int, list[int]] = {}
    for folder in PROC.glob("[0-9]*"):
        children.setdefault(_status(int(folder.name), "PPid"), []).append(int(folder.name))
    found = []
    for record in RECORDS.iterdir():
        name = record.read_text().partition("\n")[0]
        if name in names:
            waiting = [int(record.name)]
            while waiting:
                pid = waiting.pop(0)
                found.append(Process(name, pid))
                waiting += children.get(pid, [])
    return sorted(found, key=lambda one: (names.index(one.name), one.pid))


def _status(pid: int, field: str) -> int:
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(next((line.split()[1] for line in lines if line.startswith(f"{field}:")), "0"))
