# SPDX-License-Identifier: Apache-2.0
"""Signals to msb while a command runs: who gets them, and that nothing is left."""

import os
import signal
import subprocess
import unittest

from harness import DEADLINE_S, Case


class Interrupt(Case):
    def running(self, script):
        """A command that has said "up"."""
        process = self.start("run", "test/tiny", "sh", "-c", script)
        self.assertEqual(process.stdout.readline(), b"up\n", process.poll())
        return process

    def end_of(self, process):
        out, err = process.communicate(timeout=DEADLINE_S)
        self.assert_nothing_left()
        return process.returncode, out, err

    def test_the_first_goes_to_the_command(self):
        process = self.running("trap 'echo caught; exit 5' INT; echo up; while :; do sleep 1; done")
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.end_of(process)[:2], (5, b"caught\n"))

    def test_a_command_without_a_handler_ends(self):
        # exec, because dash loses a signal that comes while it forks.
        process = self.running("echo up; exec sleep 1000")
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.end_of(process), (130, b"", b""))

    def test_the_second_stops_the_sandbox(self):
        process = self.running("trap 'echo no' INT; echo up; while :; do sleep 1; done")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.stdout.readline(), b"no\n")
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.end_of(process)[0], 130)

    def test_the_whole_group_of_a_terminal_may_get_it(self):
        process = self.start("run", "test/tiny", "sh", "-c",
                             "trap 'echo caught; exit 5' INT; echo up; while :; do sleep 1; done",
                             start_new_session=True)
        self.assertEqual(process.stdout.readline(), b"up\n")
        os.killpg(process.pid, signal.SIGINT)
        self.assertEqual(self.end_of(process)[:2], (5, b"caught\n"))

    def test_term_and_hangup_stop_the_sandbox(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number=number):
                process = self.running(
                    "trap '' TERM HUP; sleep 1000 & echo up; while :; do sleep 1; done")
                process.send_signal(number)
                self.assertEqual(self.end_of(process), (128 + number, b"", b""))

    def test_a_kill_leaves_nothing(self):
        process = self.running("sleep 1000 & echo up; sleep 1000")
        process.kill()
        self.assertEqual(self.end_of(process)[0], -signal.SIGKILL)

    def test_a_stuck_reader_does_not_keep_it(self):
        process = self.running("echo up; yes")
        process.send_signal(signal.SIGTERM)
        # Nobody reads its stdout meanwhile.
        self.assertEqual(process.wait(DEADLINE_S), 143)
        self.assert_nothing_left()

    def test_eval_is_stopped_too(self):
        process = self.start("eval", "python", "--image", "test/tiny", "-", stdin=subprocess.PIPE)
        process.send_signal(signal.SIGTERM)  # still reading its code
        self.assertIn(process.wait(DEADLINE_S), (-signal.SIGTERM, 143))
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
