# SPDX-License-Identifier: Apache-2.0
"""msb eval: code through the interpreters."""

import json
import os
import tempfile
import unittest

from harness import WithLanguages


class Eval(WithLanguages):
    def test_submissions_share_one_state(self):
        self.assert_ends(self.msb("eval", "python", "x = 20", "print(x + 1)", "x * 2"), 0,
                         "21\n40\n")
        self.assert_ends(self.msb("eval", "node", "const a = 2", "a ** 10"), 0, "1024\n")

    def test_languages_have_other_names(self):
        self.assert_ends(self.msb("eval", "JavaScript", "1 + 1"), 0, "2\n")
        self.assert_ends(self.msb("eval", "nodejs", "[1, 2].length"), 0, "2\n")

    def test_code_arrives_as_it_is(self):
        self.assert_ends(self.msb("eval", "python", "[1, 2]", "-5", "''"), 0, "[1, 2]\n-5\n''\n")
        self.assert_ends(self.msb("eval", "python", "x = 4", "--", "-x", "--x"), 0, "-4\n4\n")

    def test_code_comes_from_files_and_stdin(self):
        with tempfile.TemporaryDirectory() as folder:
            first, second = os.path.join(folder, "a.py"), os.path.join(folder, "b.py")
            with open(first, "w", encoding="utf-8") as file:
                file.write("def twice(x):\n    return 2 * x\n")
            with open(second, "w", encoding="utf-8") as file:
                file.write("print(twice(21))\n")
            self.assert_ends(self.msb("eval", "python", "-f", first, "-f", second), 0, "42\n")
            self.assert_ends(self.msb("eval", "python", "-f", first + "x"), 125, "", first + "x")
        self.assert_ends(self.msb("eval", "python", "-", stdin=b"print('in')"), 0, "in\n")
        self.assert_ends(self.msb("eval", "python", stdin=b"print('in')"), 0, "in\n")

    def test_streams_are_kept_apart(self):
        done = self.msb("eval", "python", "import sys",
                        "print('out'); print('err', file=sys.stderr)")
        self.assert_ends(done, 0, "out\n")
        self.assertEqual(done.stderr, "err\n")

    def test_an_exception_ends_it_with_1(self):
        done = self.msb("eval", "python", "print('before')", "1/0", "print('after')")
        self.assert_ends(done, 1, "before\n", "ZeroDivisionError")
        done = self.msb("eval", "node", "throw new Error('boo')", "1")
        self.assert_ends(done, 1)
        self.assertIn("boo", done.stdout + done.stderr)

    def test_an_exit_is_the_codes_own(self):
        self.assert_ends(self.msb("eval", "python", "exit(3)", "print('after')"), 3, "")
        self.assert_ends(self.msb("eval", "python", "raise SystemExit", "print('after')"), 0, "")
        self.assert_ends(self.msb("eval", "node", "process.exit(4)"), 4, "")

    def test_a_death_is_told_by_its_signal(self):
        done = self.msb("eval", "python", "import os; os.kill(os.getpid(), 11)")
        self.assert_ends(done, 128 + 11, "", "ended by signal 11")

    def test_a_timeout_ends_it_with_124(self):
        done = self.msb("eval", "--timeout", "500ms", "python", "print('begun', flush=True)",
                        "while True: pass")
        self.assert_ends(done, 124, "begun\n", "timed out after 0.5 seconds")

    def test_a_limit_is_explained(self):
        done = self.msb("eval", "--memory", "64", "python", "b'x' * 10**9")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("out of memory (limit 64 MiB)", done.stderr)
        done = self.msb("run", "--memory", "64", "microsandbox/python", "--", "python3", "-c",
                        "b'x' * 10**9")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("out of memory", done.stderr)

    def test_json_is_a_line_for_each_execution(self):
        done = self.msb("eval", "--json", "python", "print('a\\nb')", "1/0", "'never'")
        self.assertEqual(done.returncode, 1)
        documents = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([document["status"] for document in documents], ["success", "exception"])
        self.assertEqual(documents[0]["language"], "python")
        self.assertEqual([line["text"] for line in documents[0]["output"]], ["a", "b"])
        self.assertEqual(done.stderr, "")

    def test_a_port_that_was_picked_is_told(self):
        done = self.msb("eval", "-p", "0:8000", "python", "1")
        self.assert_ends(done, 0, "1\n")
        self.assertRegex(done.stderr, r"127\.0\.0\.1:\d+ reaches port 8000")
        self.assertNotIn("reaches", self.msb("eval", "-q", "-p", "0:8000", "python", "1").stderr)


if __name__ == "__main__":
    unittest.main()
