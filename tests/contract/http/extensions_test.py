# SPDX-License-Identifier: Apache-2.0
"""What the server adds to the protocol (docs/protocol-extensions.md), on the wire."""

import base64
import http.client
import json
import unittest

from server import DEADLINE_S, PYTHON, Case, lines


class Lines:
    """An answer that is read line by line while it comes."""

    def __init__(self, server, method, params, accept="application/x-ndjson"):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE_S)
        self.connection.request("POST", "/api/v1/rpc", json.dumps(
            {"jsonrpc": "2.0", "method": method, "params": params, "id": "s"}),
            {"Content-Type": "application/json", "Accept": accept})
        self.response = self.connection.getresponse()

    def next(self):
        return json.loads(self.response.readline())

    def rest(self):
        return [json.loads(line) for line in self.response.read().splitlines()]

    def close(self):
        # Both hold the socket.
        self.response.close()
        self.connection.close()


def output_of(pieces, stream="stdout"):
    return b"".join(piece["text"].encode() if "text" in piece else base64.b64decode(piece["base64"])
                    for piece in pieces if piece.get("stream") == stream)


class Extensions(Case):
    def lines(self, method, params, **more):
        answer = Lines(self.server, method, params, **more)
        self.addCleanup(answer.close)
        return answer

    def test_health_says_what_the_server_is(self):
        health = self.server.request("GET", "/api/v1/health").json
        self.assertEqual((health["message"], health["server"]), ("Service is healthy", "msb"))
        self.assertTrue(health["version"])
        self.assertLessEqual({"start.options", "start.details", "command.options", "output.lines",
                              "process", "info", "isolation", "log", "pause", "remove", "snapshot"}, set(health["features"]))

    def test_start_with_details(self):
        config = {**PYTHON, "ports": ["0:8000"], "user": "0:0", "disk": 64, "max_processes": 40,
                  "cpu_limit": 0.5, "exec": "echo up; exit 3"}
        self.addCleanup(self.call, "sandbox.remove", {"sandbox": "d"})
        started = self.call("sandbox.start", {"sandbox": "d", "config": config, "details": True}).result
        self.assertEqual(started["message"], "Sandbox d started successfully")
        self.assertIs(started["was_running"], False)
        self.assertEqual(started["image_command"], ["python3"])
        self.assertEqual(started["isolation"], "jail")
        self.assertEqual(started["ports"][0]["guest"], 8000)
        self.assertGreater(started["ports"][0]["host"], 0)
        again = self.call("sandbox.start", {"sandbox": "d", "details": True}).result
        self.assertIs(again["was_running"], True)
        self.assertEqual(again["ports"], started["ports"])
        ran = self.call("sandbox.command.run", {"sandbox": "d", "command": "id", "args": ["-u"]}).result
        self.assertEqual(lines(ran), ["0"])

    def test_a_default_image_gives_way_to_the_stored_definition(self):
        self.started("own", {**PYTHON, "envs": ["A=1"]})
        self.call("sandbox.stop", {"sandbox": "own"}).result
        self.call("sandbox.start", {"sandbox": "own", "config": {
            "image": "microsandbox/node", "memory": 512, "cpus": 1, "image_is_default": True}}).result
        ran = self.call("sandbox.command.run", {"sandbox": "own", "command": "printenv", "args": ["A"]}).result
        self.assertEqual(lines(ran), ["1"])
        self.call("sandbox.stop", {"sandbox": "own"}).result
        self.call("sandbox.start", {"sandbox": "own", "config": {
            "envs": ["A=2"], "image_is_default": True}}).result
        ran = self.call("sandbox.command.run", {"sandbox": "own", "command": "sh",
                                                "args": ["-c", "printenv A; command -v python3"]}).result
        self.assertEqual(lines(ran)[0], "2")
        self.assertTrue(ran["success"])

    def test_a_config_for_a_running_one_is_for_its_next_start(self):
        self.started("next", {**PYTHON, "envs": ["A=1"]})
        print_a = {"sandbox": "next", "command": "printenv", "args": ["A"]}
        self.call("sandbox.start", {"sandbox": "next", "config": {**PYTHON, "envs": ["A=2"]}}).result
        self.assertEqual(lines(self.call("sandbox.command.run", print_a).result), ["1"])
        self.call("sandbox.stop", {"sandbox": "next"}).result
        self.call("sandbox.start", {"sandbox": "next"}).result
        self.assertEqual(lines(self.call("sandbox.command.run", print_a).result), ["2"])

    def test_info_and_log(self):
        self.started("i", {**PYTHON, "exec": "printf 'a\\377b'; exit 4"})
        info = {}
        while info.get("exec_exit_code") is None:
            info = self.call("sandbox.info.get", {"sandbox": "i"}).result
        self.assertEqual((info["exec_exit_code"], info["image"]), (4, "microsandbox/python"))
        self.assertEqual(self.call("sandbox.log.get", {"sandbox": "i"}).result, "a\ufffdb")
        self.assertEqual(self.call("sandbox.log.get", {"sandbox": "i", "base64": True}).result,
                         {"base64": base64.b64encode(b"a\xffb").decode()})
        answer = self.call("sandbox.info.get", {"sandbox": "nobody"})
        self.assert_failure(answer, 500, 5002)
        self.assertEqual(answer.json["kind"], "sandbox not started")

    def test_pause_and_resume(self):
        self.started("p")
        paused = self.call("sandbox.pause", {"sandbox": "p"})
        if paused.json.get("kind") == "not supported":
            self.skipTest(paused.json["error"])
        self.assertEqual(paused.result, "Sandbox p paused successfully")
        reading, = self.call("sandbox.metrics.get", {"sandbox": "p"}).result["sandboxes"]
        self.assertEqual((reading["running"], reading["paused"]), (True, True))
        answer = self.call("sandbox.command.run", {"sandbox": "p", "command": "true"})
        self.assert_failure(answer, 500, 5002)
        self.assertEqual(answer.json["kind"], "sandbox is paused")
        self.assertEqual(self.call("sandbox.resume", {"sandbox": "p"}).result,
                         "Sandbox p resumed successfully")
        reading, = self.call("sandbox.metrics.get", {"sandbox": "p"}).result["sandboxes"]
        self.assertNotIn("paused", reading)
        answer = self.call("sandbox.pause", {"sandbox": "nobody"})
        self.assert_failure(answer, 500, 5002)
        self.assertEqual(answer.json["kind"], "sandbox not started")

    def test_a_snapshot_is_its_namespaces_own(self):
        self.started("s")
        self.call("sandbox.command.run", {"sandbox": "s", "command": "touch", "args": ["/mark"],
                                          "user": "0:0"}).result
        image = self.call("sandbox.snapshot", {"sandbox": "s", "image": "extensions:1"}).result["image"]
        self.assertEqual(image, "localhost/snapshots/default/extensions:1")
        self.started("t", {**PYTHON, "image": image})
        ran = self.call("sandbox.command.run", {"sandbox": "t", "command": "ls", "args": ["/mark"]}).result
        self.assertEqual(lines(ran), ["/mark"])
        answer = self.call("sandbox.start", {"sandbox": "t", "namespace": "other",
                                             "config": {**PYTHON, "image": image}})
        self.assert_failure(answer, 500, 5002)
        self.assertEqual(answer.json["kind"], "permission denied")
        answer = self.call("sandbox.snapshot", {"sandbox": "s", "image": "microsandbox/python"})
        self.assert_failure(answer, 500, 5002)
        self.assertEqual(answer.json["kind"], "invalid argument")
        self.assert_failure(self.call("sandbox.snapshot", {"sandbox": "s"}), 400, 2001)

    def test_command_options(self):
        self.started("o")
        params = {"sandbox": "o", "command": "sh", "args": ["-c", "pwd; echo $A; id -u; od -An -tx1"],
                  "workdir": "/tmp", "envs": ["A=x"], "user": "0:0"}
        self.assertEqual(lines(self.call("sandbox.command.run", {**params, "stdin_base64": "AP8="}).result),
                         ["/tmp", "x", "0", " 00 ff"])
        self.assertEqual(lines(self.call("sandbox.command.run", {**params, "stdin": "é"}).result)[3], " c3 a9")
        for wrong in ({"stdin": "a", "stdin_base64": "YQ=="}, {"stdin_base64": "?"}, {"stdin": 7}):
            answer = self.call("sandbox.command.run", {**params, **wrong})
            self.assert_failure(answer, 500, 5002)
            self.assertEqual(answer.json["kind"], "invalid argument")

    def test_output_comes_as_it_is_written(self):
        self.started("s")
        answer = self.lines("sandbox.repl.run", {
            "sandbox": "s", "language": "python", "code":
            "import os, time\nprint('one', flush=True)\n"
            "while not os.path.exists('/tmp/go'): time.sleep(0.01)\n"
            "_ = os.write(1, b'\\xff'); _ = os.write(2, b'err')"})
        self.assertEqual(answer.response.getheader("Content-Type"), "application/x-ndjson")
        self.assertEqual(answer.next(), {"stream": "stdout", "text": "one\n"})
        self.call("sandbox.command.run", {"sandbox": "s", "command": "touch", "args": ["/tmp/go"]}).result
        rest = answer.rest()
        self.assertEqual(output_of(rest), b"\xff")
        self.assertEqual(output_of(rest, "stderr"), b"err")
        self.assertEqual(rest[-1], {"jsonrpc": "2.0", "id": "s",
                                    "result": {"status": "success", "language": "python"}})

    def test_a_stream_without_output_and_in_portions(self):
        self.started("q")
        for accept in ("application/x-ndjson", "application/json, application/x-ndjson;portions=1"):
            answer = self.lines("sandbox.command.run", {"sandbox": "q", "command": "true"}, accept=accept)
            self.assertEqual(answer.rest(), [{"jsonrpc": "2.0", "id": "s", "result": {
                "command": "true", "args": [], "exit_code": 0, "success": True}}])
        answer = self.lines("sandbox.command.run", {"sandbox": "q", "command": "echo", "args": ["x"]},
                            accept="application/x-ndjson;portions=1")
        self.assertEqual(output_of(answer.rest()), b"x\n")

    def test_failures_before_and_behind_output(self):
        self.started("f")
        answer = self.lines("sandbox.command.run", {"sandbox": "f", "command": "nope"})
        self.assertEqual(answer.response.status, 500)
        self.assertEqual(json.loads(answer.response.read())["kind"], "not found")
        answer = self.lines("sandbox.command.run", {
            "sandbox": "f", "command": "sh", "args": ["-c", "echo in; sleep 600"], "timeout": 1})
        self.assertEqual(answer.next(), {"stream": "stdout", "text": "in\n"})
        error = answer.rest()[-1]["error"]
        self.assertEqual((error["code"], error["data"]["code"]), (-32603, 5002))
        self.assertIn("time", error["data"]["kind"])

    def test_a_client_that_goes_ends_its_run(self):
        self.started("g")
        answer = self.lines("sandbox.repl.run", {
            "sandbox": "g", "language": "python", "code": "import time\nprint('in', flush=True)\ntime.sleep(600)"})
        answer.next()
        answer.close()
        # Its turn comes only when that one is over.
        self.assertEqual(lines(self.run_python("g", "print('free')")), ["free"])

    def test_a_process_is_talked_to(self):
        self.started("p")
        answer = self.lines("sandbox.process.start", {
            "sandbox": "p", "command": "sh", "args": ["-c", "stty size; cat"],
            "terminal": {"rows": 30, "columns": 100}})
        mine = {"sandbox": "p", "process": answer.next()["process"]}
        self.assertEqual(answer.next()["text"].strip(), "30 100")
        self.assertIs(self.call("sandbox.process.resize", {**mine, "rows": 2, "columns": 3}).result, True)
        self.assertIs(self.call("sandbox.process.input", {**mine, "data": "hello\n"}).result, True)
        self.assertIn("hello", answer.next()["text"])
        self.assertIs(self.call("sandbox.process.signal", {**mine, "signal": 9}).result, True)
        result = answer.rest()[-1]["result"]
        self.assertEqual((result["exit_code"], result["signal"]), (1, 9))
        gone = self.call("sandbox.process.input", {**mine, "data": "x"})
        self.assertEqual((gone.status, gone.json["kind"]), (500, "not found"))

    def test_input_ends_and_others_processes_are_not_found(self):
        self.started("e")
        answer = self.lines("sandbox.process.start", {"sandbox": "e", "command": "wc", "args": ["-c"]})
        mine = {"sandbox": "e", "process": answer.next()["process"]}
        other = self.call("sandbox.process.signal", {**mine, "namespace": "other", "signal": 9})
        self.assertEqual(other.json["kind"], "not found")
        self.call("sandbox.process.input", {**mine, "data_base64": "AAAA", "end": True}).result
        self.assertEqual(output_of(answer.rest()).strip(), b"3")

    def test_a_process_needs_a_stream(self):
        self.started("n")
        self.assert_failure(self.call("sandbox.process.start", {"sandbox": "n", "command": "true"}), 400, 2001)


if __name__ == "__main__":
    unittest.main()
