# SPDX-License-Identifier: Apache-2.0
"""Limits that are hit have a reason of their own; values that are none are refused beforehand."""

import os
import unittest

from harness import Case


class Limits(Case):
    def test_memory(self):
        # tail keeps what it has been given until the end.
        done = self.shell("head -c 500000000 /dev/zero | tail -c 500000000 | wc -c", "--memory",
                          "32")
        self.assertIn("out of memory (limit 32 MiB)", done.stderr)
        self.assertIn("--memory", done.stderr)
        done = self.msb("run", "--memory", "32", "test/tiny", "dd", "if=/dev/zero",
                        "of=/dev/null", "bs=500M", "count=1")
        self.assert_ends(done, 128 + 9, "", "out of memory (limit 32 MiB)")

    def test_processes(self):
        done = self.shell("i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i+1)); done",
                          "--processes", "16")
        self.assertIn("too many processes (limit 16)", done.stderr)
        self.assertIn("--processes", done.stderr)

    def test_disk(self):
        done = self.shell("dd if=/dev/zero of=/fill bs=1M 2>&1", "--disk", "32")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("No space left", done.stdout)
        self.assertIn("disk full (limit 32 MiB)", done.stderr)
        self.assertIn("--disk", done.stderr)

    def test_a_neighbour_does_not_notice(self):
        neighbour = self.start("run", "test/tiny", "sh", "-c", "echo up; cat; echo still here",
                               stdin=-1)
        self.assertEqual(neighbour.stdout.readline(), b"up\n")
        self.test_memory()
        self.test_processes()
        out, _ = neighbour.communicate(b"", timeout=60)
        self.assertEqual((out, neighbour.returncode), (b"still here\n", 0))

    def test_no_reason_is_invented(self):
        done = self.shell("exit 9", "--memory", "64")
        self.assert_ends(done, 9, "")
        self.assertEqual(done.stderr, "")


class BadInput(Case):
    def test_is_refused_and_nothing_is_created(self):
        before = self.files_of_home()
        table = (
            (["--name", "no spaces"], "name"),
            (["--name", "x" * 64], "name"),
            (["--name", "-x"], "name"),
            (["--memory", "0"], "memory"),
            (["--memory", "1000000000000"], "memory"),
            (["--memory", "-5"], "memory"),
            (["--cpus", "0"], "cpus"),
            (["--cpus", "nan"], "cpus"),
            (["--disk", "1"], "disk"),
            (["--processes", "1"], "processes"),
            (["-p", "70000"], "70000"),
            (["-p", "80:0"], "80:0"),
            (["-p", "x:80"], "x:80"),
            (["-v", ":/guest"], "volume"),
            (["-v", "/no/such/folder:/guest"], "/no/such/folder"),
            (["-v", "/tmp:relative"], "volume"),
            (["-e", "NOVALUE"], "env"),
            (["-e", "=x"], "env"),
            (["-w", "relative"], "workdir"),
        )
        for options, reason in table:
            with self.subTest(options=options):
                done = self.shell("echo ran", *options)
                self.assert_ends(done, 125, "", ["msb: run: ", reason])
        self.assert_ends(self.msb("run", "UPPER CASE", "true"), 125, "", "UPPER CASE")
        self.assert_ends(self.msb("run", "", "true"), 125, "", "image")
        self.assert_ends(self.shell("true", "--env-file", "/no/such"), 125, "", "/no/such")
        self.assertEqual(self.files_of_home(), before)
        self.assertEqual(os.path.exists("/guest"), False)


if __name__ == "__main__":
    unittest.main()
