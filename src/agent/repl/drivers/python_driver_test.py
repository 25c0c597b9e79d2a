#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the Python REPL driver with a real interpreter: MSB_TEST_PYTHON or /usr/bin/python3."""
import array
import os
import signal
import socket
import struct
import subprocess
import unittest

from driver_testing import (DEADLINE_SECONDS, DriverTest, HERE, Interpreter, PRACTICE, read_fifo,
                            text_of, wait_until)

PYTHON = os.environ.get('MSB_TEST_PYTHON', '/usr/bin/python3')


class Python(Interpreter):
    def __init__(self, directory, driver=None, **options):
        driver = driver or text_of('python_driver.py')
        super().__init__([PYTHON, '-u', '-c', text_of('python_bootstrap.py').decode()], driver,
                         directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)

    def send(self, code, one_pipe=False, pieces=None, bits=0):
        code = code if isinstance(code, bytes) else code.encode()
        out, theirs_out = os.pipe()
        err, theirs_err = os.pipe()
        fds = [theirs_out, theirs_out if one_pipe else theirs_err]
        message = struct.pack('<I', len(code) | bits) + code
        first = len(message) if pieces is None else pieces
        sent = self.control.sendmsg([message[:first]], [
            (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))])
        while sent < len(message):
            sent += self.control.send(message[sent:sent + (pieces or 1 << 20)])
        os.close(theirs_out), os.close(theirs_err)
        return out, err

    def run(self, code, on_output=None, **options):
        out, err = self.send(code, **options)
        try:
            return self.collect(out, err, on_output)
        finally:
            os.close(out), os.close(err)


def traceback_of(*lines):
    return '\n'.join(('Traceback (most recent call last):',) + lines) + '\n'


AT_LINE = '  File "<stdin>", line %d, in <module>'


class PythonDriver(DriverTest):
    interpreter = Python

    # What is echoed

    def test_echoes_expressions_at_every_level(self):
        self.expect("1+1; 'a'\nNone\nfor i in range(2):\n    i\n\n    if i: 'deep'\n[\n1,\n]",
                    "2\n'a'\n0\n1\n'deep'\n[1]\n")

    def test_needs_no_blank_line_after_a_block(self):
        self.expect("for i in range(2):\n    print(i)\nprint('after')", '0\n1\nafter\n')

    def test_sets_underscore(self):
        self.expect('6 * 7', '42\n')
        self.expect('_ + 1', '43\n')

    def test_echoes_a_leading_string(self):
        self.expect("'not a docstring'\n__doc__", "'not a docstring'\n")

    def test_keeps_state(self):
        self.expect('x = 20\ndef f():\n    return x')
        self.expect('f() + 1', '21\n')

    def test_honours_a_displayhook(self):
        self.expect('import sys\nsys.displayhook = lambda v: print("<%r>" % (v,))')
        self.expect('1', '<1>\n')

    def test_runs_nothing_for_empty_submissions(self):
        for code in '', '\n', '   ', '# comment', '\n# comment\n\n', ';'[:0]:
            self.expect(code)

    def test_takes_windows_line_ends_and_a_byte_order_mark(self):
        self.expect('\ufeffif True:\r\n    1\r\n2', '1\n2\n')

    def test_runs_decorators_classes_and_one_line_blocks(self):
        self.expect('def d(f): return f\n@d\n@d\ndef g(): return 5\ng()', '5\n')
        self.expect('for i in (1, 2): i', '1\n2\n')
        self.expect('x = """a\n\nb"""; x', "'a\\n\\nb'\n")
        self.expect('a = "#"; a', "'#'\n")

    def test_keeps_future_features(self):
        self.expect('from __future__ import annotations\ndef f(a: nothing): pass')
        self.expect('def g(a: nothing): pass\ng.__annotations__', "{'a': 'nothing'}\n")

    # Settings

    def test_adopts_settings_before_the_first_run(self):
        # Without a locale the interpreter would add one, which stays (see the next test).
        self.repl = self.start(env={'LC_ALL': 'C.UTF-8'})
        os.mkdir(os.path.join(self.directory, 'sub'))
        values = {b'A': b'1', b'B': b'two words', b'BYTES': b'\xff=', b'EMPTY': b'',
                  b'LONG': b'x' * 100000}
        self.repl.adopt(os.path.join(self.directory, 'sub').encode(), values)
        self.expect('import os\nos.getcwd().endswith("/sub"), dict(os.environb) == %r' % values,
                    '(True, True)\n')
        self.expect('_ = os.system("echo $A $B")', '1 two words\n')

    def test_keeps_the_locale_that_it_has_given_itself(self):
        environment = {'LANG': 'C', 'LC_ALL': '', 'PATH': os.environ['PATH']}
        self.repl = self.start(env=environment)
        self.repl.adopt(self.directory.encode(), {b'LANG': b'C', b'LC_ALL': b'', b'A': b'1'})
        self.expect('import os\nos.environ["LC_CTYPE"], os.environ["A"]', "('C.UTF-8', '1')\n")

    def test_practice_leaves_no_trace(self):
        code = 'import linecache, sys\nsorted(vars()), sorted(sys.modules), list(linecache.cache)'
        expected = self.run_code(code).out
        repl = self.start()
        for practice, verdict in (("print(*(lambda: 'x')())", 'S'),
                                  ("__import__('linecache') and None", 'S'),
                                  ('1 / 0', 'E'), ("print('y')", 'S')):
            self.assertEqual(repl.run(practice, bits=PRACTICE).verdict, verdict)
        answer = repl.run(code)
        self.assertEqual((answer.out, answer.err), (expected, b''))

    def run_with_pipes_ahead(self, code):
        """What comes of it, the first run of an interpreter that is then the test's."""
        self.repl = self.start()
        self.repl.run('1', bits=PRACTICE)
        out, err = self.repl.send('', bits=PRACTICE)
        self.repl.control.sendall(struct.pack('<I', len(code)) + code.encode())
        try:
            return self.repl.collect(out, err)
        finally:
            os.close(out), os.close(err)

    def test_takes_the_pipes_of_the_first_run_ahead(self):
        code = "import os, sys\nprint(os.listdir('/proc/self/fd')), print(2, file=sys.stderr)"
        first = self.run_with_pipes_ahead(code)
        self.assertEqual((first.verdict, first.err), ('S', b'2\n'))
        later = self.repl.run(code)
        self.assertEqual((first.out, first.err), (later.out, later.err))

    def test_prints_to_no_file_of_the_users_when_there_is_no_room_for_pipes(self):
        path = self.file('file')
        taken = self.run_with_pipes_ahead(
            'import os, resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\nfds = []\n'
            'try:\n    while True: fds.append(os.open(%r, os.O_RDWR))\nexcept OSError: pass' % path)
        self.assertEqual((taken.verdict, taken.err), ('S', b''))
        self.assertEqual(self.repl.run("print('lost')").verdict, '')
        self.assertEqual(os.path.getsize(path), 0)

    def test_a_folder_it_cannot_enter_ends_it(self):
        self.repl.control.sendall(self.repl.settings(b'/dev/null/x', {}))
        self.assertEqual(self.repl.process.wait(DEADLINE_SECONDS), 70)

    # Renewal

    def test_draws_other_numbers_when_it_is_a_copy(self):
        draw = 'import random, ssl\nrandom.random()'
        first = []
        for renews in False, False, True, True:
            repl = self.start()
            repl.run('import random, ssl\nrandom.seed(1)\nx = 7')
            if renews:
                repl.renew()
            answer = repl.run(draw)
            self.assertEqual(answer.err, b'')
            first.append(answer.out)
            self.assertEqual(repl.run('x').out, b'7\n')
        self.assertEqual(first[0], first[1])
        self.assertEqual(len(set(first)), 3, first)

    def test_renewal_leaves_no_trace_and_survives_what_was_broken(self):
        code = 'import sys\nsorted(vars()), sorted(sys.modules)'
        names = self.run_code(code).out
        repl = self.start()
        repl.renew()
        self.assertEqual(repl.run(code).out, names)
        repl.run('import random\ndel random._inst')
        repl.renew()
        self.assertEqual(repl.run('1').out, b'1\n')

    # Errors

    def test_prints_tracebacks_as_the_interactive_interpreter(self):
        self.expect('1/0', '', traceback_of(AT_LINE % 1, 'ZeroDivisionError: division by zero'),
                    'E')

    def test_stops_at_the_first_exception(self):
        self.expect("print('a')\n1/0\nprint('b')", 'a\n',
                    traceback_of(AT_LINE % 2, 'ZeroDivisionError: division by zero'), 'E')

    def test_runs_nothing_of_what_does_not_compile(self):
        answer = self.run_code("print('a')\nx = = 1")
        self.assertEqual((answer.out, answer.verdict), (b'', 'E'))
        self.assertTrue(answer.err.startswith(b'  File "<stdin>", line 2\n    x = = 1\n'), answer)
        self.assertTrue(answer.err.endswith(b'SyntaxError: invalid syntax\n'), answer)
        answer = self.run_code("print('a')\n\nreturn 5")
        self.assertEqual((answer.out, answer.verdict), (b'', 'E'))
        self.assertTrue(answer.err.startswith(b'  File "<stdin>", line 3\n    return 5\n'), answer)

    def test_shows_only_frames_of_user_code(self):
        self.expect('def f():\n    raise KeyError(1)')
        self.expect('try:\n    f()\nexcept KeyError as e:\n    raise ValueError(2) from e', '',
                    traceback_of(AT_LINE % 2, '  File "<stdin>", line 2, in f', 'KeyError: 1', '',
                                 'The above exception was the direct cause of the following '
                                 'exception:', '') +
                    traceback_of(AT_LINE % 4, 'ValueError: 2'), 'E')
        answer = self.run_code('import sys\nraise sys.last_value')
        self.assertNotIn(b'msb', answer.err)
        self.assertNotIn(b'<string>', answer.err)

    def test_shows_exception_groups_without_the_driver(self):
        if b'True' not in self.run_code("hasattr(__builtins__, 'ExceptionGroup')").out:
            self.skipTest('Python has none before 3.11')
        answer = self.run_code('def f():\n    raise KeyError(1)\nerrors = []\ntry: f()\n'
                               'except KeyError as e: errors.append(e)\n'
                               'raise ExceptionGroup("both", errors)')
        self.assertIn(b'ExceptionGroup: both', answer.err)
        self.assertNotIn(b'<string>', answer.err)
        self.assertNotIn(b'msb', answer.err)

    def test_reports_what_cannot_be_compiled_at_all(self):
        for code in (b'x = "\xff"', b'a\0b', b'(' * 5000):
            answer = self.run_code(code)
            self.assertEqual(answer.verdict, 'E')
            self.assertIn(b'Error', answer.err)
        self.expect('1', '1\n')

    def test_survives_recursion_and_memory_errors(self):
        answer = self.run_code('def f(): return f()\nf()')
        self.assertIn(b'RecursionError', answer.err)
        answer = self.run_code('"x" * (1 << 62)')
        self.assertTrue(answer.err.endswith(b'MemoryError\n'), answer)
        self.expect('1', '1\n')

    def test_works_at_a_low_recursion_limit(self):
        self.run_code('import sys\nfor n in range(4, 60):\n'
                      '    try: sys.setrecursionlimit(n); break\n    except RecursionError: pass')
        self.assertEqual(self.run_code('1/0').verdict, 'E')
        self.assertEqual(self.run_code('import sys; sys.setrecursionlimit(1000)').verdict, 'S')
        self.expect('2', '2\n')

    def test_honours_an_excepthook_and_survives_a_broken_one(self):
        self.expect('import sys\nsys.excepthook = lambda t, v, tb: print("hook", t.__name__)')
        self.expect('1/0', 'hook ZeroDivisionError\n', '', 'E')
        self.expect('def hook(t, v, tb): raise KeyError("hook")\nsys.excepthook = hook')
        answer = self.run_code('1/0')
        self.assertIn(b'Error in sys.excepthook:', answer.err)
        self.assertIn(b"KeyError: 'hook'", answer.err)
        self.assertIn(b'Original exception was:', answer.err)
        self.assertIn(b'ZeroDivisionError', answer.err)

    def test_output_and_traceback_keep_their_order(self):
        answer = self.run_code("import sys\nprint('a', end='')\nprint('b', file=sys.stderr)\n"
                               "print('c', end='')\n1/0", one_pipe=True)
        # As on a terminal: a line that is not ended is written when it is flushed.
        self.assertTrue(answer.out.startswith(b'b\nacTraceback'), answer)

    # What user code sees

    def test_main_is_a_real_and_clean_module(self):
        self.expect("import sys; sorted(n for n in dir() if n[:2] != '__')", "['sys']\n")
        self.expect("__name__, sys.modules['__main__'].__dict__ is globals()",
                    "('__main__', True)\n")
        self.expect('import pickle, dataclasses\n@dataclasses.dataclass\nclass P:\n    x: int\n'
                    'pickle.loads(pickle.dumps(P(3)))', 'P(x=3)\n')

    def test_shows_nothing_of_the_driver(self):
        self.expect("import sys, os\nsys.argv, sys.path[0], 'MSB_REPL_FD' in os.environ, sys.ps1",
                    "([''], '', False, '')\n")
        self.expect("[m for m in sys.modules if 'msb' in m]", '[]\n')
        self.expect("sys.exc_info()", '(None, None, None)\n')
        self.expect("len(open('/proc/self/cmdline').read()) < 1000", 'True\n')
        self.expect('import signal\nsignal.getsignal(signal.SIGINT) is signal.default_int_handler',
                    'True\n')

    def test_children_inherit_no_descriptor(self):
        answer = self.run_code("import os; os.system('ls /proc/self/fd | tr \"\\n\" \" \"')")
        self.assertEqual(answer.out, b'0 1 2 3 0\n')  # 3 is the directory

    def test_inspect_finds_the_source_of_every_submission(self):
        self.expect("def f():\n    return 'first'")
        self.expect("def g():\n    return 'second'\nimport inspect")
        self.expect('print(inspect.getsource(f) + inspect.getsource(g))',
                    "def f():\n    return 'first'\ndef g():\n    return 'second'\n\n")
        self.expect("f.__code__.co_filename == '<stdin>'", 'True\n')

    def test_imports_from_the_working_directory(self):
        self.file('local_module.py', 'x = 7')
        self.expect('import local_module; local_module.x', '7\n')
        os.mkdir(os.path.join(self.directory, 'sub'))
        self.expect("import os; os.chdir('sub'); open('other_module.py', 'w').write('y = 8')",
                    '5\n')
        self.expect('import other_module; other_module.y', '8\n')

    def test_stdin_is_at_its_end(self):
        self.expect("input('name? ')", 'name? ', traceback_of(
            AT_LINE % 1, 'EOFError: EOF when reading a line'), 'E')
        self.expect('import sys; sys.stdin.read()', "''\n")

    def test_top_level_await(self):
        self.needs_await()
        self.expect('import asyncio\nx = await asyncio.sleep(0, 5)\nx\nawait asyncio.sleep(0, 6)',
                    '5\n6\n')
        self.expect('async def f(): raise KeyError(1)\nawait f()', '', traceback_of(
            AT_LINE % 2, '  File "<stdin>", line 1, in f', 'KeyError: 1'), 'E')
        self.expect('async def g(): return 7\nasyncio.run(g())', '7\n')
        answer = self.run_code("print('waits')\nawait asyncio.sleep(1000)",
                               self.interrupt_at(b'waits'))
        self.assertEqual(answer.verdict, 'I')
        self.assertIn(b'KeyboardInterrupt\n', answer.err)
        self.assertNotIn(b'Task', answer.err)
        self.expect('await asyncio.sleep(0, 8)', '8\n')

    def needs_await(self):
        if b'True' not in self.run_code('import sys; sys.version_info >= (3, 8)').out:
            self.skipTest('Python 3.7 cannot compile it')

    def test_asyncio_tasks_go_on_between_runs(self):
        self.needs_await()
        fifo = self.fifo('fifo')
        self.expect("import asyncio\nasync def later():\n    await asyncio.sleep(0.001)\n"
                    "    print('nobody sees this')\n    open('fifo', 'w').write('done')\n"
                    "async def begin():\n    return asyncio.ensure_future(later())\n"
                    "task = await begin()")
        self.assertEqual(read_fifo(fifo), 'done')
        self.expect('await task\n1', '1\n')

    # Output

    def test_printing_never_fails(self):
        self.expect("print('\\udcff \\ud800 \\xe9 \\U0001f600')",
                    '\udcff \\ud800 \xe9 \U0001f600\n')
        self.expect("import sys\nprint('\\udcff', file=sys.stderr)", '', '\\udcff\n')
        self.expect("'\\ud800'", "'\\ud800'\n")

    def test_passes_bytes_and_unfinished_lines(self):
        answer = self.run_code("import sys\nn = sys.stdout.buffer.write(b'\\xff\\0\\xfe')\n"
                               "print('x', end='')")
        self.assertEqual(answer.out, b'\xff\0\xfex')

    def test_passes_large_output(self):
        answer = self.run_code("for i in range(100000): print(i)")
        self.assertEqual(answer.out, b''.join(b'%d\n' % i for i in range(100000)))
        answer = self.run_code("print('y' * 20_000_000)")
        self.assertEqual(len(answer.out), 20_000_001)

    def test_passes_output_of_children_and_of_c(self):
        self.expect("import os, subprocess\nprint('1')\n_ = os.system('echo 2; echo 3 >&2')\n"
                    "_ = subprocess.run(['echo', '4'])\nprint('5')", '1\n2\n4\n5\n', '3\n')
        self.expect("import ctypes\n_ = ctypes.CDLL(None).printf(b'no newline')", 'no newline')

    def test_a_background_child_does_not_hold_the_run(self):
        answer = self.run_code("import subprocess\np = subprocess.Popen(['sleep', '1000'])\np.pid")
        pid = int(answer.out)
        self.assertEqual(answer.verdict, 'S')
        self.expect('1', '1\n')
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(self.run_code('p.wait()').out, b'-9\n')

    def test_output_between_runs_is_nobodys(self):
        go, done = self.fifo('go'), self.fifo('done')
        self.expect("import threading, os\ndef late():\n    open('go').read(1)\n"
                    "    print('late line')\n    print('late part', end='')\n"
                    "    os.write(1, b'raw')\n    open('done', 'w').write('done')\n"
                    "threading.Thread(target=late, daemon=True).start()")
        with open(go, 'r+b', buffering=0) as file:
            file.write(b'!')  # stays open until the thread has taken it
            self.assertEqual(read_fifo(done), 'done')
        self.expect("print('mine')", 'mine\n')

    def test_a_reader_that_left_does_not_spoil_the_next_run(self):
        out, err = self.repl.send("import sys, time\nopen('begun', 'w').close()\n"
                                  "try:\n    while True: print('x' * 100)\n"
                                  "except BrokenPipeError: pass\nprint('rest', end='')")
        os.close(out)
        answer = self.repl.collect(err, os.dup(err))
        self.assertEqual(answer.verdict, 'S', answer)
        os.close(err)
        self.expect("print('clean')", 'clean\n')

    # User code that breaks things

    def test_streams_may_be_closed_replaced_or_deleted(self):
        for code in ('sys.stdout.close()', 'sys.stderr.close()', 'os.close(1); os.close(2)',
                     'os.close(0)', 'del sys.stdout', 'b = sys.stdout.detach()',
                     'sys.stdout = open("file", "w"); sys.stdout.close()', 'sys.stdin.close()',
                     'sys.stdout.buffer.close()', 'sys.stdout.close(); os.close(1)',
                     'os.closerange(0, 3)', 'exec("try: exit()\\nexcept SystemExit: pass")'):
            answer = self.run_code('import os, sys\nprint("a")\n' + code)
            self.assertEqual(answer.verdict, 'S', code)
            answer = self.run_code("print('b'); import sys; print('c', file=sys.stderr)\ninput()")
            self.assertEqual((answer.out, answer.err[:2]), (b'b\n', b'c\n'), code)
            self.assertIn(b'EOFError', answer.err)

    def test_a_replaced_stdout_stays_and_is_flushed(self):
        self.expect("import io, sys\nreal = sys.stdout\nsys.stdout = io.StringIO()\nprint('kept')")
        self.expect('text = sys.stdout.getvalue()\nsys.stdout = real\ntext', "'kept\\n'\n")
        self.expect("sys.stdout = io.TextIOWrapper(real.buffer, write_through=False)\n"
                    "print('wrapped', end='')", 'wrapped')

    def test_the_control_socket_survives_closerange(self):
        self.expect('import os\nos.closerange(3, 1000)')
        self.expect('1', '1\n')

    def test_its_own_null_may_be_closed(self):
        self.expect('import os\nos.close(1022)')
        self.expect("import time, threading\ndef later():\n"
                    "    while not os.path.exists('go'): time.sleep(0.01)\n"
                    "    print('lost'); open('gone', 'w').close()\n"
                    "t = threading.Thread(target=later); t.start(); print('a')", 'a\n')
        open(os.path.join(self.directory, 'go'), 'w').close()
        wait_until(lambda: os.path.exists(os.path.join(self.directory, 'gone')))
        self.expect("t.join(); print('b')", 'b\n')

    def test_a_closed_stdin_is_empty_in_the_next_run(self):
        self.expect('import os\nos.close(0)')
        self.expect("os.readlink('/proc/self/fd/0')", "'/dev/null'\n")
        self.expect('os.read(0, 1)', "b''\n")

    def test_closing_everything_ends_the_interpreter(self):
        self.assertEqual(self.run_code('import os\nos.closerange(3, 65536)').verdict, '')
        self.assertIsNotNone(self.repl.process.wait(DEADLINE_SECONDS))

    def test_survives_sabotage(self):
        self.expect('del __builtins__')
        self.expect('print(1)', '1\n')
        self.expect('import sys, os, builtins, _io\nos.dup2 = os.read = os.open = None\n'
                    'sys.settrace = sys.gettrace = None\nbuiltins.compile = builtins.eval = None\n'
                    'builtins.isinstance = builtins.len = None')
        self.expect('print(2)\nif True:\n    3', '2\n3\n')
        self.expect('x = sys.modules.clear()')
        self.expect('x = print(4)', '4\n')
        self.assertEqual(self.run_code('1/0').verdict, 'E')
        self.expect('x = builtins.__dict__.clear()')
        self.assertEqual(self.run_code('print').verdict, 'E')
        self.assertEqual(self.run_code('x = 5').verdict, 'S')

    def test_traces_and_profiles_leave_the_driver_alone(self):
        self.expect("import sys\nseen = []\ndef note(frame, event, arg):\n"
                    "    seen.append(frame.f_code.co_filename)\nsys.settrace(note)")
        self.expect('def f(): pass\nf()')
        self.expect("sys.settrace(None)\nlen(seen) > 2, set(map(str, seen))",
                    "(True, {'<stdin>'})\n")
        self.expect("sys.setprofile(note)\nx = 1")
        self.expect("sys.getprofile() is note; sys.setprofile(None)", 'True\n')
        self.expect('def bad(frame, event, arg): raise KeyError("trace")\nsys.settrace(bad)')
        self.assertEqual(self.run_code('1').verdict, 'E')
        self.assertEqual(self.run_code('1').verdict, 'S')

    # Interruption

    def test_sigint_interrupts(self):
        for code, line in (('while True: pass', 2), ('import time\ntime.sleep(1000)', 3),
                           ('for i in range(10**12):\n    try: pass\n    finally: pass', 2)):
            answer = self.run_code("print('begins')\n" + code, self.interrupt_at(b'begins'))
            self.assertEqual(answer.verdict, 'I', answer)
            self.assertTrue(answer.err.endswith(b'KeyboardInterrupt\n'), answer)
            self.assertNotIn(b'<string>', answer.err)
        self.expect("'alive'", "'alive'\n")

    def test_sigint_between_runs_is_nothing(self):
        for _ in range(20):
            self.repl.interrupt()
            self.assertIn(self.run_code('x = 1').verdict, 'SI')
        self.expect('1', '1\n')

    def test_a_handler_of_user_code_is_honoured_and_stays(self):
        self.expect("import signal, time\nold = signal.signal(signal.SIGINT, "
                    "lambda *_: setattr(signal, 'done', 1))")
        answer = self.run_code("print('begins')\nwhile not hasattr(signal, 'done'): pass\n"
                               "print('handled')", self.interrupt_at(b'begins'))
        self.assertEqual((answer.verdict, answer.out), ('S', b'begins\nhandled\n'))

    def test_a_handler_that_raises_between_runs_is_survived(self):
        self.run_code("import signal\ndef alarm(*_):\n    open('rang', 'w').close()\n"
                      "    raise TimeoutError\n_ = signal.signal(signal.SIGALRM, alarm)\n"
                      "_ = signal.setitimer(signal.ITIMER_REAL, 0.001)\n")
        wait_until(lambda: os.path.exists(os.path.join(self.directory, 'rang')))
        self.expect('1', '1\n')

    # Processes and threads

    def test_a_fork_that_comes_back_does_not_answer(self):
        answer = self.run_code("import os\npid = os.fork()\nif pid == 0: print('child')\n"
                               "else: _ = os.waitpid(pid, 0); print('parent')")
        self.assertEqual((answer.verdict, answer.out), ('S', b'child\nparent\n'))
        self.expect('1', '1\n')
        self.expect("pid = os.fork()\nif pid == 0: raise SystemExit(9)\n"
                    "os.waitpid(pid, 0)[1] >> 8", '9\n')
        self.expect('2', '2\n')

    def test_multiprocessing_forks(self):
        self.expect("import multiprocessing\ndef f(x): return x * x\n"
                    "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
                    "    print(pool.map(f, range(4)))", '[0, 1, 4, 9]\n')

    def test_threads_print(self):
        self.expect("import threading\nt = threading.Thread(target=print, args=('thread',))\n"
                    "t.start(); t.join()", 'thread\n')
        answer = self.run_code("t = threading.Thread(target=lambda: 1/0)\nt.start(); t.join()")
        self.assertIn(b'ZeroDivisionError', answer.err)
        self.assertEqual(answer.verdict, 'S')

    # The end

    def test_exit_gives_the_code(self):
        for code, status, err in (('exit()', 0, ''), ('quit(2)', 2, ''), ('exit(256)', 0, ''),
                                  ('raise SystemExit(-1)', 255, ''), ('exit(True)', 1, ''),
                                  ('import sys; sys.exit("why")', 1, 'why\n')):
            repl = self.start()
            answer = repl.run('print("bye", end="")\n' + code)
            got = (answer.verdict, answer.code, answer.out, answer.err.decode())
            self.assertEqual(got, ('X', status, b'bye', err), code)
            self.assertEqual(repl.process.wait(DEADLINE_SECONDS), status, code)
        self.assertEqual(self.run_code('exit(10**30)').verdict, 'X')

    def test_exit_runs_handlers_and_writes_files(self):
        answer = self.run_code("import atexit\n_ = atexit.register(print, 'at exit')\n"
                               "f = open('file', 'w'); _ = f.write('content')\nexit()")
        self.assertEqual((answer.verdict, answer.out), ('X', b'at exit\n'))
        with open(os.path.join(self.directory, 'file')) as file:
            self.assertEqual(file.read(), 'content')

    def test_exit_is_not_held_up_for_ever(self):
        answer = self.run_code("import threading, time\n"
                               "threading.Thread(target=time.sleep, args=(1000,)).start()\nexit(4)")
        self.assertEqual((answer.verdict, answer.code), ('X', 4))
        self.assertEqual(self.repl.process.wait(DEADLINE_SECONDS), -signal.SIGALRM)

    def test_sudden_death_has_no_verdict(self):
        for code in 'os._exit(3)', 'os.kill(os.getpid(), 9)', 'os.abort()':
            self.assertEqual(self.start().run('import os; ' + code).verdict, '')

    def test_ends_with_the_agent(self):
        self.repl.control.close()
        self.repl.process.wait(DEADLINE_SECONDS)

    # The channel

    def test_takes_requests_before_it_is_ready_in_pieces_and_large(self):
        repl = self.interpreter(self.directory)
        self.addCleanup(repl.close)
        out, err = repl.send("print('early')")
        repl.ready()
        self.assertEqual(repl.collect(out, err).out, b'early\n')
        os.close(out), os.close(err)
        self.assertEqual(repl.run("print('pieces')", pieces=1).out, b'pieces\n')
        self.assertEqual(repl.run("x = '''%s'''\nlen(x)" % ('z' * 3_000_000)).out, b'3000000\n')

    def test_leaks_no_descriptor(self):
        count = "import os; len(os.listdir('/proc/self/fd'))"
        before = self.run_code(count).out
        for _ in range(50):
            self.run_code('x = 1')
        self.assertEqual(self.run_code(count).out, before)

    def test_runs_precompiled(self):
        path = os.path.join(self.directory, 'precompiled')
        subprocess.run([PYTHON, os.path.join(HERE, 'precompile.py'),
                        os.path.join(HERE, 'python_driver.py'), path], check=True)
        with open(path, 'rb') as file:
            blob = file.read()
        foreign = blob.split(b' :#\n', 2)
        foreign[2] = b'\0\0\r\n' + foreign[2][4:]
        for driver in blob, b' :#\n'.join(foreign):
            repl = self.start(driver=driver)
            self.assertEqual(repl.run('6 * 7').out, b'42\n')
            self.assertEqual(repl.run('if True: 1/0').err.decode(), traceback_of(
                AT_LINE % 1, 'ZeroDivisionError: division by zero'))


if __name__ == '__main__':
    unittest.main()
