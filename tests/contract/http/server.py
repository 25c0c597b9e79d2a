# SPDX-License-Identifier: Apache-2.0
"""A real msb-server with a home of its own, and clients that speak to it in plain bytes."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

SERVER = os.environ["MSB_SERVER"]
# How long anything may take before a test gives up on it: generous, for busy machines.
DEADLINE_S = 120
PYTHON = {"image": "microsandbox/python", "memory": 512, "cpus": 1}
KEY = "0123456789abcdefghijABCDEFGHIJ01"
TOKEN_HEAD = "msb_eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9."
TOKEN_ALL = (TOKEN_HEAD + "eyJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwibmFtZXNwYWNlIjoiKiJ9."
             "djRmD2Ca_GcJHgO0HLjrEKchSBoKZrs1a3fXK9fI3WQ")
TOKEN_TEAM = (TOKEN_HEAD + "eyJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwibmFtZXNwYWNlIjoidGVhbS1hIn0."
              "hmsntHCrfBKTSn2CQ5z4eLfJUe8wKh3ENYt2q6nzj54")
TOKEN_UNSCOPED = (TOKEN_HEAD + "eyJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMH0."
                  "Ow42qC_-UtSZp1I1Nbf991cFz566FXQ4eQ7kfTZNEw0")
TOKEN_EXPIRED = (TOKEN_HEAD + "eyJleHAiOjE3MDAwMDM2MDAsImlhdCI6MTcwMDAwMDAwMCwibmFtZXNwYWNlIjoiKiJ9."
                 "jeLUKV5cj8VPdXpTfsmz5rVXvo9SSsvBkqjHg38KRbo")


def images_home():
    return os.environ.get("MSB_HOME") or os.path.expanduser("~/.microsandbox")


def link_images(home):
    """The images of the host's store, without the rest of it: hard links, so nothing is copied."""
    source = images_home()
    if not os.path.exists(os.path.join(source, "index.json")):
        raise unittest.SkipTest(f"no images in {source}; `make test` prepares them")
    for name in ("index.json", "oci-layout", "blobs", "layers"):
        path = os.path.join(source, name)
        if os.path.exists(path):
            subprocess.run(["cp", "-al", path, home], check=True)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def result(self):
        answer = self.json
        if self.status != 200 or "error" in answer:
            raise AssertionError(f"{self.status}: {answer}")
        return answer["result"]


class Server:
    def __init__(self, home, *flags):
        self.home = home
        self.log = tempfile.TemporaryFile("a+b")  # the server appends, whatever was read of it
        self.process = subprocess.Popen(
            [SERVER, "start", "--port", "0", *flags], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=self.log, text=True,
            env={**os.environ, "MSB_HOME": home})
        line = self.process.stdout.readline()
        if not line.startswith("Server listening on "):
            self.process.wait(DEADLINE_S)
            raise AssertionError(f"server did not start: {line!r} {self.log_text()}")
        self.url = line.split()[-1]
        self.port = int(self.url.rsplit(":", 1)[1])

    def log_text(self):
        if not self.log.closed:
            self.log.seek(0)
            self.last_text = self.log.read().decode()
        return self.last_text

    def log_line(self, part):
        """The line that holds `part`: a request is logged when its answer is on its way."""
        give_up = time.monotonic() + DEADLINE_S
        while time.monotonic() < give_up:
            for line in self.log_text().splitlines():
                if part in line:
                    return line
            time.sleep(0.01)
        raise AssertionError(f"{part} is not in the log: {self.log_text()}")

    def stop(self, signal_number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        try:
            status = self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.process.stdout.close()
        self.log_text()
        self.log.close()
        return status

    def request(self, verb, path, body=None, headers=None, timeout=DEADLINE_S):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request(verb, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def post(self, path, body, key=None, headers=None):
        fields = {"Content-Type": "application/json", **(headers or {})}
        if key:
            fields["Authorization"] = f"Bearer {key}"
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        return self.request("POST", path, data, fields)

    def call(self, method, params=None, key=None, path="/api/v1/rpc", **members):
        body = {"jsonrpc": "2.0", "method": method, **members}
        if params is not None:
            body["params"] = params
        return self.post(path, body, key)

    def raw(self, data, half_close=False):
        """All that comes back until the server closes, or is silent for a while after an answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S) as stream:
            stream.sendall(data)
            if half_close:
                stream.shutdown(socket.SHUT_WR)
            received = b""
            with contextlib.suppress(ConnectionResetError):
                while chunk := stream.recv(65536):
                    received += chunk
            return received


class Case(unittest.TestCase):
    """Tests that share one server, in dev mode unless `flags` say otherwise."""

    flags = ("--dev",)

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.mkdtemp(prefix="msb-http-test-")
        cls.addClassCleanup(shutil.rmtree, cls.scratch, ignore_errors=True)
        cls.home = os.path.join(cls.scratch, "home")
        os.mkdir(cls.home, 0o700)
        link_images(cls.home)
        cls.server = Server(cls.home, *cls.flags)
        cls.addClassCleanup(lambda: cls.server.stop())

    def other_home(self):
        """For one more server: a home has only one."""
        home = tempfile.mkdtemp(dir=self.scratch)
        link_images(home)
        return home

    def call(self, method, params=None, **more):
        return self.server.call(method, params, **more)

    def started(self, name, config=None, **target):
        """A sandbox that runs until the end of the test."""
        params = {"sandbox": name, **target}
        self.addCleanup(self.call, "sandbox.remove", params)
        self.call("sandbox.start", {**params, "config": config or PYTHON}).result
        return name

    def run_python(self, name, code, **more):
        return self.call("sandbox.repl.run", {"sandbox": name, "language": "python", "code": code,
                                              **more}).result

    def assert_failure(self, answer, status, code, text=None):
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        body = answer.json
        self.assertEqual(body["code"], code)
        self.assertIsInstance(body["error"], str)
        self.assertNotIn(self.home, body["error"])
        if text is not None:
            self.assertEqual(body["error"], text)


def lines(result, stream="stdout"):
    return [line["text"] for line in result["output"] if line["stream"] == stream]
