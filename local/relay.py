"""Forwards TCP connections between this machine's network and a task's network namespace.

    python -m local.relay '{"namespace": "x", "forwards": [{"name": "database",
        "listen": {"inside": true, "host": "127.0.0.1", "port": 3306},
        "connect": {"inside": false, "host": "127.0.0.1", "port": 40001}}]}'

A socket belongs to the network namespace in which it was made, whoever uses it afterwards. So the sockets of the
inside are made by a thread that has entered the namespace, and everything else happens outside: no virtual
interfaces, no routes, no packet filter. Prints one JSON line when it listens: the port of each forward by name (`port`
0 takes a free one). Needs root and Linux.
"""

import asyncio
import ctypes
import json
import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

CLONE_NEWNET = 0x40000000
CHUNK = 256 * 1024
BACKLOG = 512


class Namespace:
    """Makes sockets inside a namespace, or outside."""

    def __init__(self, name: str) -> None:
        self._inside = ThreadPoolExecutor(1, initializer=self._enter, initargs=(name,))

    @staticmethod
    def _enter(name: str) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        handle = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            if libc.setns(handle, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), f"cannot enter namespace {name}")
        finally:
            os.close(handle)

    async def socket(self, inside: bool) -> socket.socket:
        made = await asyncio.get_running_loop().run_in_executor(self._inside, socket.socket) if inside else socket.socket()
        made.setblocking(False)
        return made


async def serve(namespace: Namespace, listen: dict[str, Any], connect: dict[str, Any]) -> int:
    """Starts one forward; returns the port that it listens on."""
    listener = await namespace.socket(listen["inside"])
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((listen["host"], listen["port"]))

    async def accept(near_reader: asyncio.StreamReader, near_writer: asyncio.StreamWriter) -> None:
        far = await namespace.socket(connect["inside"])
        try:
            await asyncio.get_running_loop().sock_connect(far, (connect["host"], connect["port"]))
            far_reader, far_writer = await asyncio.open_connection(sock=far, limit=CHUNK)
        except OSError:
            far.close()
            near_writer.transport.abort()
            return
        await asyncio.gather(_copy(near_reader, far_writer), _copy(far_reader, near_writer))
        far_writer.close()
        near_writer.close()

    await asyncio.start_server(accept, sock=listener, limit=CHUNK, backlog=BACKLOG)
    return int(listener.getsockname()[1])


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copies one direction to its end, and passes the end on: the other direction may go on."""
    try:
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


async def main(specification: dict[str, Any]) -> None:
    namespace = Namespace(specification["namespace"])
    ports = {
        forward["name"]: await serve(namespace, forward["listen"], forward["connect"])
        for forward in specification["forwards"]
    }
    print(json.dumps(ports), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
