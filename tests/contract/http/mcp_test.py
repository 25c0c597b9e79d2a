# SPDX-License-Identifier: Apache-2.0
"""MCP over HTTP and over stdio, in every revision."""

import contextlib
import http.client
import json
import os
import subprocess
import threading
import unittest

from server import DEADLINE_S, PYTHON, SERVER, Case

STREAM = {"Accept": "application/json, text/event-stream"}


class Mcp(Case):
    def ask(self, method, params=None, headers=None, **members):
        body = {"jsonrpc": "2.0", "id": 1, "method": method, **members}
        if params is not None:
            body["params"] = params
        return self.server.post("/mcp", body, headers=headers)

    def tool(self, name, arguments, headers=None, **more):
        return self.ask("tools/call", {"name": name, "arguments": arguments, **more}, headers)

    def session(self, revision="2025-11-25"):
        answer = self.ask("initialize", {"protocolVersion": revision, "capabilities": {},
                                         "clientInfo": {"name": "t", "version": "1"}})
        self.assertEqual(answer.status, 200)
        return {"Mcp-Session-Id": answer.headers["Mcp-Session-Id"], **STREAM}

    def test_initialize_agrees_on_a_revision(self):
        for wanted, got in (("2024-11-05", "2024-11-05"), ("2025-03-26", "2025-03-26"), ("2025-06-18", "2025-06-18"),
                            ("2025-11-25", "2025-11-25"), ("1999-01-01", "2025-11-25")):
            result = self.ask("initialize", {"protocolVersion": wanted}).result
            self.assertEqual(result["protocolVersion"], got)
            self.assertEqual(result["capabilities"], {"tools": {"listChanged": False}, "prompts": {"listChanged": False}})
            self.assertEqual(result["serverInfo"]["name"], "microsandbox-server")

    def test_messages_without_an_answer(self):
        for body in ({"jsonrpc": "2.0", "method": "notifications/initialized"},
                     {"jsonrpc": "2.0", "method": "notifications/initialized", "id": 1},
                     {"jsonrpc": "2.0", "id": 1, "result": {}}):
            answer = self.server.post("/mcp", body)
            self.assertEqual((answer.status, answer.body), (202, b""))

    def test_ping_and_unknown_methods(self):
        self.assertEqual(self.ask("ping").result, {})
        self.assertEqual(self.ask("resources/list").json["error"], {
            "code": -32603, "message": "MCP method error: Resource not found: MCP method 'resources/list' not found"})
        answer = self.server.post("/mcp", {"jsonrpc": "1.0", "id": 1, "method": "ping"})
        self.assertEqual((answer.status, answer.json["error"]["code"]), (200, -32600))

    def test_tools_are_listed_as_the_revision_knows_them(self):
        names = {"sandbox_start", "sandbox_stop", "sandbox_run_code", "sandbox_run_command", "sandbox_get_metrics",
                 "sandbox_pause", "sandbox_resume", "sandbox_snapshot"}
        for revision, has_annotations, has_output in (("2024-11-05", False, False), ("2025-03-26", True, False),
                                                      ("2025-11-25", True, True)):
            tools = self.ask("tools/list", headers=self.session(revision)).result["tools"]
            self.assertEqual({tool["name"] for tool in tools}, names)
            for tool in tools:
                self.assertEqual(("annotations" in tool, "outputSchema" in tool), (has_annotations, has_output))

    def test_a_sandbox_by_tools(self):
        self.addCleanup(self.call, "sandbox.remove", {"sandbox": "demo"})
        answer = self.tool("sandbox_start", {"sandbox": "demo", "config": PYTHON})
        self.assertEqual(answer.json, {"jsonrpc": "2.0", "id": 1, "result": {
            "content": [{"type": "text", "text": "\"Sandbox demo started successfully\""}]}})
        headers = self.session()
        ran = self.tool("sandbox_run_code", {"sandbox": "demo", "language": "python", "code": "6*7"}, headers).result
        self.assertEqual(ran["structuredContent"], {"status": "success", "language": "python",
                                                    "output": [{"stream": "stdout", "text": "42"}]})
        self.assertEqual(ran["content"][0]["text"], json.dumps(ran["structuredContent"], indent=2, sort_keys=True))
        stopped = self.tool("sandbox_stop", {"sandbox": "demo"}, headers).result
        self.assertEqual(stopped["structuredContent"], {"message": "Sandbox demo stopped successfully",
                                                        "sandbox": "demo", "namespace": "default"})

    def test_walls_by_tools(self):
        self.addCleanup(self.call, "sandbox.remove", {"sandbox": "walls"})
        headers = self.session()
        result = self.tool("sandbox_start", {"sandbox": "walls", "config": {**PYTHON, "isolation": "oci:crun"}},
                           headers).result
        self.assertIs(result["isError"], True)
        self.assertEqual(result["content"][0]["text"], "Error: Sandbox start failed: "
                         "isolation 'oci:crun': is not allowed here; allowed: jail")
        self.tool("sandbox_start", {"sandbox": "walls", "config": {**PYTHON, "isolation": "jail"}}, headers).result
        metrics = self.tool("sandbox_get_metrics", {"sandbox": "walls"}, headers).result["structuredContent"]
        self.assertEqual(metrics["sandboxes"][0]["isolation"], "jail")

    def test_a_snapshot_by_tools(self):
        for name in ("origin", "copy"):
            self.addCleanup(self.call, "sandbox.remove", {"sandbox": name})
        headers = self.session()
        self.tool("sandbox_start", {"sandbox": "origin", "config": PYTHON}, headers).result
        self.tool("sandbox_run_command", {"sandbox": "origin", "command": "sh", "args": ["-c", "echo kept > note"]}, headers)
        made = self.tool("sandbox_snapshot", {"sandbox": "origin", "image": "work"}, headers).result["structuredContent"]
        self.assertEqual(made, {"image": "localhost/snapshots/default/work:latest"})
        self.tool("sandbox_start", {"sandbox": "copy", "config": made}, headers).result
        read = self.tool("sandbox_run_command", {"sandbox": "copy", "command": "cat", "args": ["note"]}, headers).result
        self.assertEqual(read["structuredContent"]["output"], [{"stream": "stdout", "text": "kept"}])

    def test_a_pause_by_tools(self):
        self.addCleanup(self.call, "sandbox.remove", {"sandbox": "still"})
        headers = self.session()
        code = {"sandbox": "still", "language": "python", "code": "1"}
        self.tool("sandbox_start", {"sandbox": "still", "config": PYTHON}, headers).result
        paused = self.tool("sandbox_pause", {"sandbox": "still"}, headers).result
        if paused.get("isError"):
            self.skipTest(paused["content"][0]["text"])
        self.assertEqual(paused["structuredContent"], {"message": "Sandbox still paused successfully",
                                                       "sandbox": "still", "namespace": "default"})
        refused = self.tool("sandbox_run_code", code, headers).result
        self.assertIs(refused["isError"], True)
        self.assertIn("resume it first", refused["content"][0]["text"])
        self.assertEqual(self.tool("sandbox_resume", {"sandbox": "still"}, headers).result["structuredContent"]["message"],
                         "Sandbox still resumed successfully")
        self.assertNotIn("isError", self.tool("sandbox_run_code", code, headers).result)

    def test_failures_of_tools(self):
        for name, arguments, text in (
                ("sandbox_start", {"sandbox": ""}, "Error: Sandbox start failed: Validation error: Sandbox name cannot be empty"),
                ("sandbox_start", {"sandbox": 5}, "Error: Sandbox start failed: Validation error: "),
                ("sandbox_stop", {}, "Error: Sandbox stop failed: Validation error: "),
                ("sandbox_get_metrics", {"sandbox": "none"}, "Error: Get metrics failed: Internal server error: ")):
            result = self.tool(name, arguments).result
            self.assertTrue(result["isError"])
            self.assertTrue(result["content"][0]["text"].startswith(text), result)
        for name in ("sandbox_run_code", "sandbox_run_command"):
            error = self.tool(name, {"sandbox": "none", "language": "python", "code": "1", "command": "true"}).json["error"]
            self.assertEqual(error["code"], -32603)
            self.assertTrue(error["message"].startswith("Internal error: Internal server error: "), error)
        for params, text in (({}, "Missing required 'name' parameter"),
                             ({"name": "sandbox_stop"}, "Missing required 'arguments' parameter"),
                             ([], "Request parameters must be an object")):
            self.assertEqual(self.ask("tools/call", params).json["error"]["message"], "MCP method error: Validation error: " + text)
        self.assertEqual(self.tool("nope", {}).json["error"]["message"],
                         "MCP method error: Resource not found: Tool 'nope' not found")

    def test_prompts(self):
        self.assertEqual([p["name"] for p in self.ask("prompts/list").result["prompts"]],
                         ["create_python_sandbox", "create_node_sandbox"])
        text = self.ask("prompts/get", {"name": "create_node_sandbox"}).result["messages"][0]["content"]["text"]
        for part in ("node-sandbox", "default", "microsandbox/node", "512", "/workspace"):
            self.assertIn(part, text)
        self.assertEqual(self.ask("prompts/get", {"name": "x"}).json["error"]["message"],
                         "MCP method error: Resource not found: Prompt 'x' not found")

    def test_sessions_end(self):
        headers = self.session()
        self.assertEqual(self.ask("ping", headers=headers).status, 200)
        self.assertEqual(self.server.request("DELETE", "/mcp", headers=headers).status, 204)
        for verb in ("DELETE", "GET"):
            self.assertEqual(self.server.request(verb, "/mcp", headers=headers).status, 404)
        self.assertEqual(self.ask("ping", headers=headers).status, 404)
        self.assertEqual(self.ask("ping", headers={"Mcp-Protocol-Version": "1999-01-01"}).status, 400)

    def events(self, body, headers):
        """The messages of an event stream, as they come."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=DEADLINE_S)
        with contextlib.closing(connection):
            connection.request("POST", "/mcp", json.dumps(body), {"Content-Type": "application/json", **headers})
            response = connection.getresponse()
            self.assertEqual(response.headers["Content-Type"], "text/event-stream")
            for line in response:
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])

    def test_progress_and_cancellation(self):
        self.started("slow")
        headers = self.session()
        call = {"jsonrpc": "2.0", "id": "long", "method": "tools/call", "params": {
            "name": "sandbox_run_code", "_meta": {"progressToken": "p"},
            "arguments": {"sandbox": "slow", "language": "python",
                          "code": "import time\nprint('working', flush=True)\nwhile True: time.sleep(0.1)"}}}
        seen = []
        for message in self.events(call, headers):
            seen.append(message)
            if message.get("params", {}).get("message") == "working":
                self.server.post("/mcp", {"jsonrpc": "2.0", "method": "notifications/cancelled",
                                          "params": {"requestId": "long"}}, headers=headers)
        reports = [message["params"] for message in seen[:-1]]
        self.assertEqual({report["progressToken"] for report in reports}, {"p"})
        steps = [report["progress"] for report in reports]
        self.assertEqual(steps, sorted(set(steps)))
        self.assertEqual(seen[-1]["id"], "long")
        self.assertEqual(self.run_python("slow", "1")["status"], "success")

    def test_a_stream_of_the_servers_own_lasts_as_long_as_its_session(self):
        headers = self.session()
        ended = []
        def listen():
            ended.append(self.server.request("GET", "/mcp", headers=headers))
        thread = threading.Thread(target=listen)
        thread.start()
        while self.server.request("DELETE", "/mcp", headers=headers).status not in (204, 404):
            pass
        thread.join(DEADLINE_S)
        self.assertIn(ended[0].status, (200, 404))

    def test_stdio(self):
        messages = [
            {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-06-18"}},
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
                "name": "sandbox_start", "arguments": {"sandbox": "io", "namespace": "stdio", "config": PYTHON}}}]
        process = subprocess.Popen([SERVER, "mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                   env={**os.environ, "MSB_HOME": self.home})
        self.addCleanup(self.call, "sandbox.remove", {"sandbox": "io", "namespace": "stdio"})
        process.stdin.write("".join(json.dumps(message) + "\n" for message in messages) + "{\n")
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.stdin.close()
        self.assertEqual(process.wait(DEADLINE_S), 0)
        process.stdout.close()
        by_id = {answer["id"]: answer for answer in answers}
        self.assertEqual(by_id[0]["result"]["protocolVersion"], "2025-06-18")
        self.assertEqual(by_id[1]["result"]["structuredContent"]["message"], "Sandbox io started successfully")
        self.assertEqual(by_id[None]["error"]["code"], -32700)


if __name__ == "__main__":
    unittest.main()
