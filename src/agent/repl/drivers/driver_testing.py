# SPDX-License-Identifier: Apache-2.0
"""The agent's side of the REPL drivers' contract, for their tests.

No test sleeps: what must have happened is waited for, with a deadline.
"""
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
DEADLINE_SECONDS = 30


def text_of(name):
    with open(os.path.join(HERE, name), 'rb') as file:
        return file.read()


def wait_until(condition):
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError('it does not happen')
        select.select([], [], [], 0.002)


def read_fifo(path):
    """What one writer writes."""
    fifo = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    poll = select.poll()
    poll.register(fifo, select.POLLIN)
    content = b''
    while True:
        if not poll.poll(DEADLINE_SECONDS * 1000):
            raise AssertionError('nobody writes to %s' % path)
        data = os.read(fifo, 4096)
        if not data:
            os.close(fifo)
            return content.decode()
        content += data


class Answer:
    """What came of one run. `verdict` is '' when the interpreter died without one."""

    def __init__(self):
        self.verdict, self.code, self.out, self.err = '', None, b'', b''

    def __repr__(self):
        return '<%s %s out=%r err=%r>' % (self.verdict, self.code, self.out[-500:],
                                          self.err[-2000:])


PRACTICE = 3 << 30  # in the length of a submission


class Interpreter:
    """The agent's side of the contract."""

    def __init__(self, command, driver, directory, **options):
        self.control, theirs = socket.socketpair()
        os.set_inheritable(theirs.fileno(), True)
        self.control.sendall(struct.pack('<I', len(driver)) + driver)
        # Node makes only descriptors below 16 close-on-exec, so the number matters.
        number = os.dup2(theirs.fileno(), 15)
        theirs.close()
        # LC_CTYPE may be what this interpreter has given itself.
        environment = {key: os.environ[key] for key in os.environ
                       if key not in ('PYTHONPATH', 'LC_CTYPE')}
        environment.update(options.pop('env', {}), MSB_REPL_FD=str(number))
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment,
                                        cwd=directory, pass_fds=[number], **options)
        os.close(number)

    def close(self):
        self.control.close()
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()

    def ready(self):
        self.control.settimeout(DEADLINE_SECONDS)
        assert self.control.recv(1) == b'R'
        return self

    @staticmethod
    def settings(directory, environment):
        text = b''.join(part + b'\0' for part in [
            directory, *(name + b'=' + value for name, value in environment.items())])
        return struct.pack('<I', 1 << 31 | len(text)) + text

    def adopt(self, directory, environment):
        self.control.sendall(self.settings(directory, environment))
        self.ready()

    def renew(self, content=b''):
        self.control.sendall(struct.pack('<I', 1 << 30 | len(content)) + content)
        self.ready()

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def collect(self, out, err, on_output=None):
        """Reads both pipes until the verdict, and then what is in them. When there is none, or the
        code asked to exit, until the process has ended."""
        answer = Answer()
        names = {out: 'out', err: 'err'}
        deadline = time.monotonic() + DEADLINE_SECONDS
        for pipe in names:
            os.set_blocking(pipe, False)
        over = False
        while not over:
            left = deadline - time.monotonic()
            readable = select.select([self.control, *names], [], [], max(left, 0))[0]
            if not readable:
                raise AssertionError('no verdict in time: %r' % answer)
            if self.control in readable:
                over = True
                answer.verdict = self.control.recv(1).decode()
                if answer.verdict == 'X':
                    answer.code, = struct.unpack('<i', self.control.recv(4, socket.MSG_WAITALL))
                if answer.verdict in ('', 'X'):
                    while self.process.poll() is None:
                        self.drain(names, answer)
                        if time.monotonic() > deadline:
                            raise AssertionError('it does not end: %r' % answer)
                        select.select(list(names), [], [], 0.01)
            self.drain(names, answer)
            if on_output and on_output(answer):
                on_output = None
        return answer

    @staticmethod
    def drain(names, answer):
        for pipe, name in list(names.items()):
            try:
                while True:
                    data = os.read(pipe, 1 << 20)
                    if not data:
                        del names[pipe]
                        break
                    setattr(answer, name, getattr(answer, name) + data)
            except BlockingIOError:
                pass


class DriverTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory)
        self.repl = self.start()

    def start(self, **options):
        repl = self.interpreter(self.directory, **options)
        self.addCleanup(repl.close)
        return repl.ready()

    def run_code(self, code, *arguments, **options):
        return self.repl.run(code, *arguments, **options)

    def expect(self, code, out='', err='', verdict='S'):
        answer = self.run_code(code)
        got = (answer.out.decode(errors='surrogateescape'), answer.err.decode(), answer.verdict)
        self.assertEqual(got, (out, err, verdict), code[:200])

    def file(self, name, content=''):
        path = os.path.join(self.directory, name)
        with open(path, 'w') as file:
            file.write(content)
        return path

    def fifo(self, name):
        path = os.path.join(self.directory, name)
        os.mkfifo(path)
        return path

    def interrupt_at(self, marker):
        """For on_output: sends SIGINT once when the run has printed the marker."""
        def interrupt(answer):
            if marker in answer.out:
                self.repl.interrupt()
                return True
        return interrupt
