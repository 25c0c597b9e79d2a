# SPDX-License-Identifier: Apache-2.0
"""What a running server and its helpers are still allowed to do, and that it is enough for their work."""

import contextlib
import gzip
import hashlib
import http.server
import io
import json
import os
import signal
import tarfile
import threading
import time
import unittest

from server import DEADLINE_S, PYTHON, Case, lines

STORE_ID = 0x70000000
# CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_KILL, CAP_NET_BIND_SERVICE
SERVERS_CAPABILITIES = 1 << 0 | 1 << 1 | 1 << 5 | 1 << 10
FILTERED, UNFILTERED = "2", "0"  # Seccomp in /proc/PID/status
# Of modules, raw I/O, boot, time, the log, BPF, perf, raw sockets, file handles.
NEVER = (1 << 16 | 1 << 17 | 1 << 22 | 1 << 25 | 1 << 34 | 1 << 39 | 1 << 38 | 1 << 13 | 1 << 2)


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def descendants(pid):
    found = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            parent = int(status_of(entry)["PPid"])
            with open(f"/proc/{entry}/comm", encoding="utf-8") as file:
                found[int(entry)] = (parent, file.read().strip())
        except OSError:
            continue
    ours, more = {pid}, True
    while more:
        more = {child for child, (parent, _) in found.items() if parent in ours} - ours
        ours |= more
    return {child: found[child][1] for child in ours - {pid}}


class Registry(http.server.BaseHTTPRequestHandler):
    """One image of one layer."""
    protocol_version = "HTTP/1.1"
    blobs = {}
    manifest = b""

    @classmethod
    def fill(cls):
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for name, mode, owner, text in (("etc/hello", 0o640, 1000, b"from the registry\n"),
                                            ("bin/tool", 0o4755, 0, b"#!/bin/sh\n")):
                info = tarfile.TarInfo(name)
                info.size, info.mode, info.uid, info.gid = len(text), mode, owner, owner
                tar.addfile(info, io.BytesIO(text))
        layer = gzip.compress(plain.getvalue())
        config = json.dumps({
            "architecture": "amd64", "os": "linux", "config": {},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(plain.getvalue()).hexdigest()]},
        }).encode()
        cls.diff_id = hashlib.sha256(plain.getvalue()).hexdigest()

        def descriptor(kind, blob):
            digest = "sha256:" + hashlib.sha256(blob).hexdigest()
            cls.blobs[digest] = blob
            return {"mediaType": kind, "digest": digest, "size": len(blob)}

        cls.manifest = json.dumps({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": descriptor("application/vnd.oci.image.config.v1+json", config),
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer)],
        }).encode()

    def do_GET(self):  # pylint: disable=invalid-name
        last = self.path.rsplit("/", 1)[1]
        body, kind = b"{}", "application/json"
        if "/manifests/" in self.path:
            body, kind = self.manifest, "application/vnd.oci.image.manifest.v1+json"
        elif "/blobs/" in self.path:
            body, kind = self.blobs[last], "application/octet-stream"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


class Rights(Case):
    def start_python(self, name):
        self.addCleanup(self.call, "sandbox.remove", {"sandbox": name})
        self.call("sandbox.start", {"sandbox": name, "config": PYTHON}).result

    def processes(self, name):
        return [pid for pid, comm in descendants(self.server.process.pid).items() if comm == name]

    def assert_restrained(self, pid, may_have, seccomp=FILTERED):
        status = status_of(pid)
        self.assertEqual(status["Seccomp"], seccomp)
        self.assertEqual(status["NoNewPrivs"], "1")
        for kind in ("CapPrm", "CapEff", "CapBnd"):
            self.assertEqual(int(status[kind], 16) & ~may_have, 0, f"{kind}: {status[kind]}")
        for kind in ("CapInh", "CapAmb"):
            self.assertEqual(int(status[kind], 16), 0, kind)

    def test_what_is_in_force(self):
        if os.geteuid() != 0:
            self.skipTest("who is not root has nothing to give up")
        self.start_python("force")
        everything = (1 << 64) - 1
        # A sanitizer's runtime would not pass the server's filter.
        self.assert_restrained(self.server.process.pid, SERVERS_CAPABILITIES,
                               UNFILTERED if "MSB_SANITIZE" in os.environ else FILTERED)
        [launcher] = self.processes("msb-launcher")
        self.assert_restrained(launcher, everything & ~NEVER)
        wardens = self.processes("msb-warden")
        self.assertEqual(len(wardens), 2, "a warden, and what waits for it")
        for warden in wardens:
            self.assert_restrained(warden, everything & ~NEVER)

    def test_a_pull_and_an_unpack(self):
        Registry.fill()
        registry = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
        threading.Thread(target=registry.serve_forever, daemon=True).start()
        self.addCleanup(registry.server_close)
        self.addCleanup(registry.shutdown)
        image = f"127.0.0.1:{registry.server_address[1]}/tiny:1"
        self.addCleanup(self.call, "sandbox.remove", {"sandbox": "pulled"})
        self.call("sandbox.start", {"sandbox": "pulled", "config": {"image": image, "memory": 256}}).result
        layer = os.path.join(self.home, "layers", "sha256", Registry.diff_id, "root")
        if os.geteuid() == 0:
            self.assertEqual(os.stat(layer).st_uid, STORE_ID)
            self.assertEqual(os.stat(os.path.join(layer, "etc/hello")).st_uid, STORE_ID + 1000)
        self.assertEqual(self.processes("msb-unpack"), [])

    def test_a_warden_that_dies_is_replaced(self):
        self.start_python("first")
        for pid in self.processes("msb-warden"):
            with contextlib.suppress(ProcessLookupError):  # one goes with the other
                os.kill(pid, signal.SIGKILL)
        self.start_python("second")
        result = self.call("sandbox.command.run", {"sandbox": "second", "command": "echo", "args": ["up"]}).result
        self.assertEqual(lines(result), ["up"])

    def test_nothing_is_left_of_a_server_that_was_killed(self):
        self.start_python("left")
        helpers = descendants(self.server.process.pid)
        self.assertIn("msb-launcher", helpers.values())
        self.server.stop(signal.SIGKILL)
        give_up = time.monotonic() + DEADLINE_S
        while any(os.path.exists(f"/proc/{pid}") for pid in helpers) and time.monotonic() < give_up:
            time.sleep(0.01)
        self.assertEqual([pid for pid in helpers if os.path.exists(f"/proc/{pid}")], [])
        type(self).server = type(self.server)(self.home, "--dev")


if __name__ == "__main__":
    unittest.main()
