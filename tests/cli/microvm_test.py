# SPDX-License-Identifier: Apache-2.0
"""The tier of micro VMs, as a person meets it. Each start boots a machine: seconds, where it is emulated."""

import glob
import os
import shutil
import signal
import sys
import unittest

import harness
from harness import Case, WithLanguages
from server_harness import ServerCase

harness.DEADLINE_S = 280
MICROVM = ("--isolation", "microvm")


def reason_to_skip():
    if os.geteuid() != 0:
        return "needs root"
    for program in ("qemu-system-x86_64", "mkfs.erofs"):
        if shutil.which(program) is None:
            return f"{program} is not installed: tools/install-deps microvm"
    for folder in (os.path.join(os.environ["MSB_LIBEXEC_DIR"], "guest-kernel"), "/"):
        boot = os.path.join(folder, "boot")
        if os.path.isdir(boot) and any(name.startswith("vmlinuz-") for name in os.listdir(boot)):
            return None
    return "no kernel for machines: tools/fetch-guest-kernel"


class Microvm(Case):
    def test_a_command_with_its_settings(self):
        script = ("read _ _ version _ </proc/version; echo $version; hostname; id -u; echo $COLOR;"
                  " pwd; head -c 100000000 /dev/zero >/fill || echo full; exit 7")
        done = self.msb("run", *MICROVM, "--name", "box", "--disk", "32", "--env", "COLOR=blue",
                        "--workdir", "/home/alice", "--user", "alice", "test/tiny", "--", "sh",
                        "-c", script)
        self.assertEqual(done.returncode, 7, done.stderr)
        version, *settings = done.stdout.splitlines()
        self.assertNotEqual(version, os.uname().release)
        self.assertEqual(settings, ["box", "1000", "blue", "/home/alice", "full"])

    def test_limits_have_their_reasons(self):
        done = self.shell("head -c 500000000 /dev/zero | tail -c 500000000 | wc -c", *MICROVM,
                          "--memory", "64")
        self.assertNotEqual(done.stdout.strip(), "500000000")

    def test_a_killed_machine_is_a_sandbox_that_has_ended(self):
        process = self.start("run", *MICROVM, "test/tiny", "--", "sh", "-c",
                             "echo up; while :; do sleep 1; done")
        self.assertEqual(process.stdout.readline(), b"up\n")
        machines = [pid for pid, command in self.machines() if b"qemu" in command]
        self.assertEqual(len(machines), 1)
        os.kill(machines[0], signal.SIGKILL)
        _, error = process.communicate(timeout=harness.DEADLINE_S)
        self.assertNotEqual(process.returncode, 0)
        self.assertTrue(error)
        self.assert_nothing_left()

    def test_volumes_of_a_machine_that_boots_and_of_one_that_is_cloned(self):
        with open(os.path.join(self.scratch, "count"), "w") as file:
            file.write("0\n")
        for _ in range(2):
            done = self.msb("run", *MICROVM, "--volume", f"{self.scratch}:/data", "test/tiny", "--",
                            "sh", "-c", "read n </data/count; echo $((n + 1)) >/data/count")
            self.assertEqual(done.returncode, 0, done.stderr)
        with open(os.path.join(self.scratch, "count")) as file:
            self.assertEqual(file.read(), "2\n")

    def test_a_template_that_is_broken_is_said_and_made_again(self):
        def run():
            done = self.msb("run", *MICROVM, "--memory", "96", "test/tiny", "--", "sh", "-c",
                            "echo up")
            self.assertEqual((done.returncode, done.stdout), (0, "up\n"), done.stderr)
            return done.stderr

        self.assertNotIn("booted", run())
        states = glob.glob(os.path.join(self.home, "machines", "templates", "*", "state"))
        self.assertTrue(states)
        for state in states:
            os.truncate(state, os.path.getsize(state) // 2)
        self.assertIn("booted, which takes longer than a clone of its template: ", run())
        self.assertNotIn("booted", run())

    def machines(self):
        """QEMUs that hold a disk of this test's home open."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    command = file.read()
            except OSError:
                continue  # it has ended
            if any(link.startswith(self.home) and link.endswith("disk.img") for link in links):
                yield int(pid), command


class MicrovmLanguages(WithLanguages):
    def test_python_runs_and_keeps_its_state(self):
        done = self.msb("run", *MICROVM, "microsandbox/python", "--", "python3", "-c",
                        "print(6 * 7)")
        self.assert_ends(done, 0, "42\n")
        done = self.msb("eval", *MICROVM, "python", "print(6 * 7)")
        self.assert_ends(done, 0, "42\n")


class Copies(WithLanguages, ServerCase):
    def test_copies_go_on_where_the_original_was(self):
        self.serve("--dev", "--isolation", "microvm")
        self.assert_ends(self.msb("start", "work", "microsandbox/python"), 0)
        self.assert_ends(self.msb("eval", "--sandbox", "work", "python", "x = 7"), 0)
        done = self.msb("fork", "work", "--count", "2")
        self.assert_ends(done, 0, stderr="")
        copies = done.stdout.split()
        self.assertEqual(len(copies), 2, copies)
        for name in copies:
            self.assertTrue(name.startswith("work-"), name)
            done = self.msb("eval", "--sandbox", name, "python", "import socket; x, socket.gethostname()")
            self.assert_ends(done, 0, f"(7, '{name}')\n")
        listed = self.msb("ls").stdout
        for name in ("work", *copies):
            self.assertIn(name, listed)

        image = self.msb("snapshot", "work", "work:ready").stdout.strip()
        self.assert_ends(self.msb("eval", "--sandbox", "work", "python", "x = 8"), 0)
        self.assert_ends(self.msb("restore", "second", image), 0, stderr="")
        self.assert_ends(self.msb("eval", "--sandbox", "second", "python", "x"), 0, "7\n")
        done = self.msb("restore", "second", image)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("is there already", done.stderr)
        self.assertIn(image, self.msb("image", "ls", "-q").stdout)
        self.assert_ends(self.msb("rm", "work", "second", *copies), 0)
        self.assert_ends(self.msb("image", "rm", image), 0)

    def test_what_cannot_be_copied(self):
        self.serve("--dev")
        self.assert_ends(self.msb("start", "work", "microsandbox/python"), 0)
        done = self.msb("fork", "work")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("the tier jail cannot copy what runs; microvm can", done.stderr)
        done = self.msb("fork", "work", "--count", "many")
        self.assertEqual(done.returncode, 125)
        self.assertIn("--count", done.stderr)
        self.assert_ends(self.msb("rm", "work"), 0)


if __name__ == "__main__":
    if reason := reason_to_skip():
        print("skipped:", reason)
        sys.exit(77)
    unittest.main()
