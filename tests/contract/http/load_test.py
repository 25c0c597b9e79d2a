# SPDX-License-Identifier: Apache-2.0
"""Many clients, and clients that are slow in every way: none of them holds another up."""

import contextlib
import http.client
import json
import os
import signal
import socket
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from server import DEADLINE_S, PYTHON, Case, Server, lines

IDLE_CONNECTIONS = 1000
CONCURRENT_RUNS = 100
SANDBOXES = 4
# A sanitizer keeps several bytes beside each, and what was freed.
MOST_RESIDENT_KIB = (64 if "MSB_SANITIZE" not in os.environ else 320) * 1024
HEAD = b"POST /api/v1/rpc HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE_S)


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def until(holds):
    give_up = time.monotonic() + DEADLINE_S
    while not holds():
        if time.monotonic() > give_up:
            raise AssertionError("it did not come to hold")
        time.sleep(0.01)


class Many(Case):
    def connections(self):
        text = self.server.request("GET", "/metrics").body.decode()
        return next(int(float(line.split()[1])) for line in text.splitlines() if line.startswith("msb_connections "))

    def test_idle_connections_and_concurrent_runs(self):
        names = [self.started(f"many-{number}") for number in range(SANDBOXES)]
        before_kib = resident_kib(self.server.process.pid)
        gate = threading.Barrier(CONCURRENT_RUNS)

        def run(number):
            gate.wait(DEADLINE_S)
            name = names[number % SANDBOXES]
            if number % 2:
                return lines(self.run_python(name, f"print({number})")), [str(number)]
            ran = self.call("sandbox.command.run", {"sandbox": name, "command": "echo", "args": [str(number)]}).result
            return lines(ran), [str(number)]

        with contextlib.ExitStack() as stack:
            for _ in range(IDLE_CONNECTIONS):
                stack.enter_context(connect(self.server))
            with ThreadPoolExecutor(CONCURRENT_RUNS) as clients:
                for got, wanted in clients.map(run, range(CONCURRENT_RUNS)):
                    self.assertEqual(got, wanted)
            self.assertGreaterEqual(self.connections(), IDLE_CONNECTIONS)
            # An idle connection holds no more than its coroutine and its socket.
            self.assertLess(resident_kib(self.server.process.pid) - before_kib, MOST_RESIDENT_KIB)
        until(lambda: self.connections() == 1)  # the one that asks


class Slow(Case):
    def assert_serves(self):
        self.assertEqual(self.call("sandbox.metrics.get").status, 200)

    def test_a_header_that_does_not_end(self):
        with connect(self.server) as stream:
            stream.sendall(HEAD)
            self.assert_serves()
            answer = stream.recv(4096)  # after the time that a header may take
            self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1.1 408 "), answer)

    def test_a_body_that_does_not_end(self):
        with contextlib.ExitStack() as stack:
            for _ in range(200):  # more than there are threads for calls
                stream = stack.enter_context(connect(self.server))
                stream.sendall(HEAD + b"Content-Length: 1000\r\n\r\n{")
            self.assert_serves()

    def test_a_client_that_does_not_read(self):
        name = self.started("unread")
        big = json.dumps({"jsonrpc": "2.0", "method": "sandbox.repl.run", "id": 1, "params": {
            "sandbox": name, "language": "python", "code": "print('x' * 8_000_000)"}}).encode()
        with contextlib.ExitStack() as stack:
            for _ in range(8):
                stream = stack.enter_context(connect(self.server))
                stream.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(big) + big)
            self.assertEqual(lines(self.run_python(name, "print('served')")), ["served"])

    def test_a_client_that_closes_its_side_early(self):
        body = json.dumps({"jsonrpc": "2.0", "method": "sandbox.metrics.get", "id": "half"}).encode()
        with connect(self.server) as stream:
            stream.sendall(HEAD + b"Content-Length: 1000\r\n\r\n" + body)
            stream.shutdown(socket.SHUT_WR)
            answer = stream.recv(4096)
            self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1.1 400 "), answer)
        self.assert_serves()

    def test_long_runs_do_not_hold_quick_calls(self):
        name = self.started("long")
        stop = "/tmp/stop"
        wait = {"sandbox": name, "command": "sh", "args": ["-c", f"until [ -e {stop} ]; do sleep 0.05; done"]}
        with ThreadPoolExecutor(32) as clients:
            waiting = [clients.submit(self.call, "sandbox.command.run", wait) for _ in range(32)]
            try:
                for _ in range(20):
                    self.assert_serves()
                self.assertEqual(lines(self.run_python(name, "print('between')")), ["between"])
            finally:
                self.call("sandbox.command.run", {"sandbox": name, "command": "touch", "args": [stop]})
            self.assertTrue(all(done.result().result["success"] for done in waiting))


class End(Case):
    def test_a_second_signal_means_now(self):
        home = self.other_home()
        server = Server(home, "--dev")
        params = {"sandbox": "now", "namespace": "now"}
        server.call("sandbox.start", {**params, "config": PYTHON}).result
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE_S)
        with contextlib.closing(connection):
            connection.request("POST", "/api/v1/rpc", json.dumps(
                {"jsonrpc": "2.0", "method": "sandbox.command.run",
                 "params": {**params, "command": "sleep", "args": ["1000"]}}), {"Content-Type": "application/json"})
            # The page's own call, and that one.
            until(lambda: b"msb_calls_running 2" in server.request("GET", "/metrics").body)
            server.process.send_signal(signal.SIGTERM)
            # It listens no more: the first signal has been taken.
            with self.assertRaises(OSError):
                while True:
                    connect(server).close()
            self.assertEqual(server.stop(signal.SIGTERM), 128 + signal.SIGTERM)
        again = Server(home, "--dev")
        self.addCleanup(again.stop)
        one, = again.call("sandbox.metrics.get", params).result["sandboxes"]
        self.assertFalse(one["running"])
        again.call("sandbox.start", params).result
        again.call("sandbox.remove", params).result


if __name__ == "__main__":
    unittest.main()
