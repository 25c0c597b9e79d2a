# SPDX-License-Identifier: Apache-2.0
"""Hostile clients, on raw sockets and in every dialect: JSON-RPC, its paths of older servers, MCP."""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import re
import socket
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "contract", "http"))
from server import DEADLINE_S, KEY, PYTHON, TOKEN_ALL, TOKEN_TEAM, Case, lines  # noqa: E402

RPC, ALIAS, MCP = "/api/v1/rpc", "/api/v1/sandbox/stop", "/mcp"
DIALECTS = (RPC, ALIAS, MCP)
PING = {RPC: b'{"jsonrpc":"2.0","method":"sandbox.metrics.get"}',
        ALIAS: b'{"jsonrpc":"2.0","method":"sandbox.metrics.get"}',
        MCP: b'{"jsonrpc":"2.0","method":"ping","id":1}'}
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
# What no name may be: ways out of a folder, wildcards, controls, look-alikes.
BAD_NAMES = ("..", ".", "../x", "a/b", "/etc", "a\\b", "*", "a*", "", " ", "a b", "-rf", "a\nb", "a\u0000b", "%2e%2e",
             "\u0430dmin", "a\u202eb", "\uff0e\uff0e", "x" * 300, "\u200b")


def head(path, *fields, verb="POST", version="HTTP/1.1"):
    return "\r\n".join([f"{verb} {path} {version}", "Host: localhost", "Content-Type: application/json",
                        *fields]).encode("latin-1") + b"\r\n\r\n"


def with_length(path, body, *fields):
    return head(path, f"Content-Length: {len(body)}", *fields) + body


def statuses(answer):
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer)]


def resident_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) // 1024


class Requests(Case):
    """Dev mode: no key is needed, so that everything depends on how a request is read."""

    def test_no_two_readers_cut_a_request_differently(self):
        chunked = "Transfer-Encoding: chunked"
        for path in DIALECTS:
            size = len(PING[path])
            for name, request in {
                    "a length and chunks": head(path, f"Content-Length: {size}", chunked) + b"0\r\n\r\n",
                    "chunks and a length": head(path, chunked, "Content-Length: 5") + b"0\r\n\r\n",
                    "two lengths": head(path, "Content-Length: 0", f"Content-Length: {size}") + PING[path],
                    "a list of lengths": head(path, f"Content-Length: {size},{size}") + PING[path],
                    "a signed length": head(path, f"Content-Length: +{size}") + PING[path],
                    "a negative length": head(path, "Content-Length: -1") + PING[path],
                    "a length in hexadecimal": head(path, f"Content-Length: {size:#x}") + PING[path],
                    "a length beyond 64 bits": head(path, "Content-Length: 18446744073709551664") + PING[path],
                    "a length with a space in it": head(path, "Content-Length: 4 8") + PING[path],
                    "a coding that hides chunks": head(path, "Transfer-Encoding: xchunked") + PING[path],
                    "two codings": head(path, "Transfer-Encoding: chunked", "Transfer-Encoding: x") + b"0\r\n\r\n",
                    "a coding behind another": head(path, "Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
                    "a coding with a vertical tab": head(path, "Transfer-Encoding: \x0bchunked") + b"0\r\n\r\n",
                    "a coding in HTTP/1.0": head(path, chunked, version="HTTP/1.0") + b"0\r\n\r\n",
                    "a space before the colon": head(path, "Transfer-Encoding : chunked") + b"0\r\n\r\n",
                    "a folded field": with_length(path, PING[path], "X: a\r\n b"),
                    "a space before the name": head(path, " Transfer-Encoding: chunked") + b"0\r\n\r\n",
                    "a NUL in a field": head(path, "X: a\0b") + b"",
                    "a bare line feed": head(path, "X: a\nContent-Length: 5") + b"",
                    "a bare carriage return": head(path, "X: a\rContent-Length: 5") + b"",
                    "a field without a name": head(path, ": x") + b"",
                    "a field without a colon": head(path, "nonsense") + b"",
                    "two hosts": head(path, "Host: localhost") + b"",
                    "a chunk beyond 64 bits": head(path, chunked) + b"1ffffffffffffffff\r\n",
                    "a negative chunk": head(path, chunked) + b"-1\r\n",
                    "a chunk in hexadecimal notation": head(path, chunked) + b"0x0\r\n\r\n",
                    "a chunk longer than it says": head(path, chunked) + b"1\r\n{{{\r\n0\r\n\r\n",
                    "a chunk that ends in a line feed": head(path, chunked) + b"1\n{\n0\n\n",
            }.items():
                with self.subTest(name, path=path):
                    got = statuses(self.server.raw(request + SMUGGLED, half_close=True))
                    self.assertEqual(len(got), 1, got)
                    self.assertIn(got[0], (400, 413), got)

    def test_what_may_be_odd_is_read_in_one_way(self):
        for path in DIALECTS:
            for name, request in {
                    "extensions of chunks": head(path, "Transfer-Encoding: Chunked") + b"%x;a=b;c=\"d\"\r\n%s\r\n0\r\n\r\n"
                                            % (len(PING[path]), PING[path]),
                    "leading zeros": head(path, f"Content-Length: 000{len(PING[path])}") + PING[path],
                    "a query": with_length(path + "?a=/../b", PING[path]),
                    "the absolute form": with_length("http://localhost" + path, PING[path]),
                    "doubled slashes": with_length("/" + path, PING[path]),
            }.items():
                with self.subTest(name, path=path):
                    got = statuses(self.server.raw(request + head("/api/v1/health", "Connection: close", verb="GET")))
                    # Refused as a whole, or both are answered, and the second is what it says.
                    self.assertTrue(got == [400] or (len(got) == 2 and got[1] == 200), got)

    def test_trailers_change_nothing(self):
        body = b"%x\r\n%s\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nAuthorization: a\r\n\r\n" % (
            len(PING[RPC]), PING[RPC])
        got = statuses(self.server.raw(head(RPC, "Transfer-Encoding: chunked", "Connection: close") + body))
        self.assertEqual(len(got), 1)
        self.assertIn(got[0], (200, 400))

    def test_paths_that_only_look_like_one(self):
        for path in ("/api/v1/rpc/", "/api/v1/%72pc", "/api/v1/./rpc", "/api/../api/v1/rpc", "/api/v1/rpc;x", "/API/V1/RPC",
                     "/api/v1/rpc%00", "/api/v1/rpc%2f", "/mcp/", "/%6dcp", "/mcp/../mcp", "*", "api/v1/rpc",
                     "http:/api/v1/rpc"):
            got = statuses(self.server.raw(with_length(path, PING[RPC], "Connection: close")))
            self.assertIn(got, ([404], [400]), path)

    def test_dns_rebinding_in_every_spelling(self):
        for path in DIALECTS:
            for field in ("Host: evil.example", "Host: evil.example:5555", "Host: localhost.evil.example",
                          "Host: 127.0.0.1.evil.example", "Host: localhost@evil.example", "Host: evil.example@localhost",
                          "Host: evil.example#localhost", "Host: [::1].evil.example", "Host: [fe80::1%25lo]", "Host: [::]",
                          "Host: 0.0.0.0", "Host: 0", "Host: 2130706433", "Host: 0x7f.1", "Host: 127.1", "Host: ",
                          "Host: localhost:99999", "Host: localhost:+1", "Host: localhost, evil.example",
                          "Host: evil.localhost.", "Origin: null", "Origin: ", "Origin: https://evil.example",
                          "Origin: http://localhost.evil.example", "Origin: http://localhost@evil.example",
                          "Origin: file://", "Origin: localhost", "Origin: http://127.0.0.1 http://evil.example",
                          "Origin: http://[::ffff:7f00:1]:1"):
                host = [] if field.startswith("Host") else ["Host: localhost"]
                for verb in ("POST", "OPTIONS") + (("GET", "DELETE") if path == MCP else ()):
                    request = "\r\n".join([f"{verb} {path} HTTP/1.1", *host, field, "Content-Type: application/json",
                                           f"Content-Length: {len(PING[path])}", "Connection: close"]).encode()
                    got = statuses(self.server.raw(request + b"\r\n\r\n" + PING[path]))
                    self.assertEqual(got, [403], (verb, path, field))

    def test_the_absolute_form_has_a_host_too(self):
        for path in DIALECTS:
            got = statuses(self.server.raw(with_length("http://evil.example" + path, PING[path], "Connection: close")))
            self.assertEqual(got, [403], path)

    def test_headers_without_end(self):
        for fields in (["X: " + "a" * 1_000_000], [f"X{number}: a" for number in range(10_000)],
                       ["Authorization: Bearer msb_" + "a" * 1_000_000]):
            for path in DIALECTS:
                self.assertEqual(statuses(self.server.raw(head(path, *fields))), [431])
        got = self.server.raw(b"GET /" + b"a" * 1_000_000)
        self.assertIn(statuses(got), ([431], [400]))

    def test_json_bombs(self):
        before = resident_mib(self.server.process.pid)
        bombs = {
            "lists": b"[" * 100_000, "closed lists": b"[" * 100_000 + b"]" * 100_000,
            "objects": b'{"a":' * 100_000, "many values": b"[" + b"{}," * 5_000_000 + b"{}]",
            "many members": b"{" + b",".join(b'"%d":0' % number for number in range(500_000)) + b"}",
            "a long number": b'{"jsonrpc":"2.0","id":' + b"9" * 1_000_000 + b"}",
            "a number too large": b'{"jsonrpc":"2.0","id":1e999}', "not UTF-8": b'{"jsonrpc":"\xff\xfe"}',
            "overlong UTF-8": b'{"jsonrpc":"\xc0\xae"}', "a lone surrogate": b'{"jsonrpc":"\\ud800"}',
            "a raw control": b'{"jsonrpc":"\x01"}', "two values": PING[RPC] * 2, "a byte order mark alone": b"\xef\xbb\xbf",
            "nothing": b"", "NaN": b'{"id":NaN}', "a comment": b"/* */" + PING[RPC], "a trailing comma": b'{"a":1,}'}
        for path in DIALECTS:
            for name, body in bombs.items():
                with self.subTest(name, path=path):
                    answer = self.server.post(path, body)
                    # MCP tells what is wrong with a message in an answer of its own.
                    self.assertTrue(answer.status == 400 or (path == MCP and "error" in answer.json), answer.body[:200])
                    self.assertLess(len(answer.body), 1000)
        self.assertLess(resident_mib(self.server.process.pid) - before, 256)

    def test_bad_names_are_refused_by_every_method(self):
        before = sorted(os.listdir(os.path.join(self.home, "sandboxes"))) if os.path.isdir(
            os.path.join(self.home, "sandboxes")) else []
        more = {"sandbox.start": {"config": PYTHON}, "sandbox.repl.run": {"language": "python", "code": "1"},
                "sandbox.command.run": {"command": "true"}, "sandbox.process.start": {"command": "true"},
                "sandbox.process.input": {"process": "x", "end": True},
                "sandbox.process.signal": {"process": "x", "signal": 9},
                "sandbox.process.resize": {"process": "x", "rows": 1, "columns": 1}}
        for method in ("sandbox.start", "sandbox.stop", "sandbox.remove", "sandbox.repl.run", "sandbox.command.run",
                       "sandbox.log.get", "sandbox.info.get", "sandbox.process.start", "sandbox.process.input",
                       "sandbox.process.signal", "sandbox.process.resize"):
            for name in BAD_NAMES:
                for target in ({"sandbox": name}, {"sandbox": "fine", "namespace": name}):
                    answer = self.call(method, {**target, **more.get(method, {})})
                    self.assertGreaterEqual(answer.status, 400, (method, target, answer.body))
                    self.assertNotIn(self.home, answer.body.decode())
        for tool, arguments in (("sandbox_start", {"config": PYTHON}), ("sandbox_stop", {}),
                                ("sandbox_run_code", {"language": "python", "code": "1"}),
                                ("sandbox_run_command", {"command": "true"})):
            for name in BAD_NAMES:
                answer = self.server.post(MCP, {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
                    "name": tool, "arguments": {"sandbox": name, **arguments}}})
                body = answer.json
                self.assertTrue(answer.status >= 400 or "error" in body or body["result"].get("isError")
                                or "rror" in body["result"]["content"][0]["text"], (tool, name, body))
        after = sorted(os.listdir(os.path.join(self.home, "sandboxes"))) if os.path.isdir(
            os.path.join(self.home, "sandboxes")) else []
        self.assertEqual(after, before)

    def test_fields_of_every_wrong_type(self):
        wrong = (None, True, -1, 1.5, 2**64, "", "x", "a\u0000b", [], [[]], [None], {}, {"a": {}})
        for field in ("image", "memory", "cpus", "volumes", "ports", "envs", "depends_on", "workdir", "shell", "scripts",
                      "exec", "user", "disk"):
            for value in wrong:
                answer = self.call("sandbox.start", {"sandbox": "typed", "config": {**PYTHON, "image": "nowhere.invalid/x",
                                                                                    field: value}})
                self.assertGreaterEqual(answer.status, 400, (field, value))
                self.assertNotIn(b"nlohmann", answer.body)
                self.assertNotIn(b"type_error", answer.body)
        for params in (*wrong, "sandbox"):
            for method in ("sandbox.start", "sandbox.stop", "sandbox.repl.run", "sandbox.command.run"):
                self.assertGreaterEqual(self.call(method, params).status, 400, (method, params))

    def test_volumes_by_every_door(self):
        for volume in ("/:/mnt", "/etc:/mnt", "../..:/mnt", "/proc/self/root:/mnt", "/dev:/dev", f"{self.home}:/mnt",
                       "/proc/1/root/etc:/mnt", ".:/mnt", "~:/mnt", "$HOME:/mnt", "//:/mnt", "/./:/mnt", "/etc/../:/mnt"):
            config = {**PYTHON, "volumes": [volume]}
            for path in (RPC, "/api/v1/sandbox/start"):
                answer = self.call("sandbox.start", {"sandbox": "thief", "config": config}, path=path)
                self.assertGreaterEqual(answer.status, 400, (path, volume))
            tool = self.server.post(MCP, {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
                "name": "sandbox_start", "arguments": {"sandbox": "thief", "config": config}}})
            self.assertIn(b"rror", tool.body, volume)
        self.assertEqual([one for one in self.call("sandbox.metrics.get").result["sandboxes"] if one["name"] == "thief"
                          and one["running"]], [])


class Memory(Case):
    """What callers can make the server hold."""

    LARGE = 16 * 1024 * 1024
    CONNECTIONS = 24  # more bodies than there is room for
    # A sanitizer keeps several bytes beside each.
    MOST_RESIDENT_MIB = 400 if "MSB_SANITIZE" not in os.environ else 2000

    def test_large_bodies_share_a_budget(self):
        before = resident_mib(self.server.process.pid)
        piece = b" " * (1024 * 1024)
        refused = 0
        with contextlib.ExitStack() as stack:
            held = []
            for _ in range(self.CONNECTIONS):
                stream = stack.enter_context(socket.create_connection(("127.0.0.1", self.server.port), timeout=DEADLINE_S))
                stream.sendall(head(RPC, f"Content-Length: {self.LARGE}"))
                # All but the last byte: the server holds it, and waits.
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    for _ in range(15):
                        stream.sendall(piece)
                    stream.sendall(piece[:-1])
                held.append(stream)
            give_up = time.monotonic() + DEADLINE_S
            while refused < self.CONNECTIONS - 17 and time.monotonic() < give_up:
                for stream in held:
                    stream.setblocking(False)
                    with contextlib.suppress(BlockingIOError, ConnectionResetError):
                        if answer := stream.recv(4096):
                            self.assertTrue(answer.startswith(b"HTTP/1.1 503 "), answer)
                            self.assertIn(b"Retry-After: 1\r\n", answer)
                            self.assertIn(b'"code":5003', answer)
                            refused += 1
                time.sleep(0.01)
            self.assertGreaterEqual(refused, self.CONNECTIONS - 17)
            self.assertLess(resident_mib(self.server.process.pid) - before, self.MOST_RESIDENT_MIB)
            # Calls that are small enough pass all the same.
            for path in DIALECTS:
                self.assertLess(self.server.post(path, PING[path] + b" " * 50_000).status, 500, path)
        give_up = time.monotonic() + DEADLINE_S
        while self.server.post(RPC, PING[RPC] + b" " * 1_000_000).status == 503:
            self.assertLess(time.monotonic(), give_up, "what was held is not given back")


def encoded(text):
    return base64.urlsafe_b64encode(text if isinstance(text, bytes) else text.encode()).rstrip(b"=").decode()


def token(header=None, payload=None, key=KEY, digest=hashlib.sha256, signature=None):
    header = {"typ": "JWT", "alg": "HS256"} if header is None else header
    claims = {"exp": 4102444800, "iat": 1700000000, "namespace": "*"} if payload is None else payload
    text = ".".join(encoded(part if isinstance(part, str) else json.dumps(part)) for part in (header, claims))
    if signature is None:
        signature = encoded(hmac.new(key.encode(), text.encode(), digest).digest())
    return f"msb_{text}.{signature}"


class Keys(Case):
    flags = ("--key", KEY)

    def status(self, key, path=RPC):
        return self.server.post(path, {"jsonrpc": "2.0", "id": 1, "method": "sandbox.metrics.get" if path != MCP else "ping",
                                       "params": {"namespace": "team-a"}}, key).status

    def test_the_forger_works_with_the_right_key(self):
        for path in DIALECTS:
            self.assertNotIn(self.status(token(), path), (401, 403), path)

    def test_forged_keys(self):
        claims = {"exp": 4102444800, "iat": 1700000000, "namespace": "*"}
        good = token()
        body = good[4:].rsplit(".", 1)[0]
        last = good[-1]
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        forged = {
            "no algorithm, no signature": token({"typ": "JWT", "alg": "none"}, signature=""),
            "None, signed": token({"alg": "None"}), "no algorithm at all": token({}),
            "RS256 with the secret as key": token({"alg": "RS256"}), "HS384": token({"alg": "HS384"}, digest=hashlib.sha384),
            "HS512 said": token({"alg": "HS512"}), "a list": token({"alg": ["HS256"]}),
            "lower case": token({"alg": "hs256"}), "the empty key": token(key=""), "another key": token(key="x" * 32),
            "a key id that is a file": token({"alg": "HS256", "kid": "../../../../dev/null"}, key=""),
            "an embedded key": token({"alg": "HS256", "jwk": {"kty": "oct", "k": encoded("x" * 32)}}, key="x" * 32),
            "a header that is no object": token("[]"), "a header that is no JSON": token("{"),
            "expired": token(payload={**claims, "exp": 1700003600}), "expiry as text": token(payload={**claims, "exp": "never"}),
            "expiry negative": token(payload={**claims, "exp": -1}), "expiry broken": token(payload={**claims, "exp": 1e400}),
            "no expiry": token(payload={"iat": 1, "namespace": "*"}),
            "a list of namespaces": token(payload={**claims, "namespace": ["*"]}),
            "a namespace that is an object": token(payload={**claims, "namespace": {"*": 1}}),
            "a namespace that is null": token(payload={**claims, "namespace": None}),
            "another audience": token(payload={**claims, "aud": "x"}), "a payload that is no object": token(payload="[]"),
            "deep claims": token(payload='{"exp":4102444800,"iat":1,"namespace":"*","x":' + "[" * 500 + "]" * 500 + "}"),
            "not yet valid": token(payload={**claims, "nbf": 4102444700}),
            "cut": good[:-1], "empty signature": "msb_" + body + ".", "no signature": "msb_" + body, "doubled": good + good,
            "four parts": good + ".x", "padding": good + "=", "white space": good + " x",
            "other bits that base64 ignores": good[:-1] + alphabet[alphabet.index(last) ^ 1],
            "a prefix twice": "msb_" + good, "no prefix": good[4:], "the signature in base64":
            "msb_" + body + "." + base64.b64encode(hmac.new(KEY.encode(), body.encode(), hashlib.sha256).digest()).decode()}
        for path in DIALECTS:
            for name, key in forged.items():
                with self.subTest(name, path=path):
                    self.assertEqual(self.status(key, path), 401)
        for size in range(0, len(good), 7):
            self.assertEqual(self.status(good[:size]), 401, size)

    def test_keys_of_every_length(self):
        for size, wanted in ((10_000, (401,)), (15_000, (401, 431)), (1_000_000, (431,))):
            answer = self.server.raw(with_length(RPC, PING[RPC], "Authorization: Bearer msb_" + "a" * size,
                                                 "Connection: close"))
            self.assertIn(statuses(answer)[0], wanted)

    def test_claims_that_are_nearly_a_namespace(self):
        for claimed in ("Team-A", "team-a ", " team-a", "team-a\u0000", "team-", "team-a/", "", "team-b,team-a", "team-*",
                        "\uff54eam-a", "team-a\n"):
            key = token(payload={"exp": 4102444800, "iat": 1700000000, "namespace": claimed})
            self.assertIn(self.status(key), (401, 403), repr(claimed))

    def test_members_that_stand_twice(self):
        """The last one counts, for the judge as for who acts."""
        for first, last, wanted in (("team-a", "team-b", 403), ("team-b", "team-a", None)):
            body = (f'{{"jsonrpc":"2.0","method":"sandbox.stop","params":{{"sandbox":"x","namespace":"{first}",'
                    f'"namespace":"{last}"}}}}')
            status = self.server.post(RPC, body, TOKEN_TEAM).status
            self.assertEqual(status == 403, wanted == 403, (first, last, status))
        body = ('{"jsonrpc":"2.0","method":"sandbox.stop","params":{"sandbox":"x","namespace":"team-a"},'
                '"params":{"sandbox":"x","namespace":"team-b"}}')
        self.assertEqual(self.server.post(RPC, body, TOKEN_TEAM).status, 403)
        body = ('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"sandbox_stop","arguments":'
                '{"sandbox":"x","namespace":"team-a","namespace":"team-b"}}}')
        self.assertEqual(self.server.post(MCP, body, TOKEN_TEAM).status, 403)

    def test_another_namespaces_sandbox_by_every_method(self):
        victim = {"sandbox": "victim", "namespace": "team-b"}
        self.addCleanup(self.call, "sandbox.remove", victim, key=TOKEN_ALL)
        self.call("sandbox.start", {**victim, "config": PYTHON}, key=TOKEN_ALL).result
        self.call("sandbox.command.run", {**victim, "command": "sh", "args": ["-c", "echo mine > /tmp/mine"]},
                  key=TOKEN_ALL).result
        attempts = {"sandbox.start": {"config": PYTHON}, "sandbox.stop": {}, "sandbox.remove": {}, "sandbox.log.get": {},
                    "sandbox.info.get": {}, "sandbox.metrics.get": {},
                    "sandbox.repl.run": {"language": "python", "code": "1"},
                    "sandbox.command.run": {"command": "rm", "args": ["/tmp/mine"]},
                    "sandbox.process.start": {"command": "rm", "args": ["/tmp/mine"]},
                    "sandbox.process.input": {"process": "1", "end": True},
                    "sandbox.process.signal": {"process": "1", "signal": 9},
                    "sandbox.process.resize": {"process": "1", "rows": 1, "columns": 1}}
        for method, more in attempts.items():
            for path in (RPC, "/api/v1/sandbox/start", ALIAS, "/api/v1/sandbox/command/run"):
                self.assertEqual(self.call(method, {**victim, **more}, key=TOKEN_TEAM, path=path).status, 403, (method, path))
            for name in ("team-b/victim", "../team-b/victim", "victim\u0000", "team-b\\victim"):
                if method == "sandbox.metrics.get":
                    continue
                answer = self.call(method, {"sandbox": name, "namespace": "team-a", **more}, key=TOKEN_TEAM)
                self.assertGreaterEqual(answer.status, 400, (method, name))
            # Of the same name in its own namespace there is none.
            if method not in ("sandbox.start", "sandbox.stop", "sandbox.remove", "sandbox.metrics.get"):
                answer = self.call(method, {"sandbox": "victim", "namespace": "team-a", **more}, key=TOKEN_TEAM)
                self.assertGreaterEqual(answer.status, 400, method)
        own = self.call("sandbox.metrics.get", {"namespace": "team-a"}, key=TOKEN_TEAM)
        self.assertNotIn(b"victim", own.body)
        for tool, arguments in (("sandbox_start", {"config": PYTHON}), ("sandbox_stop", {}),
                                ("sandbox_run_code", {"language": "python", "code": "1"}),
                                ("sandbox_run_command", {"command": "rm", "args": ["/tmp/mine"]}), ("sandbox_get_metrics", {})):
            call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                    "params": {"name": tool, "arguments": {**victim, **arguments}}}
            self.assertEqual(self.server.post(MCP, call, TOKEN_TEAM).status, 403, tool)
            # In a batch, beside what is allowed.
            batch = [{"jsonrpc": "2.0", "id": 2, "method": "ping"}, call]
            answer = self.server.post(MCP, batch, TOKEN_TEAM)
            self.assertNotIn(b"victim", answer.body, tool)
            self.assertTrue(answer.status >= 400 or b"error" in answer.body, (tool, answer.body))
        one, = self.call("sandbox.metrics.get", victim, key=TOKEN_ALL).result["sandboxes"]
        self.assertTrue(one["running"])
        ran = self.call("sandbox.command.run", {**victim, "command": "cat", "args": ["/tmp/mine"]}, key=TOKEN_ALL).result
        self.assertEqual(lines(ran), ["mine"])


if __name__ == "__main__":
    unittest.main()
