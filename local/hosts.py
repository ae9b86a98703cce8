"""The names of the local stack in the machine's hosts file. Browsers know *.localhost, most other programs do not."""

import os
import socket
from pathlib import Path

from local.errors import StackError
from local.settings import NAME_PREFIX

HOSTS = Path("/etc/hosts")
BEGIN = f"# {NAME_PREFIX}begin"
END = f"# {NAME_PREFIX}end"


def add(names: list[str]) -> None:
    """Lets every program resolve the names; a StackError with the line to add where the file may not be written."""
    missing = [name for name in names if not _resolves(name)]
    if not missing:
        return
    line = f"127.0.0.1 {' '.join(missing)}"
    try:
        text = _without_block(HOSTS.read_text())
        _write(f"{text.rstrip()}\n{BEGIN}\n{line}\n{END}\n")
    except PermissionError:
        raise StackError(
            f"{HOSTS} may not be written, and {missing[0]} does not resolve", fix=f"add this line to {HOSTS}: {line}"
        ) from None


def remove() -> None:
    """Takes our block out of the hosts file."""
    text = HOSTS.read_text()
    if BEGIN in text and os.access(HOSTS, os.W_OK):
        _write(_without_block(text))


def _without_block(text: str) -> str:
    if BEGIN not in text:
        return text
    before, _, rest = text.partition(BEGIN)
    return before + rest.partition(f"{END}\n")[2]


def _write(text: str) -> None:
    # In place: where the file is a mount (containers), it cannot be replaced.
    with HOSTS.open("r+") as file:
        file.write(text)
        file.truncate()


def _resolves(name: str) -> bool:
    try:
        return socket.gethostbyname(name).startswith("127.")
    except OSError:
        return False
