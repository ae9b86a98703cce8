import hashlib
import json
import socket
import subprocess
import sys
import threading
import unittest

from local.settings import PROJECT
from local.tasks.network import namespaces_possible, remove_namespace

NAME = "mlflow-local-test"
SIZE = 64 * 1024 * 1024
CHUNK = bytes(range(256)) * 256


@unittest.skipUnless(namespaces_possible(), "this machine has no network namespaces for us")
class TheRelay(unittest.TestCase):
    """A server outside, reached from inside a namespace that has nothing but loopback."""

    def setUp(self) -> None:
        subprocess.run(["ip", "netns", "add", NAME], check=True)
        self.addCleanup(remove_namespace, NAME)
        subprocess.run(["ip", "-n", NAME, "link", "set", "lo", "up"], check=True)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.server.close)
        forward = {
            "name": "x",
            "listen": {"inside": True, "host": "127.0.0.1", "port": 3306},
            "connect": {"inside": False, "host": "127.0.0.1", "port": self.server.getsockname()[1]},
        }
        specification = json.dumps({"namespace": NAME, "forwards": [forward]})
        self.relay = subprocess.Popen([sys.executable, "-m", "local.relay", specification], stdout=subprocess.PIPE, cwd=PROJECT)
        self.addCleanup(self.relay.wait)
        self.addCleanup(self.relay.kill)
        assert self.relay.stdout
        self.addCleanup(self.relay.stdout.close)
        self.assertEqual({"x": 3306}, json.loads(self.relay.stdout.readline()))

    def test_streams_both_ways_and_passes_the_end_of_one_on(self) -> None:
        received = hashlib.sha256()

        def serve() -> None:
            connection, _ = self.server.accept()
            with connection:
                while data := connection.recv(1 << 20):
                    received.update(data)
                # The client has ended its side and still reads.
                connection.sendall(received.hexdigest().encode())

        thread = threading.Thread(target=serve)
        thread.start()
        client = (
            "import socket\n"
            "with socket.create_connection(('127.0.0.1', 3306)) as connection:\n"
            f"    for _ in range({SIZE // len(CHUNK)}): connection.sendall(bytes(range(256)) * 256)\n"
            "    connection.shutdown(socket.SHUT_WR)\n"
            "    print(connection.makefile().read())\n"
        )
        command = ["ip", "netns", "exec", NAME, sys.executable, "-c", client]
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        thread.join(10)
        sent = hashlib.sha256(CHUNK * (SIZE // len(CHUNK))).hexdigest()
        self.assertEqual(sent, answer.stdout.strip())
        with open(f"/proc/{self.relay.pid}/status") as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
        self.assertLess(peak, 64 * 1024, "the relay keeps what it should pass on")

    def test_ends_a_connection_that_nobody_answers(self) -> None:
        self.server.close()
        client = "import socket; print(socket.create_connection(('127.0.0.1', 3306)).recv(1))"
        command = ["ip", "netns", "exec", NAME, sys.executable, "-c", client]
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
        self.assertIn("ConnectionResetError", answer.stderr + ("ConnectionResetError" if answer.stdout == "b''\n" else ""))


if __name__ == "__main__":
    unittest.main()
