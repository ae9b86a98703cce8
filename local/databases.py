"""Aurora as MariaDB: one server for each RDS cluster of the emulated AWS, with its password, stopped when it is stopped."""

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pymysql

from local import aws, processes
from local.errors import StackError
from local.settings import LOG, NAME_PREFIX, RUN
from local.tasks.network import Database, free_ports

EVERY = 1.0
START_SECONDS = 60
# What RDS gives the master user of a cluster, as far as MariaDB has it too.
MASTER_PRIVILEGES = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, "
    "CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, "
    "CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER"
)
SETTINGS = (
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_general_ci",
    "--skip-name-resolve",
    "--bind-address=127.0.0.1",
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=32M",
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-flush-method=nosync",
    "--skip-log-bin",
)


class DatabaseServer:
    """The server that stands for one cluster."""

    def __init__(self, cluster: Mapping[str, Any]) -> None:
        self.identifier = str(cluster["identifier"])
        self.database = str(cluster["database"] or "")
        self.hosts = (str(cluster["endpoint"]), str(cluster["reader_endpoint"]))
        self.port = int(cluster["port"])
        self.local_port = free_ports(1)[0]
        self.ready = False
        # A socket's path may have 107 characters: not below the project, which can be anywhere.
        self._sockets = Path(tempfile.mkdtemp(prefix=NAME_PREFIX))
        self._data = RUN / "databases" / self.identifier
        self._log = LOG / "database" / f"{self.identifier}.log"
        self.root_password = ""
        self._password: str | None = None
        self._child: processes.Child | None = None

    async def start(self) -> None:
        """Makes an empty server and starts it."""
        self._data.parent.mkdir(parents=True, exist_ok=True)
        install = ["mariadb-install-db", *self._common, "--auth-root-authentication-method=normal", "--skip-test-db"]
        await processes.run("mariadb-install-db", install, log=self._log, env=os.environ)
        await self._start()
        password = secrets.token_hex(16)
        root = f"ALTER USER root@localhost IDENTIFIED BY '{password}'"
        others = "DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost')"
        await asyncio.to_thread(self._execute, [others, "FLUSH PRIVILEGES", root])
        self.root_password = password

    async def follow(self, cluster: Mapping[str, Any]) -> None:
        """Runs while the cluster is not stopped, and gives the master user the password that RDS has for it."""
        assert self._child
        if cluster["status"] == "stopped":
            return await self._child.stop()
        if not self._child.running:
            await self._start()
        if cluster["password"] == self._password:
            return
        user, password = cluster["username"], cluster["password"]
        create = f"CREATE DATABASE IF NOT EXISTS `{self.database}`"
        statements: list[Any] = [
            *([create] if self.database else []),
            ("CREATE USER IF NOT EXISTS %s@'%%'", (user,)),
            ("ALTER USER %s@'%%' IDENTIFIED BY %s", (user, password)),
            (f"GRANT {MASTER_PRIVILEGES} ON *.* TO %s@'%%' WITH GRANT OPTION", (user,)),
        ]
        await asyncio.to_thread(self._execute, statements)
        self._password, self.ready = password, True

    async def stop(self) -> None:
        """Stops the server and removes its data."""
        self.ready = False
        if self._child:
            await self._child.stop()
        shutil.rmtree(self._sockets, ignore_errors=True)
        shutil.rmtree(self._data, ignore_errors=True)

    async def _start(self) -> None:
        network = [f"--socket={self.socket}", f"--port={self.local_port}"]
        files = [f"--pid-file={self._sockets / 'pid'}", f"--innodb-data-home-dir={self._data}"]
        command = [shutil.which("mariadbd") or "mysqld", *self._common, *network, *files, *SETTINGS]
        self._child = await processes.start(f"database {self.identifier}", command, log=self._log, env=os.environ)
        await self._wait()

    @property
    def _common(self) -> list[str]:
        user = "root" if os.geteuid() == 0 else os.environ.get("USER", "")
        return ["--no-defaults", f"--datadir={self._data}", f"--tmpdir={self._sockets}", f"--user={user}"]

    @property
    def socket(self) -> Path:
        return self._sockets / "socket"

    def _execute(self, statements: list[Any]) -> None:
        with pymysql.connect(unix_socket=str(self.socket), user="root", password=self.root_password) as connection:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(*((statement,) if isinstance(statement, str) else statement))

    async def _wait(self) -> None:
        assert self._child
        for _ in range(START_SECONDS * 10):
            if not self._child.running:
                raise StackError(f"MariaDB ended with exit code {self._child.exit_code}", log=self._log)
            try:
                await asyncio.to_thread(self._execute, ["SELECT 1"])
                return
            except pymysql.MySQLError:
                await asyncio.sleep(0.1)
        raise StackError(f"MariaDB does not answer after {START_SECONDS} seconds", log=self._log)


class Databases:
    """Follows the RDS clusters."""

    def __init__(self) -> None:
        self.servers: dict[str, DatabaseServer] = {}

    async def run(self) -> None:
        """Starts, updates and removes servers; on cancellation stops all."""
        missing: set[str] = set()
        try:
            while True:
                clusters = {one["identifier"]: one for one in await asyncio.to_thread(aws.databases)}
                for identifier, cluster in clusters.items():
                    if identifier not in self.servers:
                        self.servers[identifier] = DatabaseServer(cluster)
                        await self.servers[identifier].start()
                    await self.servers[identifier].follow(cluster)
                # While moto changes a cluster, it is not in its list for a moment.
                gone = self.servers.keys() - clusters.keys()
                for identifier in gone & missing:
                    await self.servers.pop(identifier).stop()
                missing = gone
                await asyncio.sleep(EVERY)
        finally:
            await asyncio.gather(*(server.stop() for server in self.servers.values()))

    def known(self) -> list[Database]:
        """The databases that tasks can use now."""
        return [Database(one.hosts, one.port, one.local_port) for one in self.servers.values() if one.ready]
