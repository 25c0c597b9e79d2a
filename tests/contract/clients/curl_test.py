# SPDX-License-Identifier: Apache-2.0
"""What a user at a shell does: curl, with the flags that people use."""

import json
import os
import subprocess
import tempfile
import unittest

from server import DEADLINE_S, PYTHON, TOKEN_ALL, KEY, Case, lines


class Curl(Case):
    flags = ("--key", KEY)

    def curl(self, path, *flags, status=200, stdin=None):
        """The body of what curl gets, once it has told the status that is expected."""
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--max-time", str(DEADLINE_S), "--write-out", "\n%{http_code}",
             *flags, self.server.url + path], input=stdin, stdout=subprocess.PIPE, text=True, check=True)
        body, _, code = done.stdout.rpartition("\n")
        self.assertEqual(int(code), status, body)
        return body

    def call_by_curl(self, method, params, *flags, path="/api/v1/rpc", **members):
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **members})
        return json.loads(self.curl(path, "-H", "Content-Type: application/json", "-H",
                                    f"Authorization: Bearer {TOKEN_ALL}", *flags, "-d", body))

    def cleaned(self, name):
        body = {"jsonrpc": "2.0", "method": "sandbox.remove", "params": {"sandbox": name}}
        self.addCleanup(self.server.post, "/api/v1/rpc", body, TOKEN_ALL)
        return name

    def test_health(self):
        self.assertEqual(json.loads(self.curl("/api/v1/health"))["message"], "Service is healthy")
        self.assertIn("200", self.curl("/api/v1/health", "--head"))

    def test_a_sandbox_from_start_to_stop(self):
        name = self.cleaned("shell")
        started = self.call_by_curl("sandbox.start", {"sandbox": name, "config": PYTHON}, id="1")
        self.assertEqual(started, {"jsonrpc": "2.0", "result": "Sandbox shell started successfully", "id": "1"})
        ran = self.call_by_curl("sandbox.repl.run", {"sandbox": name, "language": "python", "code": "print(6*7)"}, id=2)
        self.assertEqual((ran["id"], lines(ran["result"])), (2, ["42"]))
        ran = self.call_by_curl("sandbox.command.run", {"sandbox": name, "command": "echo", "args": ["a b"]})
        self.assertEqual(lines(ran["result"]), ["a b"])
        self.assertNotIn("id", ran)
        stopped = self.call_by_curl("sandbox.stop", {"sandbox": name}, path="/api/v1/sandbox/stop")
        self.assertEqual(stopped["message"], "Sandbox shell stopped successfully")

    def test_a_large_body_from_a_file_waits_for_the_server_to_agree(self):
        name = self.cleaned("large")
        self.call_by_curl("sandbox.start", {"sandbox": name, "config": PYTHON})
        text = "x" * 3_000_000
        body = {"jsonrpc": "2.0", "method": "sandbox.command.run",
                "params": {"sandbox": name, "command": "wc", "args": ["-c"], "stdin": text}}
        with tempfile.NamedTemporaryFile("w", dir=self.scratch) as file:
            json.dump(body, file)
            file.flush()
            # Above a megabyte curl asks with "Expect: 100-continue" first.
            answer = self.curl("/api/v1/rpc", "--json", f"@{file.name}", "-H", f"Authorization: {TOKEN_ALL}",
                               "-H", "Expect: 100-continue")
        self.assertEqual(lines(json.loads(answer)["result"]), [str(len(text))])

    def test_a_body_of_unknown_length(self):
        body = json.dumps({"jsonrpc": "2.0", "method": "sandbox.metrics.get", "params": {}, "id": 1})
        answer = self.curl("/api/v1/rpc", "-H", "Content-Type: application/json", "-H", "Transfer-Encoding: chunked",
                           "-H", f"Authorization: Bearer {TOKEN_ALL}", "--data-binary", "@-", stdin=body)
        self.assertEqual(json.loads(answer), {"jsonrpc": "2.0", "result": {"sandboxes": []}, "id": 1})

    def test_two_requests_on_one_connection(self):
        url = self.server.url + "/api/v1/health"
        done = subprocess.run(["curl", "--silent", "-w", "%{num_connects}\n", "-o", os.devnull, url, "-o", os.devnull,
                               url], stdout=subprocess.PIPE, text=True, check=True)
        self.assertEqual(done.stdout.split(), ["1", "0"])

    def test_http_1_0(self):
        self.assertEqual(json.loads(self.curl("/api/v1/health", "--http1.0"))["message"], "Service is healthy")

    def test_what_curl_is_told_when_it_is_wrong(self):
        request = '{"jsonrpc":"2.0","method":"sandbox.metrics.get","params":{}}'
        # Without a content type curl says that it sends a form.
        self.curl("/api/v1/rpc", "-H", f"Authorization: Bearer {TOKEN_ALL}", "-d", request, status=415)
        refused = json.loads(self.curl("/api/v1/rpc", "--json", request, status=401))
        self.assertEqual(refused, {"error": "Invalid credentials", "code": 1001})
        self.assertEqual(self.curl("/api/v1/rpc", "-H", f"Authorization: Bearer {TOKEN_ALL}", status=405), "")
        self.assertEqual(self.curl("/nowhere", status=404), "")

    def test_mcp(self):
        listed = json.loads(self.curl("/mcp", "--json", '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
                                      "-H", f"Authorization: Bearer {TOKEN_ALL}"))
        self.assertEqual(len(listed["result"]["tools"]), 8)


if __name__ == "__main__":
    unittest.main()
