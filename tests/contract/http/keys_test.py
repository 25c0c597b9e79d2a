# SPDX-License-Identifier: Apache-2.0
"""Keys and namespaces; what survives a sudden death; what an end in order looks like."""

import os
import re
import signal
import stat
import subprocess
import threading
import unittest

from server import (DEADLINE_S, KEY, PYTHON, SERVER, TOKEN_ALL, TOKEN_EXPIRED, TOKEN_TEAM, TOKEN_UNSCOPED, Case, Server,
                    lines)

RPC = "/api/v1/rpc"
LIST = {"jsonrpc": "2.0", "method": "sandbox.metrics.get", "params": {"namespace": "team-a"}}


class Keys(Case):
    flags = ("--key", KEY)

    def ask(self, headers, path=RPC):
        return self.server.post(path, LIST, headers=headers)

    def test_without_a_key(self):
        for path in (RPC, "/api/v1/sandbox/start", "/mcp"):
            for headers in ({}, {"Authorization": ""}, {"Authorization": "Bearer x"}, {"Authorization": "Basic YTpi"},
                            {"Authorization": "bearer " + TOKEN_ALL}, {"Authorization": "Bearer  " + TOKEN_ALL},
                            {"Authorization": TOKEN_ALL[4:]}, {"Authorization": "Bearer \xff"}):
                self.assert_failure(self.ask(headers, path), 401, 1001, "Invalid credentials")

    def test_bad_tokens(self):
        for token in (TOKEN_EXPIRED, TOKEN_ALL[:-1] + "A", "msb_", "msb_a.b.c", TOKEN_ALL + "x"):
            self.assert_failure(self.ask({"Authorization": f"Bearer {token}"}), 401, 1004, "Invalid or expired token")

    def test_where_a_key_may_stand(self):
        for headers in ({"Authorization": f"Bearer {TOKEN_ALL}"}, {"Authorization": TOKEN_UNSCOPED},
                        {"Proxy-Authorization": f"Bearer {TOKEN_ALL}", "Authorization": "Bearer wrong"}):
            self.assertNotEqual(self.ask(headers).status, 401)

    def test_auth_comes_before_the_verb_and_after_the_path(self):
        self.assertEqual(self.server.request("GET", RPC).status, 401)
        self.assertEqual(self.server.request("GET", RPC, headers={"Authorization": TOKEN_ALL}).status, 405)
        self.assertEqual(self.server.request("GET", "/nowhere").status, 404)
        self.assertEqual(self.server.request("GET", "/api/v1/health").status, 200)
        self.assertEqual(self.server.request("OPTIONS", RPC).status, 200)

    def test_other_hosts_and_origins_may_ask(self):
        answer = self.server.post(RPC, LIST, TOKEN_ALL, {"Host": "sandbox.example", "Origin": "https://page.example"})
        self.assertNotIn(answer.status, (401, 403))
        self.assertEqual(answer.headers["Access-Control-Allow-Origin"], "*")

    def test_a_scoped_key_reaches_its_namespace_only(self):
        for method in ("sandbox.start", "sandbox.stop", "sandbox.repl.run", "sandbox.command.run",
                       "sandbox.metrics.get", "sandbox.remove", "sandbox.log.get"):
            for namespace in ("team-b", "*", "default", "team-a "):
                answer = self.call(method, {"sandbox": "a", "namespace": namespace}, key=TOKEN_TEAM)
                self.assert_failure(answer, 403, 3001, "Access denied")
        self.assert_failure(self.call("sandbox.stop", key=TOKEN_TEAM), 400, 2001,
                            "Missing 'params' field in JSON-RPC request")
        self.assert_failure(self.call("sandbox.stop", {"sandbox": "a"}, key=TOKEN_TEAM), 400, 2001,
                            "Missing or invalid 'namespace' in params for method 'sandbox.stop'")
        answer = self.server.post(RPC, "{", TOKEN_TEAM)
        self.assert_failure(answer, 400, 2001)
        self.assertTrue(answer.json["error"].startswith("Invalid JSON-RPC request: "))

    def test_a_scoped_key_can_work(self):
        params = {"sandbox": "own", "namespace": "team-a"}
        self.addCleanup(self.call, "sandbox.remove", params, key=TOKEN_TEAM)
        self.call("sandbox.start", {**params, "config": PYTHON}, key=TOKEN_TEAM).result
        ran = self.call("sandbox.command.run", {**params, "command": "echo", "args": ["hi"]}, key=TOKEN_TEAM).result
        self.assertEqual(lines(ran), ["hi"])

    def test_mcp_is_scoped_by_the_arguments_of_the_tool(self):
        def metrics(arguments, key):
            return self.server.post("/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
                "name": "sandbox_get_metrics", "arguments": arguments}}, key)
        self.assert_failure(metrics({"namespace": "team-b"}, TOKEN_TEAM), 403, 3001, "Access denied")
        self.assert_failure(metrics({"namespace": "*"}, TOKEN_TEAM), 403, 3001, "Access denied")
        # Without a namespace the key's own is meant.
        self.assertIn("team-a", metrics({}, TOKEN_TEAM).json["result"]["content"][0]["text"])
        self.assertIn("sandboxes", metrics({"namespace": "*"}, TOKEN_ALL).json["result"]["content"][0]["text"])

    def test_keys_are_in_no_log(self):
        self.ask({"Authorization": f"Bearer {TOKEN_ALL}"})
        self.assertNotIn("msb_", self.server.log_text())
        self.assertNotIn(KEY, self.server.log_text())

    def test_the_key_file_is_the_owners_alone(self):
        path = os.path.join(self.home, "server.key")
        with open(path, encoding="ascii") as file:
            self.assertEqual(file.read(), KEY)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)

    def test_keygen(self):
        def keygen(*flags):
            return subprocess.run([SERVER, "keygen", *flags], env={**os.environ, "MSB_HOME": self.home},
                                  capture_output=True, text=True, timeout=DEADLINE_S)
        done = keygen("--namespace", "team-a", "--expire", "1mo")
        self.assertEqual(done.returncode, 0, done.stderr)
        token, expires, namespace = done.stdout.splitlines()
        self.assertRegex(token, r"^Token: msb_")
        self.assertRegex(expires, r"^Token expires: \d{4}-\d\d-\d\dT")
        self.assertEqual(namespace, "Namespace: team-a")
        self.assert_failure(self.call("sandbox.stop", {"sandbox": "a", "namespace": "b"}, key=token.split()[1]), 403, 3001)
        self.assertEqual(keygen("--expire", "soon").returncode, 125)


class Program(Case):
    def test_dev_mode_is_for_loopback(self):
        home = self.other_home()
        for host in ("0.0.0.0", "localhost", "::"):
            done = subprocess.run([SERVER, "start", "--dev", "--port", "0", "--host", host], capture_output=True,
                                  text=True, timeout=DEADLINE_S, env={**os.environ, "MSB_HOME": home})
            self.assertEqual(done.returncode, 125)
            self.assertIn("Invalid host address: localhost" if host == "localhost" else "dev mode", done.stderr)

    def test_dev_mode_writes_no_key(self):
        self.assertFalse(os.path.exists(os.path.join(self.home, "server.key")))

    def test_a_sudden_death_keeps_definitions_and_files(self):
        home = self.other_home()
        first = Server(home, "--dev")
        params = {"sandbox": "kept", "namespace": "life"}
        first.call("sandbox.start", {**params, "config": PYTHON}).result
        first.call("sandbox.command.run", {**params, "command": "sh", "args": ["-c", "echo x > f; sync"]}).result
        first.stop(signal.SIGKILL)
        second = Server(home, "--dev")
        self.addCleanup(second.stop)
        self.addCleanup(second.call, "sandbox.remove", params)
        one, = second.call("sandbox.metrics.get", params).result["sandboxes"]
        self.assertFalse(one["running"])
        second.call("sandbox.start", params).result
        ran = second.call("sandbox.command.run", {**params, "command": "cat", "args": ["f"]}).result
        self.assertEqual(lines(ran), ["x"])

    def test_an_end_in_order_answers_running_calls(self):
        home = self.other_home()
        server = Server(home, "--dev")
        params = {"sandbox": "drain", "namespace": "drain"}
        server.call("sandbox.start", {**params, "config": PYTHON}).result
        answers = []
        begun = threading.Thread(target=lambda: answers.append(server.call("sandbox.command.run", {
            **params, "command": "sh", "args": ["-c", "echo go > begun; sleep 1; echo end"]})))
        begun.start()
        while "go" not in lines(server.call("sandbox.command.run", {**params, "command": "sh", "args": ["-c", "cat begun 2>&1"]}).result):
            pass
        self.assertEqual(server.stop(), 0)
        begun.join(DEADLINE_S)
        self.assertEqual(lines(answers[0].result), ["end"])
        again = Server(home, "--dev")
        self.addCleanup(again.stop)
        again.call("sandbox.remove", params).result

    def test_each_request_is_a_line(self):
        self.call("sandbox.stop", {"sandbox": "nobody", "namespace": "n1"}, id="the-id")
        line = self.server.log_line("the-id")
        for part in ('"method":"sandbox.stop"', '"sandbox":"nobody"', '"namespace":"n1"', '"status":400', '"code":2001',
                     '"outcome":"refused"'):
            self.assertIn(part, line)
        self.assertTrue(re.search(r'"duration_ms":[0-9.]+', line))


if __name__ == "__main__":
    unittest.main()
