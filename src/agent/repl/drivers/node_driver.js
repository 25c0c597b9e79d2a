// SPDX-License-Identifier: Apache-2.0
//
// The Node.js REPL inside the interpreter: runs one submission after the other.
//
// Idea: V8 itself has a REPL mode, the one browsers' consoles use. An inspector session with our
// own process evaluates each submission in it, which gives, without parsing any JavaScript here:
// completion values, top-level await whose declarations persist, and const, let and class that
// persist and may be declared again (Node's own REPL refuses that; who sends a whole cell of code a
// second time wants it to work). What V8 lacks, import() and SIGINT, is added below.
// Node has no dup2, so fds 1 and 2 are the same pipes for life; every write to them is synchronous,
// and all that a run has printed is in the pipes when its verdict is sent.
//
// How the agent starts it: node -e <node_bootstrap.js>, with stdin /dev/null, in environment
// MSB_REPL_FD the number of the control socket (AF_UNIX, STREAM; below 16, as Node makes only those
// close-on-exec), and in that socket, written before exec, u32 length + this file. So the process
// list stays readable, and the first request may follow at once.
//
// The control channel, integers little-endian:
//   driver -> agent  'R' once: ready.
//   agent -> driver  u32 n + n bytes of UTF-8.
//   agent -> driver  u32 2**31 + n, n bytes: settings; before the first code. The working directory,
//                    then the environment's KEY=VALUE, each with a NUL after it. Answered by 'R'.
//   agent -> driver  u32 2**30 + n, n bytes: the machine is a copy; other random numbers, with the
//                    help of this addon (node_renewal.c). Answered by 'R'.
//   agent -> driver  u32 2**31 + 2**30 + n, n bytes: as code, before any, to be forgotten.
//   driver -> agent  'S' ran through | 'E' an exception was not caught |
//                    'I' interrupted by SIGINT |
//                    'X' + i32 exit code: the code asked to exit; the process ends at once.
// Death without a verdict is the verdict when user code crashes. A process that ends between two
// runs (process.exit in a timer) just ends.
//
// The event loop goes on between runs: timers and servers of earlier submissions live. SIGINT ends
// a run that computes before its first await, and one that waits; only what computes without end
// after an await has to be killed.
'use strict';

const fs = require('fs');
const vm = require('vm');
const {Session} = require('inspector');
const {Socket} = require('net');
const {Writable} = require('stream');
const {inspect, types} = require('util');
// User code may rebind any global.
const {Atomics, Buffer, Error, Math, Object, console, process, setImmediate} = globalThis;
const dlopen = process.dlopen.bind(process);

// What a submission's import( becomes. It looks like import, and is as long, so that positions and
// messages stay right; the o is Greek.
const kImport = 'imp\u03bfrt';
const kLaunch = '\0msb';  // name of the driver's global, which is gone before user code runs
const kStockOfUuids = 128;  // as much as Node draws at once
const kStockOfInts = 1024;
const kInspect = Object.freeze({showProxy: true});  // as the REPL's writer

let current = null;  // the run that has no verdict yet
let count = 0;       // of submissions
let last;            // what _ is
let lastError;       // what _error is

// --- Output

const pause = new Int32Array(new SharedArrayBuffer(4));
const {writeSync} = fs;

function write(fd, data) {
  for (let at = 0; at < data.length;) {
    try {
      at += writeSync(fd, data, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') return;  // the reader is gone
      Atomics.wait(pause, 0, 0, 1);         // a child process has made the shared pipe non-blocking
    }
  }
}

const print = (fd, text) => write(fd, Buffer.from(text));

// Node's own streams queue what the pipe does not take, and lose it on process.exit().
class StdStream extends Writable {
  constructor(fd) {
    super({decodeStrings: false, autoDestroy: false, emitClose: false});
    this.fd = fd;
    this._type = 'pipe';
    this._isStdio = true;
  }
  _write(chunk, encoding, done) {
    write(this.fd, typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
    done();
  }
  end(chunk, encoding) {  // as Node's, it cannot be closed
    if (chunk != null && typeof chunk !== 'function') this.write(chunk, encoding);
    return this;
  }
  destroy() {
    return this;
  }
  destroySoon() {}
}

const stdout = new StdStream(1);
const stderr = new StdStream(2);
Object.defineProperty(process, 'stdout', {configurable: true, enumerable: true, get: () => stdout});
Object.defineProperty(process, 'stderr', {configurable: true, enumerable: true, get: () => stderr});

// With an inspector session the global console's methods keep the last 1000 arguments alive.
const plainConsole = new console.Console({stdout, stderr});
for (const [name, method] of Object.entries(plainConsole)) {
  if (typeof method === 'function' && name[0] !== '_') console[name] = method;
}

// --- Evaluation

const session = new Session();
session.connect();

let received;
const sink = (() => {
  globalThis[kLaunch] = (value) => {
    received = value;
  };
  let id;
  session.post(
      'Runtime.evaluate', {expression: `this[${JSON.stringify(kLaunch)}]`}, (_, {result}) => {
        id = result.objectId;
      });
  delete globalThis[kLaunch];
  return id;
})();

// The value behind the inspector's description of it.
function valueOf({objectId, unserializableValue, value}) {
  if (objectId === undefined && unserializableValue === undefined) return value;
  const argument = objectId ? {objectId} : {unserializableValue};
  session.post('Runtime.callFunctionOn', {
    functionDeclaration: 'function(value) { this(value); }',
    objectId: sink,
    arguments: [argument],
  });
  const result = received;
  received = undefined;
  return result;
}

function compiles(code) {
  try {
    new vm.Script(code);
    return true;
  } catch {
    return false;
  }
}

// Like the REPL: what reads as an object literal is one, not a block.
function asExpression(code) {
  if (!/^\s*\{/.test(code) || /;\s*$/.test(code)) return code;
  return compiles(`(async () => (${code}\n))`) ? `(${code}\n)` : code;
}

// V8's REPL mode knows no import(): Node has no say in what the inspector compiles. The compiler
// tells which `import(` are one: those (unlike text in strings, comments or expressions) after
// which a semicolon is an error and before which (unlike methods) `async` is, too.
function withImports(code) {
  const wrapped = (text) => `(async () => {${text}\n})`;
  const pattern = /(?<![\w$.#])import(?=\s*\()/g;
  if (!pattern.test(code) || !compiles(wrapped(code))) return code;
  return code.replace(pattern, (word, at) => {
    const before = code.slice(0, at);
    const after = code.slice(at + word.length);
    const isImport = !compiles(wrapped(`${before}import;${after}`)) &&
        !compiles(wrapped(`${before}async import${after}`));
    return isImport ? kImport : word;
  });
}

Object.defineProperty(globalThis, kImport, {
  value: (specifier, options) => load(specifier, options),
});

// Running the evaluation inside a script is what lets SIGINT break an endless loop.
const launcher = new vm.Script(`this[${JSON.stringify(kLaunch)}]()`, {filename: 'msb:launch'});

function start(code, isPractice) {
  const run = {id: ++count, code, isPractice, waits: false, value: undefined, verdict: 'S'};
  current = run;
  const objectGroup = `msb:${run.id}`;
  let failure;
  const launch = () => {
    delete globalThis[kLaunch];
    const expression = `${withImports(asExpression(code))}\n//# sourceURL=REPL${run.id}`;
    session.post(
        'Runtime.evaluate', {expression, objectGroup, replMode: true, silent: true},
        (error, answer) => {
          if (error)
            failure = error;
          else if (current === run)
            settle(run, answer);
          session.post('Runtime.releaseObjectGroup', {objectGroup});
        });
  };
  Object.defineProperty(globalThis, kLaunch, {value: launch, configurable: true});
  try {
    try {
      launcher.runInThisContext({breakOnSigint: true, displayErrors: false});
    } finally {
      listenAgain();
    }
    run.waits = true;
    if (failure) throw failure;
  } catch (error) {
    if (current !== run) return;
    if (error.code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED') return interrupt(run);
    run.verdict = 'E';
    report(error);
    finish(run);
  }
}

// breakOnSigint ends with the default action for SIGINT, and Node does not notice when user code
// has meanwhile begun to listen.
function listenAgain() {
  const listeners = process.rawListeners('SIGINT');
  if (listeners.length < 2) return;
  process.removeAllListeners('SIGINT');
  for (const listener of listeners) process.on('SIGINT', listener);
}

function interrupt(run) {
  print(2, 'Uncaught Error: Script execution was interrupted by `SIGINT`\n');
  run.verdict = 'I';
  finish(run);
}

// Takes the result. The verdict waits until promises and process.nextTick have had their turn.
function settle(run, {result, exceptionDetails}) {
  try {
    if (exceptionDetails) {
      run.verdict = 'E';
      report(valueOf(exceptionDetails.exception), run, exceptionDetails);
    } else {
      run.value = last = valueOf(result);
      if (last !== undefined) print(1, `${inspect(last, kInspect)}\n`);
    }
  } catch (error) {  // of an inspect function of the user's
    run.verdict = 'E';
    report(error, run);
  }
  setImmediate(finish, run);
}

function finish(run) {
  if (current !== run) return;
  current = null;
  if (run.isPractice) {
    count = 0;
    last = lastError = undefined;
  }
  print(descriptor, run.verdict);
  next();
}

// --- Errors

const errorToString = Error.prototype.toString;

// Leaves the driver out of stack traces, those that user code sees included. Else Node's format.
function prepareStackTrace(error, frames) {
  const below = frames.findIndex(
      (frame) => frame.getFileName() === 'msb:repl' && frame.getFunctionName() === 'launch');
  const shown = below < 0 ? frames : frames.slice(0, below - 1);  // 1: Session.post
  let heading = errorToString.call(error);
  if (/^ERR_/.test(error.code) && heading.startsWith(`${error.name}:`)) {  // Node's own
    heading = `${error.name} [${error.code}]${heading.slice(error.name.length)}`;
  }
  return [heading, ...shown].join('\n    at ');
}
Object.defineProperty(
    Error, 'prepareStackTrace', {value: prepareStackTrace, writable: true, configurable: true});

// The offending line and a mark under the token, as the REPL shows what does not compile.
function excerpt(code, {lineNumber, columnNumber}) {
  const lines = code.split(/\r\n|[\n\r\u2028\u2029]/);
  const line = lines[lineNumber];
  if (line === undefined) return '';
  const token = /^(?:[\w$]+|.)/.exec(line.slice(columnNumber));
  const where = lines.length > 1 ? `REPL${count}:${lineNumber + 1}\n` : '';
  const mark = ' '.repeat(columnNumber) + '^'.repeat(token ? token[0].length : 1);
  return `${where}${line}\n${mark}\n\n`;
}

function describe(error, run, details) {
  let source = '';
  if (run && types.isNativeError(error)) {
    if (error.name === 'SyntaxError' && !/\n +at /.test(error.stack)) {
      source = excerpt(run.code, details);
      if (error.message === 'Cannot use import statement outside a module') {
        Reflect.set(error, 'stack', `${error.stack}; use await import() or require() here`);
      }
    } else if (!run.code.trim().includes('\n')) {
      // Where all is one line, that line is no news.
      Reflect.set(error, 'stack', error.stack.replace(/\n +at (?:async )?REPL\d+:1:\d+$/, ''));
    }
  }
  let text = inspect(error, kInspect);
  if (/^\[[^]*\]$/.test(text) && types.isNativeError(error)) text = text.slice(1, -1);
  const lines = text.split('\n');
  const heading = lines.findIndex((line) => /^\[?(?:[A-Z][a-z0-9_]*)*Error/.test(line));
  const apart = heading < 0 ? lines.length > 1 : lines[heading].length > 128;
  lines[Math.max(heading, 0)] = `Uncaught${apart ? ':\n' : ' '}${lines[Math.max(heading, 0)]}`;
  return `${source}${lines.join('\n')}\n`;
}

function report(error, run, details) {
  lastError = error;
  try {
    print(2, describe(error, run, details));
  } catch {  // of an inspect function or a getter of the user's
    print(2, 'Uncaught exception that cannot be shown\n');
  }
}

process.on('uncaughtException', (error) => report(error));
process.on('unhandledRejection', (reason, promise) => {
  if (current && current.value === promise) current.verdict = 'E';  // it is this run's own
  report(reason);
});

process.on('SIGINT', () => {
  if (current && current.waits) interrupt(current);
});

// Called last by process.exit(), after the 'exit' event.
const {reallyExit} = process;
process.reallyExit = (code) => {
  if (current) {
    const verdict = Buffer.from('X\0\0\0\0');
    verdict[1] = code;
    current = null;
    write(descriptor, verdict);
  }
  reallyExit.call(process, code);
};

// --- What user code sees

function defineResult(name, get) {
  Object.defineProperty(globalThis, name, {
    configurable: true,
    get,
    set(value) {  // from now on it is the user's
      Object.defineProperty(globalThis, name, {value, writable: true, configurable: true});
    },
  });
}
defineResult('_', () => last);
defineResult('_error', () => lastError);
process.nextTick(() => {  // when -e has put its own back
  Object.defineProperty(globalThis, 'module', {value: module, writable: true, configurable: true});
});
delete globalThis.__filename;
delete globalThis.__dirname;
process.execArgv = [];  // of child_process.fork()

// --- Requests

let pending = [];
let pendingLength = 0;

function next() {
  if (current || pendingLength < 4) return;
  if (pending[0].length < 4) pending = [Buffer.concat(pending)];
  const head = pending[0].readUInt32LE();
  const length = 4 + (head & 0x3fffffff);
  if (pendingLength < length) return;
  const all = Buffer.concat(pending);
  pending = [all.subarray(length)];
  pendingLength -= length;
  const isPractice = head >= 3 * 2 ** 30;
  if (head >= 2 ** 31 && !isPractice) return adopt(all.toString('utf8', 4, length));
  if (head >= 2 ** 30 && !isPractice) return renew(all.subarray(4, length));
  start(all.toString('utf8', 4, length).replace(/^\ufeff/, ''), isPractice);
}

// The machine is a copy, and what the process draws random numbers from is, too. OpenSSL is seeded by
// the addon; Node keeps numbers in stock, which are used up; V8's generator cannot be seeded, and is
// replaced.
function renew(addon) {
  try {
    loadAddon(addon);
  } catch {
    reallyExit.call(process, 70);  // it must not go on as the copy that it is
  }
  const {randomFillSync, randomInt, randomUUID} = require('crypto');
  for (let i = 0; i < kStockOfUuids; i++) randomUUID();
  for (let i = 0; i < kStockOfInts; i++) randomInt(2 ** 47);
  const words = new Uint32Array(256);
  let used = words.length;
  const random = () => {
    if (used === words.length) {
      randomFillSync(words);
      used = 0;
    }
    return ((words[used++] >>> 5) * 2 ** 26 + (words[used++] >>> 6)) / 2 ** 53;
  };
  Object.defineProperty(random, 'name', {value: 'random', configurable: true});
  Object.defineProperty(Math, 'random', {value: random, writable: true, configurable: true});
  print(descriptor, 'R');
  next();
}

function loadAddon(addon) {
  const folders = ['/tmp', '/var/tmp', '/dev/shm', process.cwd()];
  for (const folder of folders) {
    let path;
    try {
      path = fs.mkdtempSync(`${folder}/msb-`);
      fs.writeFileSync(`${path}/renewal.node`, addon, {mode: 0o700});
      dlopen({exports: {}}, `${path}/renewal.node`);
      return;
    } catch (error) {
      if (folder === folders.at(-1)) throw error;
    } finally {
      if (path) fs.rmSync(path, {recursive: true, force: true});
    }
  }
}

// The process becomes what it would be had it been started with these settings.
function adopt(settings) {
  const [directory, ...entries] = settings.split('\0').slice(0, -1);
  process.chdir(directory);
  const {env} = process;
  for (const name of Object.keys(env)) delete env[name];
  for (const entry of entries) {
    const at = entry.indexOf('=');
    env[entry.slice(0, at)] = entry.slice(at + 1);
  }
  print(descriptor, 'R');
  next();
}

const control = new Socket({fd: descriptor, readable: true, writable: false});
control.on('data', (chunk) => {
  pending.push(chunk);
  pendingLength += chunk.length;
  next();
});
control.on('error', () => {});
control.on('close', () => process.exit(0));  // the agent is gone
print(descriptor, 'R');
