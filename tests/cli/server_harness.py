# SPDX-License-Identifier: Apache-2.0
"""A server that `msb server start` has started, in the home of the tests."""

import contextlib
import http.client
import json
import os
import signal
import ssl
import threading

from harness import DEADLINE_S, Case


class ServerCase(Case):
    def setUp(self):
        self.forget_servers()
        # One that is killed leaves its record, which an audit of the home would find.
        self.addCleanup(self.forget_servers)

    def forget_servers(self):
        for name in ("server.key", "server.log", "server.pid"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.home, name))

    def environment(self, **extra):
        env = super().environment(**extra)
        for name in ("MSB_SERVER_URL", "MSB_API_KEY", "SSL_CERT_FILE"):
            if name not in extra:
                env.pop(name, None)
        return env

    def serve(self, *flags, **more):
        """A detached server until the end of the test; its URL."""
        done = self.msb("server", "start", "--detach", "--port", "0", *flags, **more)
        self.assert_ends(done, 0, stderr="")
        self.addCleanup(self.msb, "server", "stop", "--timeout", "0")
        self.assertRegex(done.stdout, r"^Server listening on https?://")
        return done.stdout.split()[3]

    def status(self):
        return json.loads(self.msb("server", "status", "--json").stdout)

    def pid(self):
        return self.status()["pid"]

    def kill(self):
        """kill -9, and wait until it is seen."""
        os.kill(self.pid(), signal.SIGKILL)
        self.eventually(lambda: not self.status()["running"], "the killed server runs")

    def pid_file(self):
        return os.path.join(self.home, "server.pid")

    @staticmethod
    def request(url, verb, path, body=None, key=None, ca_file=None):
        """Status and JSON of one request."""
        scheme, address = url.split("://")
        if scheme == "https":
            connection = http.client.HTTPSConnection(
                address, timeout=DEADLINE_S, context=ssl.create_default_context(cafile=ca_file))
        else:
            connection = http.client.HTTPConnection(address, timeout=DEADLINE_S)
        with contextlib.closing(connection):
            headers = {"Content-Type": "application/json"}
            if key:
                headers["Authorization"] = f"Bearer {key}"
            connection.request(verb, path, body and json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def call(self, url, method, params, key=None):
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return self.request(url, "POST", "/api/v1/rpc", body, key)

    def busy(self, url, name="busy"):
        """A sandbox in which a call runs that does not end by itself; the thread of that call."""
        status, answer = self.call(url, "sandbox.start",
                                   {"sandbox": name, "config": {"image": "test/tiny"}})
        self.assertEqual(status, 200, answer)

        def run():
            # Its connection may be cut off: that is what is being tested.
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.call(url, "sandbox.command.run", {"sandbox": name, "command": "sleep",
                                                       "args": ["1000"]})

        thread = threading.Thread(target=run)
        thread.start()
        self.addCleanup(thread.join, DEADLINE_S)
        self.eventually(lambda: any(b"sleep\x001000" in command for _, command in self.of_guests()),
                        "the command does not run")
        return thread

    @staticmethod
    def of_guests():
        """Commands of all processes: a sandbox's do not have our environment."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
                found.append((pid, file.read()))
        return found
