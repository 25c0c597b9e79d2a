# SPDX-License-Identifier: Apache-2.0
"""Runs msb as a shell would, with homes and images of the tests' own."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
import unittest
import uuid

MSB = os.environ["MSB"]
# How long anything may take before a test gives up on it: generous, for busy machines.
DEADLINE_S = 60

_TOOLS = ("cat", "dd", "env", "false", "head", "hostname", "id", "ls", "mkdir", "sh", "sleep",
          "stat", "stty", "tail", "touch", "true", "wc", "yes")
_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n",
    "etc/group": "root:x:0:\nalice:x:1000:\n",
    "etc/not-executable": "text\n",
}


def _libraries(program):
    """The shared libraries of a program, the loader among them."""
    listing = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return {word for word in listing.split() if word.startswith("/")}


def tiny_rootfs():
    """A tar of a root file system: a shell and a dozen tools of this host. About 8 MB."""
    buffer = io.BytesIO()
    files = {}
    for tool in _TOOLS:
        path = shutil.which(tool, path="/usr/bin:/bin")
        files[f"bin/{tool}"] = path
        for library in _libraries(path):
            files[library.lstrip("/")] = library
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in ("bin", "etc", "home", "home/alice", "root", "tmp", "proc", "sys", "dev"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            if folder == "home/alice":
                entry.uid = entry.gid = 1000
            tar.addfile(entry)
        for name, content in _FILES.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content.encode()))
        for name, source in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = 0o755, os.stat(source).st_size
            with open(source, "rb") as content:
                tar.addfile(entry, content)
    return buffer.getvalue()


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def image_config(layer, **config):
    return json.dumps({
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine],
        "os": "linux",
        "config": {"Env": ["PATH=/bin"], **config},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]},
    }).encode()


def docker_archive(path, name, layer, **config):
    """What `docker save` writes."""
    members = {"layer.tar": layer, "config.json": image_config(layer, **config)}
    members["manifest.json"] = json.dumps(
        [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]).encode()
    with tarfile.open(path, "w") as tar:
        for member, content in members.items():
            entry = tarfile.TarInfo(member)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


class Case(unittest.TestCase):
    """Tests with a home of their own, which holds `test/tiny` (see tiny_rootfs)."""

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.mkdtemp(prefix="msb-cli-test-")
        cls.addClassCleanup(shutil.rmtree, cls.scratch, ignore_errors=True)
        cls.home = os.path.join(cls.scratch, "home")
        cls.layer = tiny_rootfs()
        archive = os.path.join(cls.scratch, "tiny.tar")
        docker_archive(archive, "test/tiny:latest", cls.layer, Cmd=["/bin/sh", "-c", "echo own"])
        imported = subprocess.run([MSB, "--home", cls.home, "image", "import", archive],
                                  capture_output=True, text=True, timeout=DEADLINE_S)
        if imported.returncode != 0:
            raise AssertionError(f"import of the test image: {imported.stderr}")

    def environment(self, **extra):
        # The mark is inherited by whatever msb starts, and so finds what it leaves.
        self.mark = f"MSB_TEST_MARK={uuid.uuid4()}"
        key, value = self.mark.split("=")
        return {**os.environ, "MSB_HOME": self.home, key: value, **extra}

    def msb(self, *arguments, stdin=b"", env=None, text=True, cwd=None):
        """Runs msb to its end; `stdin` is bytes or a file."""
        source = {"stdin": stdin} if hasattr(stdin, "fileno") else {"input": stdin}
        done = subprocess.run([MSB, *arguments], capture_output=True, timeout=DEADLINE_S, cwd=cwd,
                              env=self.environment(**(env or {})), **source)
        if text:
            done.stdout = done.stdout.decode(errors="replace")
            done.stderr = done.stderr.decode(errors="replace")
        return done

    def start(self, *arguments, **options):
        """Starts msb with pipes and goes on."""
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen([MSB, *arguments], env=self.environment(),
                                   **{**pipes, **options})
        self.addCleanup(self._end, process)
        return process

    @staticmethod
    def _end(process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def shell(self, script, *options, **more):
        return self.msb("run", *options, "test/tiny", "--", "sh", "-c", script, **more)

    def assert_ends(self, done, status, stdout=None, stderr=None):
        details = f"\nstdout: {done.stdout[-500:]!r}\nstderr: {done.stderr[-500:]!r}"
        self.assertEqual(done.returncode, status, details)
        if stdout is not None:
            self.assertEqual(done.stdout, stdout, details)
        for part in [stderr] if isinstance(stderr, str) else stderr or []:
            self.assertIn(part, done.stderr, details)

    def eventually(self, condition, what):
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.01)  # between two looks at /proc, which cannot be waited for

    def marked_processes(self):
        """What msb has started and is still there."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    environ = file.read()
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    command = file.read()
            except OSError:
                continue  # it has ended
            if self.mark.encode() in environ or self.mark.encode() in command:
                found.append((pid, command))
        return found

    def assert_nothing_left(self):
        self.eventually(lambda: not self.marked_processes(),
                        f"left behind: {self.marked_processes()}")
        with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
            self.assertNotIn(self.home, mounts.read())

    def files_of_home(self):
        return sorted(os.path.join(folder, name)
                      for folder, folders, files in os.walk(self.home)
                      for name in folders + files
                      # Belongs to an engine, not to a sandbox; swept by the next one.
                      if "/run/" not in os.path.join(folder, name) + "/")


class WithLanguages(Case):
    """Tests with the images that `make` prepares in the user's own home."""

    @classmethod
    def setUpClass(cls):
        cls.home = os.environ.get("MSB_HOME") or os.path.expanduser("~/.microsandbox")
        listed = subprocess.run([MSB, "image", "ls", "-q"], capture_output=True, text=True,
                                env={**os.environ, "MSB_HOME": cls.home}, timeout=DEADLINE_S)
        for image in ("microsandbox/python", "microsandbox/node"):
            if image not in listed.stdout:
                raise unittest.SkipTest(f"{image} is not in {cls.home}: images/build --import")

