"""Ports that have to be free, and who has them if they are not."""

import re
import shutil
import socket
import subprocess

from local.errors import StackError


def require_free(ports: dict[int, str]) -> None:
    """Refuses to start if somebody listens on one of the ports; `ports` says what each is for."""
    for port, purpose in sorted(ports.items()):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                continue
            except PermissionError:
                raise StackError(
                    f"port {port} ({purpose}) is for root only", fix="choose ports above 1023 in the environment's loadBalancer"
                ) from None
            except OSError:
                owner = _owner(port)
        raise StackError(f"port {port} ({purpose}) is in use{f' by {owner}' if owner else ''}", fix="stop that program")


def _owner(port: int) -> str:
    """The program that listens on a port, where the machine tells."""
    for command, pattern in (
        (["ss", "-ltnpH", f"sport = :{port}"], r'\(\("([^"]+)",pid=(\d+)'),
        (["lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN"], r"(?m)^(\S+)\s+(\d+)\s.*LISTEN"),
    ):
        if shutil.which(command[0]):
            answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout
            if found := re.search(pattern, answer):
                return f"{found[1]} (pid {found[2]})"
    return ""
