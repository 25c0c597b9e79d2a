# SPDX-License-Identifier: Apache-2.0
"""The five methods on the wire, in both dialects: results, failures, the examples of the contract."""

import unittest

from server import PYTHON, Case, lines


class Envelope(Case):
    def test_ids_are_echoed_with_their_type(self):
        for value in ("a", 7, 1.5, True, [1, "x"], {"k": None}):
            answer = self.call("sandbox.metrics.get", {}, id=value)
            self.assertEqual(answer.json["id"], value)
            self.assertIs(type(answer.json["id"]), type(value))

    def test_without_an_id_there_is_an_answer_without_one(self):
        for members in ({}, {"id": None}):
            answer = self.call("sandbox.metrics.get", {}, **members)
            self.assertEqual(answer.status, 200)
            self.assertEqual(sorted(answer.json), ["jsonrpc", "result"])

    def test_another_version(self):
        answer = self.server.post("/api/v1/rpc", {"jsonrpc": "1.0", "method": "x", "id": "c"})
        self.assertEqual(answer.status, 400)
        self.assertEqual(answer.json, {
            "jsonrpc": "2.0", "id": "c",
            "error": {"code": -32600, "message": "Invalid or missing jsonrpc version field"}})

    def test_an_unknown_method(self):
        answer = self.call("foo", id="c")
        self.assertEqual(answer.status, 404)
        self.assertEqual(answer.json, {"jsonrpc": "2.0", "id": "c",
                                       "error": {"code": -32601, "message": "Method not found: foo"}})

    def test_bodies_that_are_no_request(self):
        for body, status, text in (
                ("{", 400, "Failed to parse the request body as JSON: "),
                ("[" * 100000, 400, "Failed to parse the request body as JSON: "),
                ("7", 422, "Failed to deserialize the JSON body into the target type: "),
                ('[{"jsonrpc":"2.0","method":"x"}]', 422, "Failed to deserialize the JSON body"),
                ('{"jsonrpc":"2.0"}', 422, "Failed to deserialize the JSON body"),
                ('{"method":"x"}', 422, "Failed to deserialize the JSON body")):
            answer = self.server.post("/api/v1/rpc", body)
            self.assert_failure(answer, status, 2001)
            self.assertTrue(answer.json["error"].startswith(text), answer.json)


class Start(Case):
    def test_every_field_of_the_newer_dialect(self):
        config = {**PYTHON, "envs": ["DEBUG=1"], "workdir": "/work", "shell": "/bin/sh",
                  "scripts": {"hello": "echo script $1"}, "exec": "echo ran", "ports": ["0:8080"],
                  "volumes": [], "depends_on": []}
        self.started("full", config)
        ran = self.call("sandbox.command.run", {"sandbox": "full", "command": "sh",
                                                "args": ["-c", "echo $DEBUG; pwd; hello x"]}).result
        self.assertEqual(lines(ran), ["1", "/work", "script x"])

    def test_the_older_dialect_names_a_namespace(self):
        answer = self.call("sandbox.start", {"namespace": "team-b", "sandbox": "demo", "config": PYTHON})
        self.addCleanup(self.call, "sandbox.remove", {"namespace": "team-b", "sandbox": "demo"})
        self.assertEqual(answer.json, {"jsonrpc": "2.0", "result": "Sandbox demo started successfully"})

    def test_null_stands_for_absent_lists(self):
        self.started("nulls", {**PYTHON, "volumes": None, "ports": None, "envs": None,
                               "depends_on": None, "scripts": None, "workdir": "", "shell": "", "exec": ""})

    def test_a_running_one_is_a_success_that_changes_nothing(self):
        self.started("twice")
        self.run_python("twice", "kept = 5")
        self.assertEqual(self.call("sandbox.start", {"sandbox": "twice", "config": PYTHON}).result,
                         "Sandbox twice started successfully")
        self.assertEqual(lines(self.run_python("twice", "kept")), ["5"])

    def test_files_outlive_a_stop_and_variables_do_not(self):
        self.started("again")
        self.run_python("again", "open('f', 'w').write('x'); v = 1")
        self.call("sandbox.stop", {"sandbox": "again"}).result
        for params in ({"sandbox": "again"}, {"sandbox": "again", "config": {"memory": 64}}):
            self.call("sandbox.start", params).result
        ran = self.run_python("again", "print(open('f').read())\nprint('v' in globals())")
        self.assertEqual(lines(ran), ["x", "False"])

    def test_params(self):
        for params, text in (
                (None, "Invalid params for sandbox.start: invalid type: null, expected struct SandboxStartParams"),
                ({}, "Invalid params for sandbox.start: missing field `sandbox`"),
                ({"sandbox": ""}, "Sandbox name cannot be empty"),
                ({"sandbox": "a" * 64}, "Sandbox name cannot exceed 63 characters"),
                ({"sandbox": "a/b"}, "Sandbox name can only contain alphanumeric characters, hyphens, or underscores"),
                ({"sandbox": "-a"}, "Sandbox name must start with an alphanumeric character"),
                ({"sandbox": "a", "namespace": ""}, "Namespace cannot be empty"),
                ({"sandbox": "a", "namespace": "n" * 64}, "Namespace cannot exceed 63 characters"),
                ({"sandbox": "a", "namespace": "*"}, "Wildcard namespace (*) is not valid for sandbox creation"),
                ({"sandbox": "a", "namespace": "../x"},
                 "Namespace can only contain alphanumeric characters, hyphens, or underscores"),
                ({"sandbox": "a", "namespace": "_n"}, "Namespace must start with an alphanumeric character"),
                ({"sandbox": "none"}, "No configuration provided and no existing configuration found for sandbox 'none'"),
                ({"sandbox": "none", "namespace": "new"}, "Sandbox 'none' not found in existing configuration")):
            self.assert_failure(self.call("sandbox.start", params), 400, 2001, text)
        for config in ({**PYTHON, "cpus": 1.5}, {**PYTHON, "cpus": 256}, {**PYTHON, "memory": -1},
                       {**PYTHON, "envs": "A=1"}):
            self.assert_failure(self.call("sandbox.start", {"sandbox": "a", "config": config}), 400, 2001)

    def test_values_that_cannot_be_had(self):
        for config in ({**PYTHON, "ports": ["99999:80"]}, {**PYTHON, "envs": ["nothing"]},
                       {**PYTHON, "volumes": ["/etc:/mnt"]}, {**PYTHON, "image": "no such/Image"}):
            self.assert_failure(self.call("sandbox.start", {"sandbox": "bad", "config": config}), 500, 5002)
        # Nothing of it was kept.
        self.assertNotIn("bad", [one["name"] for one in self.call("sandbox.metrics.get", {}).result["sandboxes"]])


class Stop(Case):
    def test_stop_and_stop_again(self):
        self.started("s")
        for _ in range(2):
            self.assertEqual(self.call("sandbox.stop", {"sandbox": "s"}).result, "Sandbox s stopped successfully")

    def test_what_is_not_there(self):
        self.assert_failure(self.call("sandbox.stop", {"sandbox": "x", "namespace": "nowhere"}), 400, 2001,
                            "Namespace directory 'nowhere' does not exist")
        self.assert_failure(self.call("sandbox.stop", {"sandbox": "unknown"}), 500, 5002)
        self.assert_failure(self.call("sandbox.stop", {}), 400, 2001,
                            "Invalid params for sandbox.stop: missing field `sandbox`")

    def test_start_right_after_stop_and_stop_right_after_start(self):
        self.started("quick")
        for _ in range(5):
            self.call("sandbox.stop", {"sandbox": "quick"}).result
            self.call("sandbox.start", {"sandbox": "quick"}).result
        self.assertEqual(lines(self.run_python("quick", "print(1)")), ["1"])


class Metrics(Case):
    def test_running_and_stopped(self):
        self.started("m")
        self.run_python("m", "1")
        one, = self.call("sandbox.metrics.get", {"sandbox": "m"}).result["sandboxes"]
        self.assertEqual((one["namespace"], one["name"], one["running"]), ("default", "m", True))
        self.assertIs(type(one["memory_usage"]), int)
        self.assertIs(type(one["disk_usage"]), int)
        self.assertIsInstance(one["cpu_usage"], (int, float))
        self.call("sandbox.stop", {"sandbox": "m"}).result
        one, = self.call("sandbox.metrics.get", {"sandbox": "m"}).result["sandboxes"]
        self.assertGreater(one.pop("disk_bytes"), 0)
        self.assertEqual(one, {"namespace": "default", "name": "m", "running": False, "cpu_usage": None,
                               "memory_usage": None, "disk_usage": None})

    def test_all_of_one_and_of_every_namespace(self):
        self.started("one")
        self.started("two", namespace="other")
        self.assertEqual([s["name"] for s in self.call("sandbox.metrics.get").result["sandboxes"]], ["one"])
        everywhere = self.call("sandbox.metrics.get", {"namespace": "*"}).result["sandboxes"]
        self.assertEqual({(s["namespace"], s["name"]) for s in everywhere}, {("default", "one"), ("other", "two")})
        self.assertEqual(self.call("sandbox.metrics.get", {"namespace": "*", "sandbox": "none"}).result,
                         {"sandboxes": []})

    def test_what_is_not_there(self):
        self.assert_failure(self.call("sandbox.metrics.get", {"sandbox": "unknown"}), 500, 5002)
        self.assert_failure(self.call("sandbox.metrics.get", {"namespace": "nowhere"}), 400, 2001,
                            "Namespace directory 'nowhere' does not exist")


class Run(Case):
    def test_code(self):
        self.started("r")
        ran = self.run_python("r", "x = 20\nprint('a')\n\nprint()\nx + 1")
        self.assertEqual(ran, {"status": "success", "language": "python", "output": [
            {"stream": "stdout", "text": text} for text in ("a", "", "21")]})
        self.assertEqual(lines(self.run_python("r", "x")), ["20"])

    def test_an_exception_is_a_result(self):
        self.started("e")
        ran = self.run_python("e", "1/0")
        self.assertEqual(ran["status"], "exception")
        self.assertEqual(lines(ran, "stderr")[0], "Traceback (most recent call last):")
        self.assertEqual(lines(ran, "stderr")[-1], "ZeroDivisionError: division by zero")

    def test_the_language_is_echoed_as_written(self):
        self.started("l")
        ran = self.call("sandbox.repl.run", {"sandbox": "l", "language": "PyThon", "code": "1"}).result
        self.assertEqual(ran["language"], "PyThon")

    def test_node_by_its_three_names(self):
        self.started("n", {**PYTHON, "image": "microsandbox/node"})
        for language in ("node", "nodejs", "javascript"):
            ran = self.call("sandbox.repl.run", {"sandbox": "n", "language": language, "code": "console.log(6*7)"}).result
            self.assertEqual((ran["language"], lines(ran)), (language, ["42"]))

    def test_command(self):
        self.started("c")
        answer = self.server.post("/api/v1/rpc", b'{"jsonrpc":"2.0","method":"sandbox.command.run","params":{"sandbox":"c",'
                                  b'"command":"pwd","args":null,"timeout":30000000000},"id":"a"}')
        self.assertEqual(answer.json, {"jsonrpc": "2.0", "id": "a", "result": {
            "args": [], "command": "pwd", "exit_code": 0, "success": True,
            "output": [{"stream": "stdout", "text": "/home/python-user/work"}]}})

    def test_a_failing_command_is_a_result(self):
        self.started("f")
        ran = self.call("sandbox.command.run", {"sandbox": "f", "command": "ls", "args": ["/nonexistent"]}).result
        self.assertEqual((ran["exit_code"], ran["success"]), (2, False))
        self.assertEqual(len(lines(ran, "stderr")), 1)
        ran = self.call("sandbox.command.run", {"sandbox": "f", "command": "sh", "args": ["-c", "kill -9 $$"]}).result
        self.assertEqual((ran["exit_code"], ran["success"], ran["signal"]), (1, False, 9))

    def test_what_cannot_run(self):
        self.started("w")
        for method, params in (
                ("sandbox.repl.run", {"sandbox": "w", "language": "cobol", "code": "1"}),
                ("sandbox.repl.run", {"sandbox": "w", "language": "python"}),
                ("sandbox.repl.run", {"sandbox": "off", "language": "python", "code": "1"}),
                ("sandbox.command.run", {"sandbox": "w", "command": "nope"}),
                ("sandbox.command.run", {"sandbox": "w", "command": "sleep", "args": ["60"], "timeout": 0.2}),
                ("sandbox.command.run", {"sandbox": "off", "command": "true"})):
            answer = self.call(method, params)
            self.assert_failure(answer, 500, 5002)
            self.assertNotEqual(answer.json["error"], "Internal server error")

    def test_params(self):
        for method in ("sandbox.repl.run", "sandbox.command.run"):
            self.assert_failure(self.call(method, []), 400, 2001,
                                "Request parameters must be an object containing 'sandbox'")
            self.assert_failure(self.call(method, {}), 400, 2001,
                                "Missing required 'sandbox' parameter for portal request")
            self.assert_failure(self.call(method, {"sandbox": "a", "namespace": 5}), 400, 2001,
                                "Missing required 'namespace' parameter for portal request")


class Aliases(Case):
    def test_start_and_stop_have_a_message_and_a_result(self):
        self.addCleanup(self.call, "sandbox.remove", {"sandbox": "x"})
        answer = self.call("sandbox.start", {"sandbox": "x", "config": {**PYTHON, "cpus": 2}},
                           path="/api/v1/sandbox/start")
        text = "Sandbox x started successfully"
        self.assertEqual(answer.json, {"jsonrpc": "2.0", "result": text, "message": text})
        ran = self.call("sandbox.command.run", {"sandbox": "x", "command": "true"}, id=1,
                        path="/api/v1/sandbox/command/run")
        self.assertTrue(ran.result["success"])
        self.assertNotIn("message", ran.json)
        stopped = self.call("sandbox.stop", {"sandbox": "x"}, path="/api/v1/sandbox/stop", id="u")
        self.assertEqual(stopped.json["message"], "Sandbox x stopped successfully")


if __name__ == "__main__":
    unittest.main()
