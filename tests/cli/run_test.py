# SPDX-License-Identifier: Apache-2.0
"""msb run: a command that runs inside as if it ran here."""

import hashlib
import os
import subprocess
import unittest

from harness import DEADLINE_S, MSB, Case, docker_archive


class Run(Case):
    def test_streams_are_kept_apart(self):
        done = self.shell("echo out; echo err >&2")
        self.assert_ends(done, 0, "out\n")
        self.assertEqual(done.stderr, "err\n")

    def test_options_after_the_image_are_the_commands(self):
        done = self.msb("run", "test/tiny", "sh", "-c", 'echo "$@"', "sh", "--memory", "-e", "--",
                        "[1, 2]", "")
        self.assert_ends(done, 0, "--memory -e -- [1, 2] \n")

    def test_without_a_command_the_images_own_runs(self):
        self.assert_ends(self.msb("run", "test/tiny"), 0, "own\n")

    def test_an_image_without_a_command_needs_one(self):
        archive = os.path.join(self.scratch, "bare.tar")
        docker_archive(archive, "test/bare", self.layer)
        self.assert_ends(self.msb("image", "import", archive), 0)
        self.assert_ends(self.msb("run", "test/bare"), 125, "", ["no command of its own", "-- CMD"])

    def test_the_exit_status_is_the_commands(self):
        self.assert_ends(self.shell("exit 7"), 7)
        self.assert_ends(self.shell("kill -TERM $$"), 128 + 15)
        self.assert_ends(self.shell("kill -KILL $$"), 128 + 9)

    def test_a_command_that_cannot_run_ends_as_in_a_shell(self):
        done = self.msb("run", "test/tiny", "no-such-command")
        self.assert_ends(done, 127, "", ["msb: run: ", "no-such-command"])
        done = self.msb("run", "test/tiny", "/etc/not-executable")
        self.assert_ends(done, 126, "", ["msb: run: ", "/etc/not-executable"])

    def test_a_timeout_ends_it_with_124(self):
        done = self.shell("echo begun; sleep 1000; echo never", "--timeout", "300ms")
        self.assert_ends(done, 124, "begun\n", "longer than 300ms (--timeout)")

    def test_a_background_child_that_holds_the_pipes_is_not_waited_for(self):
        self.assert_ends(self.shell("sleep 1000 & echo done"), 0, "done\n")

    def test_environment(self):
        variables = os.path.join(self.scratch, "variables")
        with open(variables, "w", encoding="utf-8") as file:
            file.write("# a comment\nA=file\nB=file\n")
        done = self.shell('echo "$A $B $C"', "--env-file", variables, "-e", "B=given", "-e",
                          "C=a=b c")
        self.assert_ends(done, 0, "file given a=b c\n")

    def test_the_hosts_environment_stays_outside(self):
        self.assertNotIn("SECRET", self.msb("run", "test/tiny", "env", env={"SECRET": "x"}).stdout)

    def test_workdir_is_made(self):
        self.assert_ends(self.shell("pwd", "-w", "/work/deep"), 0, "/work/deep\n")

    def test_user(self):
        self.assert_ends(self.shell("id -un", "--user", "alice"), 0, "alice\n")
        self.assert_ends(self.shell("id -u; id -g", "-u", "1000:1000"), 0, "1000\n1000\n")
        self.assert_ends(self.shell("true", "-u", "nobody-here"), 125, "", "nobody-here")

    def test_name(self):
        for _ in range(2):  # and nothing of it stays
            done = self.shell("hostname; test ! -e /kept && touch /kept", "--name", "box-1")
            self.assert_ends(done, 0, "box-1\n")

    def test_volumes(self):
        folder = os.path.join(self.scratch, "shared")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "in"), "w", encoding="utf-8") as file:
            file.write("from the host\n")
        done = self.shell("cat /v/in; echo from inside > /v/out", "-v", f"{folder}:/v")
        self.assert_ends(done, 0, "from the host\n")
        with open(os.path.join(folder, "out"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "from inside\n")
        done = self.shell("cat /v/in; echo x > /v/no", "-v", "./shared:/v:ro", cwd=self.scratch)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("Read-only", done.stderr)
        self.assertFalse(os.path.exists(os.path.join(folder, "no")))

    def test_what_is_written_inside_is_gone_afterwards(self):
        self.assert_ends(self.shell("echo x > /file"), 0)
        self.assert_ends(self.shell("test ! -e /file"), 0)

    def test_leaves_nothing(self):
        before = self.files_of_home()
        self.assert_ends(self.shell("sleep 1000 & echo x > /file"), 0)
        self.assert_nothing_left()
        self.assertEqual(self.files_of_home(), before)

    def test_home_has_to_be_usable(self):
        done = self.msb("run", "--home", "/proc/nowhere", "test/tiny", "true")
        self.assert_ends(done, 125, "", ["msb: run: ", "/proc/nowhere"])

    def test_an_unknown_image_is_our_failure(self):
        done = self.msb("run", "127.0.0.1:1/no/such", "true")
        self.assert_ends(done, 125, "", ["msb: run: ", "127.0.0.1:1"])


class Streams(Case):
    def test_stdin_ends_when_ours_does(self):
        self.assert_ends(self.shell("cat; echo end", stdin=b"a\nb"), 0, "a\nbend\n")

    def test_bytes_are_not_touched(self):
        data = bytes(range(256)) * 1000
        done = self.msb("run", "test/tiny", "cat", stdin=data, text=False)
        self.assertEqual(done.stdout, data)

    def test_two_hundred_megabytes_pass_through(self):
        megabyte = os.urandom(1 << 20)
        expected = hashlib.sha256()
        source = subprocess.Popen(
            ["/usr/bin/python3", "-c",
             "import sys\n"
             "data = sys.stdin.buffer.read()\n"
             "for _ in range(200): sys.stdout.buffer.write(data)"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(self._end, source)
        source.stdin.write(megabyte)
        source.stdin.close()
        source.stdin = None
        process = self.start("run", "test/tiny", "cat", stdin=source.stdout)
        source.stdout.close()
        source.stdout = None
        got = hashlib.sha256()
        size = 0
        while chunk := process.stdout.read(1 << 20):
            got.update(chunk)
            size += len(chunk)
        for _ in range(200):
            expected.update(megabyte)
        self.assertEqual(process.wait(DEADLINE_S), 0)
        self.assertEqual(size, 200 << 20)
        self.assertEqual(got.hexdigest(), expected.hexdigest())

    def test_a_command_that_does_not_read_is_not_waited_for(self):
        endless = subprocess.Popen(["yes"], stdout=subprocess.PIPE)
        self.addCleanup(self._end, endless)
        self.assert_ends(self.msb("run", "test/tiny", "true", stdin=endless.stdout), 0)
        done = self.msb("run", "test/tiny", "head", "-n1", stdin=endless.stdout)
        self.assert_ends(done, 0, "y\n")

    def test_a_reader_that_goes_away_ends_it_quietly(self):
        process = self.start("run", "test/tiny", "yes")
        self.assertEqual(process.stdout.read(2), b"y\n")
        process.stdout.close()
        self.assertEqual(process.wait(DEADLINE_S), 128 + 13)
        self.assertEqual(process.stderr.read(), b"")
        process.stdout = None
        self.assert_nothing_left()

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([MSB, "run", "test/tiny", "ls"], stdout=full,
                                  stderr=subprocess.PIPE, env=self.environment(),
                                  timeout=DEADLINE_S)
        self.assertEqual(done.returncode, 125)
        self.assertIn(b"No space left", done.stderr)

    def test_a_slow_reader_loses_nothing(self):
        process = self.start("run", "test/tiny", "sh", "-c", "head -c 10000000 /dev/zero")
        first = process.stdout.read(1)
        self.assertEqual(len(first) + len(process.stdout.read()), 10_000_000)
        self.assertEqual(process.wait(DEADLINE_S), 0)


if __name__ == "__main__":
    unittest.main()
