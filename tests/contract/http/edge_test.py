# SPDX-License-Identifier: Apache-2.0
"""The HTTP edge: paths, verbs, headers, limits, and bytes that try to be two requests at once."""

import contextlib
import http.client
import json
import socket
import unittest

from server import DEADLINE_S, PYTHON, Case, lines

PING = b'{"jsonrpc":"2.0","method":"sandbox.metrics.get"}'


def post(*fields, body=PING, length=True):
    head = [b"POST /api/v1/rpc HTTP/1.1", b"Host: localhost", b"Content-Type: application/json", *fields]
    if length:
        head.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(head) + b"\r\n\r\n" + body


class Surface(Case):
    def test_health(self):
        answer = self.server.request("GET", "/api/v1/health")
        self.assertEqual((answer.status, answer.json["message"]), (200, "Service is healthy"))
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        head = self.server.request("HEAD", "/api/v1/health")
        self.assertEqual((head.status, head.body, head.headers["Content-Length"]), (200, b"", str(len(answer.body))))

    def test_ready_and_metrics(self):
        self.assertEqual(self.server.request("GET", "/ready").status, 200)
        self.call("sandbox.metrics.get")
        page = self.server.request("GET", "/metrics")
        self.assertEqual(page.status, 200)
        self.assertTrue(page.headers["Content-Type"].startswith("text/plain"))
        self.assertIn(b'msb_call_duration_seconds_bucket{method="sandbox.metrics.get",le="+Inf"} ', page.body)
        self.assertIn(b'msb_sandboxes{state="running"} 0', page.body)
        self.assertIn(b'msb_spares{state="ready"} ', page.body)

    def test_paths_are_exact_but_for_doubled_slashes(self):
        for path in ("/", "/api", "/api/v1/rpc/", "/mcp/", "/api/v1/RPC", "/api/v1/%72pc"):
            answer = self.server.post(path, PING)
            self.assertEqual((answer.status, answer.body), (404, b""), path)
        for path in ("//api/v1/rpc", "/api//v1///rpc", "/api/v1/rpc?x=1"):
            self.assertEqual(self.server.post(path, PING).status, 200, path)

    def test_wrong_verbs(self):
        for verb, path, allowed in (("GET", "/api/v1/rpc", "POST"), ("PUT", "/api/v1/sandbox/start", "POST"),
                                    ("POST", "/api/v1/health", "GET,HEAD"), ("GET", "/mcp", "POST")):
            answer = self.server.request(verb, path)
            self.assertEqual((answer.status, answer.body), (405, b""), path)
            self.assertEqual(answer.headers["Allow"], allowed)

    def test_content_types(self):
        for value in ("application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/x+json"):
            self.assertEqual(self.server.post("/api/v1/rpc", PING, headers={"Content-Type": value}).status, 200, value)
        for value in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""):
            answer = self.server.post("/api/v1/rpc", PING, headers={"Content-Type": value})
            self.assert_failure(answer, 415, 2001, "Expected request with `Content-Type: application/json`")

    def test_cors(self):
        answer = self.server.request("OPTIONS", "/api/v1/rpc", headers={
            "Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"})
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertEqual(answer.headers["Access-Control-Allow-Origin"], "*")
        self.assertEqual(answer.headers["Access-Control-Allow-Methods"], "GET,POST,PUT,DELETE")
        for name in ("authorization", "accept", "content-type"):
            self.assertIn(name, answer.headers["Access-Control-Allow-Headers"])
        self.assertEqual(self.server.post("/api/v1/rpc", PING).headers["Access-Control-Allow-Origin"], "*")

    def test_foreign_hosts_and_origins_are_refused_in_dev_mode(self):
        for headers in ({"Host": "evil.example"}, {"Host": "evil.example:5555"}, {"Origin": "https://evil.example"},
                        {"Origin": "null"}, {"Host": "127.0.0.1.evil.example"}):
            for verb, path in (("POST", "/api/v1/rpc"), ("OPTIONS", "/api/v1/rpc"), ("GET", "/api/v1/health")):
                answer = self.server.request(verb, path, PING, {"Content-Type": "application/json", **headers})
                self.assert_failure(answer, 403, 3001)
        for headers in ({"Host": "localhost:1"}, {"Host": "[::1]:5555"}, {"Origin": "http://localhost:3000"}):
            self.assertEqual(self.server.post("/api/v1/rpc", PING, headers=headers).status, 200, headers)


class Limits(Case):
    def test_a_body_beyond_the_limit(self):
        answer = self.server.raw(post(b"Content-Length: 99999999999", length=False, body=b""))
        self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer)
        self.assertIn(b"length limit exceeded", answer)
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        answer = self.server.raw(post(b"Transfer-Encoding: chunked", length=False, body=chunk * 17))
        self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer[:100])

    def test_a_header_beyond_the_limit(self):
        answer = self.server.raw(post(b"X: " + b"a" * 100_000))
        self.assertTrue(answer.startswith(b"HTTP/1.1 431 "), answer[:100])

    def test_a_large_body_passes(self):
        name = self.started("big")
        text = "x" * 3_000_000
        ran = self.run_python(name, f"len('{text}')")
        self.assertEqual(lines(ran), ["3000000"])

    def test_keep_alive_and_pipelining(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=DEADLINE_S)
        with contextlib.closing(connection):
            for path in ("/api/v1/health", "/nowhere", "/api/v1/health"):
                connection.request("GET", path)
                connection.getresponse().read()
        answer = self.server.raw(post() + post(b"Connection: close"))
        self.assertEqual(answer.count(b"HTTP/1.1 200 OK"), 2)

    def test_expect_continue(self):
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=DEADLINE_S) as stream:
            stream.sendall(post(b"Expect: 100-continue", b"Connection: close", body=b"", length=False)[:-2]
                           + b"Content-Length: %d\r\n\r\n" % len(PING))
            self.assertTrue(stream.recv(100).startswith(b"HTTP/1.1 100 "))
            stream.sendall(PING)
            self.assertTrue(stream.recv(100).startswith(b"HTTP/1.1 200 "))


class Smuggling(Case):
    """Whatever two readers could cut differently is refused, and the connection is closed."""

    def test_ambiguous_lengths(self):
        for fields, body in (
                ((b"Content-Length: 4", b"Content-Length: 48"), PING),
                ((b"Content-Length: 48, 48",), PING),
                ((b"Content-Length: +48",), PING),
                ((b"Content-Length: 48", b"Transfer-Encoding: chunked"), b"0\r\n\r\n"),
                ((b"Transfer-Encoding: chunked", b"Content-Length: 48"), b"0\r\n\r\n"),
                ((b"Transfer-Encoding: gzip",), PING),
                ((b"Transfer-Encoding: chunked, identity",), PING),
                ((b"Transfer-Encoding: xchunked",), PING),
                ((b"Transfer-Encoding : chunked",), b"0\r\n\r\n"),
                ((b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"), b"0\r\n\r\n"),
                ((b"Transfer-Encoding: chunked",), b"zz\r\n\r\n")):
            answer = self.server.raw(post(*fields, length=False, body=body) + b"GET /api/v1/health HTTP/1.1\r\n\r\n")
            self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), (fields, answer[:200]))
            self.assertEqual(answer.count(b"HTTP/1.1 "), 1, (fields, answer))

    def test_malformed_heads(self):
        for head in (b"GET /api/v1/health HTTP/1.1\r\n\r\n",                      # no Host
                     b"GET /api/v1/health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                     b"GET  /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n",
                     b"GET /api/v1/health HTTP/1.1\nHost: localhost\n\n",
                     b"GET /api/v1/health HTTP/9.9\r\nHost: localhost\r\n\r\n",
                     b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 50,
                     b"GET /a\x00b HTTP/1.1\r\nHost: localhost\r\n\r\n"):
            answer = self.server.raw(head, half_close=True)
            self.assertRegex(answer[:14], rb"HTTP/1.1 (400|505) ", head)

    def test_http_1_0(self):
        answer = self.server.raw(b"GET /api/v1/health HTTP/1.0\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.0 200 "), answer)

    def test_the_absolute_form(self):
        answer = self.server.raw(b"GET http://localhost/api/v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)


class Traps(Case):
    """Quirks of clients, and defects of older servers that are not ours."""

    def test_timeouts_of_every_kind(self):
        name = self.started("t")
        for timeout in (2.5, 0, -1, None, 30000000000, 18446744073709551615):
            ran = self.call("sandbox.command.run", {"sandbox": name, "command": "true", "timeout": timeout}).result
            self.assertTrue(ran["success"])
            self.assertEqual(self.run_python(name, "1", timeout=timeout)["status"], "success")

    def test_html_escapes(self):
        name = self.started("h")
        body = (b'{"jsonrpc":"2.0","method":"sandbox.repl.run","params":{"sandbox":"h","language":"python",'
                b'"code":"print(\'\\u003cb\\u003e \\u0026\')"},"id":"1"}')
        self.assertEqual(lines(self.server.post("/api/v1/rpc", body).result), ["<b> &"])

    def test_a_timeout_does_not_reach_into_the_next_run(self):
        name = self.started("late")
        ran = self.run_python(name, "import time\nprint('a', flush=True)\ntime.sleep(60)\nprint('b')", timeout=1)
        self.assertEqual((ran["status"], ran["reason"]), ("error", "timeout"))
        self.assertEqual(lines(ran), ["a"])
        self.assertIn("Error: Execution timed out after 1 seconds", lines(ran, "stderr"))
        self.assertEqual(lines(self.run_python(name, "print('next')")), ["next"])

    def test_what_used_to_hang(self):
        name = self.started("hang")
        self.assertEqual(lines(self.run_python(name, "print('x', end='')")), ["x"])
        self.assertEqual(self.run_python(name, "input()")["status"], "exception")
        self.assertEqual(lines(self.run_python(name, "import sys; _ = sys.stdout.buffer.write(b'\\xff\\n')")), ["\ufffd"])
        ended = self.run_python(name, "exit(3)")
        self.assertEqual((ended["status"], ended["reason"], ended["exit_code"]), ("error", "exit", 3))
        self.assertEqual(lines(self.run_python(name, "print('back')")), ["back"])

    def test_a_background_child_does_not_hold_the_answer(self):
        name = self.started("bg")
        ran = self.call("sandbox.command.run", {"sandbox": name, "command": "sh", "args": ["-c", "sleep 600 & echo done"]}).result
        self.assertEqual(lines(ran), ["done"])

    def test_clients_that_go_away_do_not_wedge_the_sandbox(self):
        name = self.started("gone")
        with self.assertRaises(TimeoutError):
            self.server.request("POST", "/api/v1/rpc", json.dumps(
                {"jsonrpc": "2.0", "method": "sandbox.repl.run",
                 "params": {"sandbox": name, "language": "python", "code": "while True: pass"}}),
                {"Content-Type": "application/json"}, timeout=1)
        self.assertEqual(lines(self.run_python(name, "print('free')")), ["free"])

    def test_names_and_roots_of_the_host_stay_out_of_errors(self):
        answer = self.call("sandbox.start", {"sandbox": "v", "config": {**PYTHON, "volumes": ["/etc:/mnt"]}})
        self.assert_failure(answer, 500, 5002)
        self.assertIn("volumes[0]", answer.json["error"])

    def test_output_is_cut_with_a_mark(self):
        name = self.started("flood")
        ran = self.call("sandbox.command.run", {"sandbox": name, "command": "sh", "args": ["-c", "yes | head -c 40000000"]}).result
        self.assertTrue(lines(ran, "stderr")[-1].startswith("Error: output was cut here; "))


if __name__ == "__main__":
    unittest.main()
