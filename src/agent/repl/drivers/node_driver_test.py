#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the Node.js REPL driver with a real interpreter: MSB_TEST_NODE, else `node`."""
import os
import shutil
import signal
import socket
import struct
import subprocess
import unittest

from driver_testing import DEADLINE_SECONDS, HERE, DriverTest, Interpreter, PRACTICE, read_fifo, text_of

NODE = os.environ.get('MSB_TEST_NODE') or shutil.which('node')


class Node(Interpreter):
    def __init__(self, directory):
        super().__init__([NODE, '-e', text_of('node_bootstrap.js').decode()],
                         text_of('node_driver.js'), directory, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)

    def send(self, code, bits=0):
        code = code.encode()
        self.control.sendall(struct.pack('<I', len(code) | bits) + code)

    def answer(self, on_output=None):
        return self.collect(self.process.stdout.fileno(), self.process.stderr.fileno(), on_output)

    def run(self, code, on_output=None, bits=0):
        self.send(code, bits)
        return self.answer(on_output)


@unittest.skipUnless(NODE, 'no node on this host')
class NodeDriver(DriverTest):
    interpreter = Node
    INTERRUPTED = 'Uncaught Error: Script execution was interrupted by `SIGINT`\n'

    # What is echoed

    def test_echoes_completion_values(self):
        for code, out in (('1+1', '2'), ("'a'", "'a'"), ('[1,2,3]', '[ 1, 2, 3 ]'), ('-0', '-0'),
                          ('null', 'null'), ('10n', '10n'), ('NaN', 'NaN'),
                          ('Symbol("s")', 'Symbol(s)'), ('if (true) { 5 }\nelse { 6 }', '5'),
                          ('new Proxy({}, {})', 'Proxy [ {}, {} ]'),
                          ('Promise.resolve(3)', 'Promise { 3 }'),
                          ('(x) => x', '[Function (anonymous)]')):
            self.expect(code, out + '\n')
        for code in 'undefined', 'var v = 3', '', '// comment', 'function f() {}':
            self.expect(code)

    def test_reads_object_literals(self):
        self.expect('{a:1}', '{ a: 1 }\n')
        self.expect('  {a: 1,\n b: await 2}', '{ a: 1, b: 2 }\n')
        self.expect('{ let z = 3; z }', '3\n')
        self.expect('{}', '{}\n')

    def test_lines_may_begin_anyhow(self):
        self.expect('[3,1,2]\n.sort()\n.map(x => x * 2)', '[ 2, 4, 6 ]\n')
        self.expect("let t = '';\nif (false) {\n  t = 'a';\n}\nelse {\n  t = 'b';\n}\nt", "'b'\n")
        self.expect('.5\n+ 1', '1.5\n')

    def test_state_lasts(self):
        self.expect('const a = 2; let b = 3; class C {}; var d = 4;'
                    'function f() { return a + b + d; }')
        self.expect('f()', '9\n')
        self.expect('b = 10; f()', '16\n')
        self.expect('new C()', 'C {}\n')
        self.expect('a = 5', '', 'Uncaught TypeError: Assignment to constant variable.\n', 'E')

    def test_declarations_may_be_sent_again(self):
        self.expect('const a = 1; let b = 1; class C {}')
        self.expect('const a = 2; let b = 2; class C { x = 1 }\na + b', '4\n')
        self.expect('const e = (() => { throw 1; })()', '', 'Uncaught 1\n', 'E')
        self.expect('const e = 5; e', '5\n')
        self.expect("const path = require('path'), fs = require('fs'); typeof fs.readFileSync",
                    "'function'\n")

    def test_sets_underscore_and_error(self):
        self.expect('6 * 7', '42\n')
        self.expect('_ + 1', '43\n')
        self.run_code('throw 8')
        self.expect('_error', '8\n')
        self.expect('_ = 1; 5', '5\n')
        self.expect('_', '1\n')

    def test_top_level_await(self):
        self.expect('const x = await Promise.resolve(5)')
        self.expect('x', '5\n')
        self.expect('await new Promise(r => setTimeout(r, 1, 6))', '6\n')
        self.expect('const {p, q: [r]} = await {p: 1, q: [2]}; p + r', '3\n')
        self.expect('for await (const y of [1, 2]) console.log(y)', '1\n2\n')
        self.expect('await Promise.reject(new Error("no"))', '', 'Uncaught Error: no\n', 'E')

    def test_strict_mode(self):
        self.expect('"use strict"; undeclared = 3', '',
                    'Uncaught ReferenceError: undeclared is not defined\n', 'E')

    # Modules

    def test_requires_and_imports_from_the_working_directory(self):
        self.file('c.js', 'module.exports = 5;')
        self.file('m.mjs', 'export default 6; export const seven = 7;')
        self.file('d.json', '{"eight": 8}')
        self.expect("require('./c.js') + require('./d.json').eight", '13\n')
        self.expect("(await import('./m.mjs')).default", '6\n')
        self.expect("const { seven } = await import('./m.mjs')")
        self.expect('seven', '7\n')
        self.expect("import('node:os').then(os => console.log(typeof os.cpus)); undefined",
                    'function\n')
        self.expect('[typeof fs.readFileSync, typeof module, typeof __filename]',
                    "[ 'function', 'object', 'undefined' ]\n")
        self.assertIn(b"Cannot find module './no.js'", self.run_code("require('./no.js')").err)

    def test_knows_import_from_what_looks_like_it(self):
        self.file('m.mjs', 'export default 6;')
        self.expect("'import(x)' + `import(${1})` + /import(x)/.source /* import(y) */",
                    "'import(x)import(1)import(x)'\n")
        self.expect('const o = { import(x) { return x; } }; o.import(3)', '3\n')
        self.expect("class K { static import(x) { return x; } }\n"
                    "K.import((await import('./m.mjs')).default)", '6\n')

    def test_explains_import_statements(self):
        answer = self.run_code("import fs from 'fs'")
        self.assertEqual(answer.verdict, 'E')
        self.assertIn(b'use await import() or require()', answer.err)

    # Errors

    def test_reports_uncaught_errors_as_the_repl(self):
        for code, shown in (('nope', 'ReferenceError: nope is not defined'), ('throw 5', '5'),
                            ("throw new Error('boo')", 'Error: boo'), ('throw null', 'null'),
                            ('throw { a: 1 }', '{ a: 1 }'),
                            ("throw Object.assign(new Error('x'), { code: 5 })",
                             '[Error: x] { code: 5 }')):
            self.expect(code, '', 'Uncaught %s\n' % shown, 'E')

    def test_shows_only_frames_of_user_code(self):
        self.expect("function f() { throw new Error('in f'); }")
        self.expect('f()', '', 'Uncaught Error: in f\n    at f (REPL1:1:22)\n', 'E')
        self.expect('1;\nf()', '',
                    'Uncaught Error: in f\n    at f (REPL1:1:22)\n    at REPL3:2:1\n', 'E')
        self.expect('try { f() } catch (e) { console.log(e.stack) }',
                    'Error: in f\n    at f (REPL1:1:22)\n    at REPL4:1:7\n')
        answer = self.run_code("Buffer.alloc('x')")
        self.assertIn(b'Uncaught TypeError [ERR_INVALID_ARG_TYPE]: The "size" arg', answer.err)
        for word in b'msb', b'inspector', b'node:vm':
            self.assertNotIn(word, answer.err)

    def test_marks_syntax_errors(self):
        answer = self.run_code('foo bar')
        self.assertEqual(answer.verdict, 'E')
        self.assertTrue(answer.err.startswith(
            b'foo bar\n    ^^^\n\nUncaught SyntaxError: Unexpected identifier'), answer)
        answer = self.run_code("console.log('nothing runs')\nlet 5")
        self.assertEqual(answer.out, b'')
        self.assertTrue(answer.err.startswith(
            b'REPL2:2\nlet 5\n    ^\n\nUncaught SyntaxError'), answer)
        answer = self.run_code("JSON.parse('{')")
        self.assertTrue(answer.err.startswith(b'Uncaught SyntaxError: '), answer)

    def test_survives_values_that_cannot_be_shown(self):
        bad = "{ [util.inspect.custom]() { throw new Error('inspect'); } }"
        self.assertEqual(self.run_code('(%s)' % bad).verdict, 'E')
        self.assertEqual(self.run_code('throw ' + bad).verdict, 'E')
        self.expect('1', '1\n')

    def test_reports_rejections_and_goes_on(self):
        answer = self.run_code("Promise.reject(new Error('mine'))")
        self.assertEqual(answer.verdict, 'E')
        self.assertIn(b'Uncaught Error: mine\n', answer.err)
        answer = self.run_code("(async () => { await null; throw new Error('other'); })(); 1")
        self.assertEqual((answer.verdict, answer.out), ('S', b'1\n'))
        self.assertIn(b'Uncaught Error: other\n', answer.err)

    def test_reports_errors_of_earlier_runs_and_goes_on(self):
        fifo = self.fifo('thrown')
        first = self.run_code("setTimeout(() => { setImmediate(fs.writeFileSync, 'thrown', 'yes');"
                              " throw new Error('timer'); }, 1); undefined")
        self.assertEqual(read_fifo(fifo), 'yes')
        answer = self.run_code('7')
        self.assertEqual((answer.verdict, answer.out), ('S', b'7\n'))
        self.assertIn(b'Uncaught Error: timer\n    at Timeout._onTimeout (REPL1:',
                      first.err + answer.err)

    # Settings

    def test_adopts_settings_before_the_first_run(self):
        os.mkdir(os.path.join(self.directory, 'sub'))
        self.repl.adopt(os.path.join(self.directory, 'sub').encode(),
                        {b'A': b'1', b'B': b'two = words', b'EMPTY': b'', b'LONG': b'x' * 100000})
        self.expect('process.cwd().endsWith("/sub")', 'true\n')
        self.expect('Object.keys(process.env).join()', "'A,B,EMPTY,LONG'\n")
        self.expect('[process.env.B, process.env.LONG.length]', "[ 'two = words', 100000 ]\n")

    def test_practice_leaves_no_trace(self):
        code = "[Object.getOwnPropertyNames(globalThis).length, typeof _, require('util').inspect(_)]"
        expected = self.run_code(code).out
        repl = self.start()
        for practice, verdict in ("['x']", 'S'), ('throw 3', 'E'), ("['y']", 'S'):
            self.assertEqual(repl.run(practice, bits=PRACTICE).verdict, verdict)
        answer = repl.run(code)
        self.assertEqual((answer.out, answer.err), (expected, b''))
        self.assertIn(b'REPL2:1', repl.run("new Error('x').stack.split('\\n')[1]").out)

    # Renewal

    def addon(self):
        path = os.path.join(self.directory, 'renewal.node')
        subprocess.run(['cc', '-fPIC', '-fno-stack-protector', '-nostdlib', '-shared', '-o', path,
                        os.path.join(HERE, 'node_renewal.c')], check=True)
        with open(path, 'rb') as file:
            return file.read()

    def test_draws_other_numbers_when_it_is_a_copy(self):
        # That OpenSSL is seeded cannot be seen from one process; that Node's stock is used up can.
        self.expect("const {randomInt, randomUUID} = require('crypto'); const x = 7; void randomUUID()", "")
        self.repl.renew(self.addon())
        answer = self.run_code("[x, Math.random.name, Math.random() === Math.random(), Math.random() < 1,"
                               " Object.keys(Math).length]")
        self.assertEqual((answer.out, answer.err), (b"[ 7, 'random', false, true, 0 ]\n", b''))
        self.assertEqual([name for name in os.listdir('/tmp') if name.startswith('msb-')
                          and os.path.exists('/tmp/%s/renewal.node' % name)], [])
        self.repl.renew(self.addon())  # a copy of a copy
        self.expect('x', '7\n')

    def test_ends_when_it_cannot_be_renewed(self):
        self.repl.control.sendall(struct.pack('<I', 1 << 30 | 4) + b'junk')
        self.assertEqual(self.repl.process.wait(DEADLINE_SECONDS), 70)

    # Output

    def test_keeps_the_streams_apart(self):
        self.expect("console.log('out'); console.error('err'); process.stdout.write('no newline')\n"
                    "undefined", 'out\nno newline', 'err\n')

    def test_passes_bytes_and_large_output(self):
        answer = self.run_code("process.stdout.write(Buffer.from([255, 0, 254])); undefined")
        self.assertEqual(answer.out, b'\xff\0\xfe')
        answer = self.run_code('for (let i = 0; i < 100000; i++) console.log(i)')
        self.assertEqual(answer.out, b''.join(b'%d\n' % i for i in range(100000)))
        answer = self.run_code("process.stdout.write('y'.repeat(2e7)); undefined")
        self.assertEqual(len(answer.out), 20_000_000)

    def test_passes_output_of_children(self):
        self.expect("const { execFileSync } = require('child_process');"
                    "execFileSync('sh', ['-c', 'echo 1; echo 2 >&2'], { stdio: 'inherit' });"
                    "undefined", '1\n', '2\n')
        # A child that makes the shared pipe non-blocking.
        self.expect("execFileSync(process.execPath, ['-e', 'console.log(3)'],"
                    " { stdio: 'inherit' }); undefined", '3\n')
        answer = self.run_code("process.stdout.write('y'.repeat(5e6)); undefined")
        self.assertEqual(len(answer.out), 5_000_000)

    def test_a_background_child_does_not_hold_the_run(self):
        answer = self.run_code("const child = require('child_process').spawn('sleep', ['1000'],"
                               " { stdio: 'inherit' }); child.pid")
        self.assertEqual(answer.verdict, 'S')
        os.kill(int(answer.out), signal.SIGKILL)
        self.expect("child.signalCode ?? (await require('events').once(child, 'exit'))[1]",
                    "'SIGKILL'\n")

    def test_the_streams_cannot_be_closed(self):
        self.expect("process.stdout.end('a\\n'); process.stderr.destroy(); undefined", 'a\n')
        self.expect("console.log('b'); console.error('c')", 'b\n', 'c\n')

    def test_the_console_keeps_nothing_alive(self):
        self.expect("let registry; const freed = new Promise(r => {"
                    " registry = new FinalizationRegistry(r); });"
                    "(() => { const o = { big: 1 }; registry.register(o, 'freed');"
                    " console.debug(o); })()", '{ big: 1 }\n')
        self.expect("require('v8').setFlagsFromString('--expose-gc');"
                    "const gc = require('vm').runInNewContext('gc');"
                    "const timer = setInterval(gc, 5); const what = await freed;"
                    "clearInterval(timer); what", "'freed'\n")

    # The event loop

    def test_timers_and_servers_live_on(self):
        fifo = self.fifo('fifo')
        self.expect("setTimeout(() => fs.writeFileSync('fifo', 'fired'), 1); undefined")
        self.assertEqual(read_fifo(fifo), 'fired')
        answer = self.run_code("const server = require('http').createServer("
                               "(request, response) => response.end('served'));"
                               "await new Promise(r => server.listen(0, '127.0.0.1', r));"
                               "server.address().port")
        with socket.create_connection(('127.0.0.1', int(answer.out)), DEADLINE_SECONDS) as client:
            client.sendall(b'GET / HTTP/1.0\r\n\r\n')
            self.assertIn(b'served', client.makefile('rb').read())

    def test_promises_and_ticks_have_their_turn_in_the_run(self):
        answer = self.run_code("process.nextTick(console.log, 'tick');"
                               "Promise.resolve().then(() => console.log('micro')); 1")
        self.assertEqual(sorted(answer.out.split()), [b'1', b'micro', b'tick'])

    def test_stdin_is_at_its_end(self):
        self.expect("let all = ''; for await (const part of process.stdin) all += part; all",
                    "''\n")

    # Interruption

    def test_sigint_interrupts_a_loop(self):
        answer = self.run_code("const kept = 5; console.log('begins');"
                               "while (true) { try { for (;;); } finally { } }",
                               self.interrupt_at(b'begins'))
        self.assertEqual((answer.verdict, answer.err.decode()), ('I', self.INTERRUPTED))
        self.expect('kept', '5\n')

    def test_sigint_interrupts_waiting(self):
        # Waiting begins after the synchronous part: Node loses a SIGINT just at the end of that.
        answer = self.run_code("await new Promise(setImmediate); console.log('begins');"
                               "await new Promise(r => { globalThis.release = r; });"
                               "console.log('late')", self.interrupt_at(b'begins'))
        self.assertEqual((answer.verdict, answer.err.decode()), ('I', self.INTERRUPTED))
        answer = self.run_code("release(); 'next'")
        self.assertEqual(sorted(answer.out.split()), [b"'next'", b'late'])

    def test_sigint_between_runs_is_nothing(self):
        fifo = self.fifo('fifo')
        self.expect("process.on('SIGINT', () => fs.writeFileSync('fifo', 'seen')); undefined")
        for _ in range(3):
            self.repl.interrupt()
            self.assertEqual(read_fifo(fifo), 'seen')
            self.expect('1', '1\n')

    # The end

    def test_exit_gives_the_code_and_all_output(self):
        answer = self.run_code("process.on('exit', () => console.log('bye'));"
                               "process.stdout.write('y'.repeat(5e6)); process.exit(3)")
        self.assertEqual((answer.verdict, answer.code, len(answer.out)), ('X', 3, 5_000_004))
        self.assertEqual(self.repl.process.wait(DEADLINE_SECONDS), 3)
        answer = self.start().run('await null; process.exitCode = 4; process.exit()')
        self.assertEqual((answer.verdict, answer.code), ('X', 4))

    def test_exit_between_runs_says_nothing(self):
        self.expect('setTimeout(() => process.exit(1), 1); undefined')
        self.assertEqual(self.repl.control.recv(1), b'')

    def test_sudden_death_has_no_verdict(self):
        answer = self.run_code("process.kill(process.pid, 'SIGKILL'); for (;;);")
        self.assertEqual(answer.verdict, '')

    def test_ends_with_the_agent(self):
        self.repl.control.close()
        self.assertEqual(self.repl.process.wait(DEADLINE_SECONDS), 0)

    # What user code sees

    def test_shows_nothing_of_the_driver(self):
        self.expect("'MSB_REPL_FD' in process.env || process.argv.length", '1\n')
        self.expect("Reflect.ownKeys(globalThis).filter(k => /msb/.test(String(k)))", '[]\n')
        self.expect("process.execArgv", '[]\n')

    def test_children_inherit_no_descriptor(self):
        # 3 is the directory.
        self.expect("require('child_process').execFileSync('ls', ['/proc/self/fd']).toString()",
                    "'0\\n1\\n2\\n3\\n'\n")

    def test_takes_requests_before_it_is_ready_in_pieces_and_large(self):
        repl = self.interpreter(self.directory)
        self.addCleanup(repl.close)
        repl.send("console.log('early')")
        repl.ready()
        self.assertEqual(repl.answer().out, b'early\n')
        for byte in struct.pack('<I', 3) + b'1+1':
            repl.control.send(bytes([byte]))
        self.assertEqual(repl.answer().out, b'2\n')
        self.assertEqual(repl.run('"%s".length' % ('z' * 3_000_000)).out, b'3000000\n')
        self.assertEqual(repl.run('\ufeff1').out, b'1\n')

    def test_a_fork_and_a_worker_work(self):
        self.file('child.js', "console.log('child', process.argv[2])")
        self.expect("const child = require('child_process').fork('./child.js', ['x']);"
                    "await new Promise(r => child.on('exit', r)); undefined", 'child x\n')
        self.expect("const { Worker } = require('worker_threads');"
                    "const worker = new Worker(\"require('worker_threads').parentPort"
                    ".postMessage(6 * 7)\", { eval: true });"
                    "await new Promise(r => worker.on('message', r))", '42\n')


if __name__ == '__main__':
    unittest.main()
