# SPDX-License-Identifier: Apache-2.0
"""msb on a terminal: a terminal inside, its size, its keys, and ours as it was afterwards."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

from harness import DEADLINE_S, MSB, Case


class Terminal:
    """A pseudo terminal with msb on its other side."""

    def __init__(self, case, *arguments, rows=33, columns=101, **redirect):
        self.case = case
        self.main, self.side = pty.openpty()
        self.resize(rows, columns, tell=None)
        self.before = termios.tcgetattr(self.side)
        self.output = b""
        streams = {"stdin": self.side, "stdout": self.side, "stderr": self.side, **redirect}
        self.process = subprocess.Popen(
            [MSB, *arguments], env=case.environment(TERM="xterm"), start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0), **streams)
        case.addCleanup(self.close)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.main)
        os.close(self.side)

    def resize(self, rows, columns, tell=signal.SIGWINCH):
        fcntl.ioctl(self.side, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if tell is not None:
            self.process.send_signal(tell)

    def type(self, text):
        os.write(self.main, text.encode())

    def expect(self, pattern):
        """Reads until the pattern has been seen; consumes up to its end."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            found = re.search(pattern.encode(), self.output)
            if found:
                self.output = self.output[found.end():]
                return found
            left = deadline - time.monotonic()
            self.case.assertGreater(left, 0, f"no {pattern!r} in {self.output!r}")
            if select.select([self.main], [], [], min(left, 1))[0]:
                self.output += os.read(self.main, 65536)
            else:
                self.case.assertIsNone(self.process.poll(),
                                       f"ended before {pattern!r}: {self.output!r}")

    def wait(self):
        """The exit status; the terminal has to be as it was."""
        deadline = time.monotonic() + DEADLINE_S
        while self.process.poll() is None:
            self.case.assertLess(time.monotonic(), deadline, f"still running: {self.output!r}")
            if select.select([self.main], [], [], 0.05)[0]:
                self.output += os.read(self.main, 65536)
        self.case.assertEqual(termios.tcgetattr(self.side), self.before)
        return self.process.returncode


class OnATerminal(Case):
    def test_the_command_gets_a_terminal_of_the_same_size(self):
        terminal = Terminal(self, "run", "test/tiny", "sh", "-c",
                            "test -t 0 && test -t 1 && test -t 2 && stty size && echo $TERM")
        terminal.expect("33 101\r\nxterm\r\n")
        self.assertEqual(terminal.wait(), 0)

    def test_the_size_follows(self):
        terminal = Terminal(self, "run", "test/tiny", "sh", "-c",
                            "trap 'stty size; exit 4' WINCH; echo up; while :; do sleep 0.1; done")
        terminal.expect("up\r\n")
        terminal.resize(40, 120)
        terminal.expect("40 120\r\n")
        self.assertEqual(terminal.wait(), 4)

    def test_keys_go_to_the_command(self):
        terminal = Terminal(self, "run", "test/tiny", "sh", "-c",
                            # Whether the key meets the shell before or in its read, it goes on reading.
                            "trap 'echo interrupted' INT; echo up; while ! read line; do :; done; "
                            "echo got $line; cat")
        terminal.expect("up\r\n")
        terminal.type("\x03")
        terminal.expect("interrupted\r\n")
        terminal.type("hello\r")
        terminal.expect("got hello\r\n")
        terminal.type("\x04")  # ^D at the start of a line
        self.assertEqual(terminal.wait(), 0)

    def test_a_shell_runs_when_there_is_nothing_else(self):
        rootfs = os.path.join(self.scratch, "rootfs.tar")
        with open(rootfs, "wb") as file:
            file.write(self.layer)
        self.assert_ends(self.msb("image", "import", "--name", "test/rootfs", rootfs), 0)
        terminal = Terminal(self, "run", "test/rootfs")
        terminal.expect("[#$] ")
        terminal.type("echo $((40 + 2)); exit 3\r")
        terminal.expect("[\r\n]42\r\n")
        self.assertEqual(terminal.wait(), 3)

    def test_the_terminal_is_given_back_on_every_way_out(self):
        script = "echo up; sleep 1000"
        for number, status in ((signal.SIGTERM, 143), (signal.SIGHUP, 129),
                               (signal.SIGSEGV, -signal.SIGSEGV),
                               (signal.SIGABRT, -signal.SIGABRT)):
            with self.subTest(number=number):
                terminal = Terminal(self, "run", "test/tiny", "sh", "-c", script)
                terminal.expect("up\r\n")
                self.assertNotEqual(termios.tcgetattr(terminal.side), terminal.before)
                terminal.process.send_signal(number)
                self.assertEqual(terminal.wait(), status)
                self.assert_nothing_left()
        terminal = Terminal(self, "run", "--timeout", "300ms", "test/tiny", "sh", "-c", script)
        self.assertEqual(terminal.wait(), 124)
        terminal = Terminal(self, "run", "test/tiny", "no-such-command")
        self.assertEqual(terminal.wait(), 127)

    def test_without_a_terminal_for_stdout_there_is_none_inside(self):
        read_end, write_end = os.pipe()
        terminal = Terminal(self, "run", "test/tiny", "sh", "-c",
                            "test -t 0 || test -t 1 || echo none; cat", stdout=write_end)
        os.close(write_end)
        self.addCleanup(os.close, read_end)
        self.assertEqual(os.read(read_end, 100), b"none\n")
        terminal.type("line\r\x04")  # what is typed still reaches it
        self.assertEqual(os.read(read_end, 100), b"line\n")
        self.assertEqual(terminal.wait(), 0)

    def test_it_can_be_declined(self):
        terminal = Terminal(self, "run", "-T", "test/tiny", "sh", "-c", "test -t 1 || echo none")
        terminal.expect("none\r\n")
        self.assertEqual(terminal.wait(), 0)

    def test_control_c_without_a_terminal_inside(self):
        terminal = Terminal(self, "run", "-T", "test/tiny", "sh", "-c", "echo up; exec sleep 1000")
        terminal.expect("up\r\n")
        terminal.type("\x03")
        self.assertEqual(terminal.wait(), 130)
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
