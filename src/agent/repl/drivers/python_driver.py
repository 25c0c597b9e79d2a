# SPDX-License-Identifier: Apache-2.0
#
# The Python REPL inside the interpreter: runs one submission after the other.
#
# Idea: the end of a run is never looked for in its output. Code comes in and verdicts go out on a
# control socket; the run's stdout and stderr are pipes that arrive with the code, or ahead of it,
# and are put on fds 1 and 2 for that run alone. Between runs both are /dev/null, so no output can
# cross from one run to the next, and a child process that outlives its run keeps that run's pipes
# and no others.
#
# How the agent starts it: python3 -u -c <python_bootstrap.py>, with stdin /dev/null, in environment
# MSB_REPL_FD the number of the control socket (AF_UNIX, STREAM), and in that socket, written before
# exec, u32 length + this file, precompiled or not (precompile.py). So the process list stays
# readable, and the first request may follow at once. -u is for C's stdio, which extensions print
# through; Python's own streams are replaced below.
#
# The control channel, integers little-endian:
#   driver -> agent  'R' once: ready.
#   agent -> driver  u32 n + n bytes of UTF-8; SCM_RIGHTS [stdout, stderr] with the first byte.
#   agent -> driver  u32 2**31 + n, n bytes: settings; before the first code. The working directory,
#                    then the environment's KEY=VALUE, each with a NUL after it. Answered by 'R'.
#   agent -> driver  u32 2**30: the machine is a copy; other random numbers. Answered by 'R'.
#   agent -> driver  u32 2**31 + 2**30 + n ...: as code, before any, to be forgotten. With n = 0 it
#                    brings the pipes of the next submission, which then comes without.
#   driver -> agent  'S' ran through | 'E' an exception was not caught | 'I' interrupted by SIGINT |
#                    'X' + i32 exit code: the code asked to exit. The interpreter then ends in its
#                    own way (threads, atexit, buffers; what they print still goes to the run's
#                    pipes), and an alarm kills it when that takes more than kExitSeconds.
# Death without a verdict is the verdict when user code crashes, calls os._exit, closes the socket.
#
# Semantics: all of a submission is compiled, then its statements run one by one as if typed (bare
# expressions echo through sys.displayhook) until one raises. Top-level await works, on an asyncio
# loop that goes on while the driver waits for the next submission.
#
# Start-up is the budget, and compiling this text is most of what it costs. So the first half holds
# only what a run that goes well needs, the second half is compiled when first called for, and only
# modules are used that are builtin or already imported.
# User code shares the interpreter and may rebind or break anything in it: what the driver calls is
# bound here once, and its builtins are a copy (made by the bootstrap).
import builtins, os, sys, _codecs, _signal, _socket
from posix import _exit, close, dup2, getpid, open as open_fd
from sys import getprofile, gettrace, modules, setprofile, settrace

main = modules['__main__']  # held, so that user code may drop it from sys.modules
namespace = vars(main)
system = vars(sys)
signal, SIGINT = _signal.signal, _signal.SIGINT
flags = 0x2000 if sys.version_info >= (3, 8) else 0  # of compile(): top-level await
loop = None  # asyncio's, once something was awaited
ahead = None  # the pipes of a submission that comes without
sources = {}  # the text of the latest submissions by Source, for linecache
streams = []  # stdout and stderr made here
user_sigint = _signal.default_int_handler  # these three belong to user code
user_trace = user_profile = None  # and are put aside between runs

# The file name of one submission: reads '<stdin>', but is no other submission's key in linecache,
# so that inspect.getsource finds the right text however many there have been.
Source = type('Source', (str,), {
    '__eq__': object.__eq__, '__ne__': object.__ne__, '__hash__': object.__hash__,
    '__reduce__': lambda self: (str, ('<stdin>',))})  # for cloudpickle


def second(name):
    """A function of the second half of this file."""
    if name not in globals():
        exec(second_half, globals())
    return globals()[name]


def make_stream(number, errors):
    """Whole lines leave at once and in one write; big writes are not chopped."""
    stream = open(number, 'w', 1, 'utf-8', errors, '\n', False)
    stream.buffer.raw.name = ('', '<stdout>', '<stderr>')[number]
    stream.mode = 'w'
    return stream


def intact():
    """Whether the std streams are still the driver's, and open."""
    try:
        return [sys.stdout, sys.stderr] == streams and not (
            streams[0].closed or streams[1].closed or sys.stdin.closed)
    except Exception:  # deleted, detached, or no streams at all
        return False


def receive():
    """Waits for a submission, takes its pipes and returns its text."""
    if loop is not None:
        second('run_tasks')()
    while True:
        try:
            data, rights, _, _ = control.recvmsg(65536, 24, _socket.MSG_CMSG_CLOEXEC)
        except BaseException as error:  # user code's: the socket closed, or a signal handler raised
            second('excuse')(error)
            continue
        if len(data) < 4 or len(data) != 4 + (int.from_bytes(data[:4], 'little') & 0x3fffffff):
            data = second('receive_rest')(data)
        if data[3] < 0x40:
            break
        second('renew' if data[3] < 0x80 else 'adopt' if data[3] < 0xc0 else 'practise')(
            bytes(data[4:]), rights)
    return take(data[4:], rights)


def take(code, rights):
    """Puts the pipes of a submission on fds 1 and 2, and returns its text."""
    global ahead
    flush(*streams)  # what threads have begun to print since the last run is nobody's
    fds = (rights or ahead)[0][2]  # neither: there was no room for them, and this is the end
    ahead = None  # these numbers are soon the user code's
    for target in 1, 2:
        fd = int.from_bytes(fds[4 * target - 4:4 * target], sys.byteorder)
        dup2(fd, target)
        if fd > 2:
            close(fd)
        elif not fd:  # user code has closed its stdin
            second('open_null')(0)
    text = str(code, 'utf-8', 'surrogateescape')
    return text.lstrip('\ufeff') if '\ufeff' in text else text


def execute(text):
    """Compiles all of the submission, then runs it statement by statement."""
    global user_trace, user_profile
    name = Source('<stdin>')
    if len(text) < 65536:
        sources[name] = text
    if '\n' in text or '\r' in text or '#' in text or not text.strip():
        codes = second('compile_statements')(text, name)
    else:  # one line is one interactive statement
        codes = [compile(text + '\n', name, 'single', flags, True)]
    for code in codes:
        if 'linecache' in modules or len(sources) > 256:
            second('share_sources')(name)
        if '__builtins__' not in namespace:
            namespace['__builtins__'] = builtins
        if user_trace is not None or user_profile is not None:
            settrace(user_trace), setprofile(user_profile)
        try:
            result = eval(code, namespace)
        finally:  # the driver is none of a debugger's business
            user_trace, user_profile = gettrace(), getprofile()
            if user_trace is not None or user_profile is not None:
                settrace(None), setprofile(None)
        if result is not None:  # a coroutine: it has a top-level await
            second('wait_for')(result)


def run(text):
    """Runs a submission, reports what it did not catch, and returns the verdict."""
    failure = None
    try:
        signal(SIGINT, user_sigint)  # from here on SIGINT is the user code's, reporting included
        if not intact():
            second('mend_streams')()
        execute(text)
    except BaseException as error:
        failure = error
    # Out of the except clause, so that user code called from here sees no exception of ours.
    verdict = b'S' if failure is None else second('report')(failure)
    flush(system.get('stdout'), system.get('stderr'))
    return verdict


def flush(*targets):
    for target in targets:
        try:
            target.flush()
        except Exception:  # closed, or the reader of the pipe is gone
            pass


def end_run(verdict):
    """Takes SIGINT and the output away from user code. May be repeated."""
    global user_sigint
    previous = signal(SIGINT, ignore_sigint)
    if previous is not ignore_sigint:
        user_sigint = previous or user_sigint  # None: not a Python handler
    flush(*streams)
    if getpid() != pid:
        second('end_fork')(verdict)
    if verdict[:1] != b'X':  # else what it prints while it goes is still the run's
        try:
            dup2(null, 1), dup2(null, 2)
        except OSError:  # user code has closed it, or there never was room for it
            second('open_null')(1, 2)
        flush(*streams)  # what a pipe did not take must not wait for the next run's


def answer(text):
    """Runs a submission, and sends the verdict when nothing of it is left to be done."""
    try:
        verdict = run(text)
        end_run(verdict)
    except BaseException as error:  # a signal, or a hostile hook, during the reporting
        verdict = second('recover')(error)
    try:
        control.send(verdict)
    except BaseException as error:
        second('excuse')(error)
    return verdict


def serve():
    """Serves submissions until one asks to exit. Returns the exit code."""
    control.send(b'R')
    while True:
        verdict = answer(receive())
        if verdict[:1] == b'X':
            return second('leave')(verdict[1])


for name in [each for each in namespace if each[:2] != '__']:  # what the bootstrap bound
    del namespace[name]
try:  # out of the way of os.closerange(3, 1000)
    control = _socket.socket(fileno=dup2(descriptor, 1023, False))
    close(descriptor)
except OSError:  # beyond the limit of open files
    control = _socket.socket(fileno=descriptor)
    os.set_inheritable(descriptor, False)
descriptor = open_fd('/dev/null', os.O_RDWR | os.O_CLOEXEC)
try:
    null = dup2(descriptor, 1022, False)
except OSError:
    null = -1  # opened at each end of a run
close(descriptor)
pid = getpid()
os.register_at_fork(after_in_child=control.close)
_codecs.register_error('msb', lambda error: second('encode_anything')(error))
sys.argv[:] = ['']
sys.ps1 = sys.ps2 = ''  # how libraries tell an interactive session
dup2(control.fileno(), 1), dup2(control.fileno(), 2)  # like pipes, and unlike /dev/null, no seek
sys.stdout = sys.__stdout__ = make_stream(1, 'msb')
sys.stderr = sys.__stderr__ = make_stream(2, 'backslashreplace')
dup2(0, 1), dup2(0, 2)
streams = [sys.stdout, sys.stderr]
ignore_sigint = lambda *_: None
signal(SIGINT, ignore_sigint)
sys.exit(serve())

# --- The second half: what most submissions do not need. The bootstrap splits here. :#
import _ast

kExitSeconds = 2
kHeapBytes = 120000  # of the heap, so that a first run finds its memory; below malloc's own mapping
kSources = 256
display = sys.__excepthook__


def excuse(error):
    """A failed operation on the control socket is the end, unless it only was interrupted."""
    if getattr(error, 'errno', None):
        _exit(70)


def open_null(*targets):
    """A /dev/null for those descriptors, where user code has closed them, or the driver's own."""
    fd = open_fd('/dev/null', os.O_RDWR | os.O_CLOEXEC)
    for target in targets:
        dup2(fd, target)
    if fd > 2:  # else user code closed fd 0, and this is its new /dev/null
        close(fd)


def recover(error):
    """The verdict, and a proper end, of a run whose reporting was ended by an exception."""
    verdict = b'E'
    while True:
        if isinstance(error, KeyboardInterrupt):
            verdict = b'I'
        try:
            os.write(2, type(error).__name__.encode() + b'\n')
        except Exception:
            pass
        try:
            end_run(verdict)
            return verdict
        except BaseException as another:
            error = another


def end_fork(verdict):
    """Ends a fork of the user's, come back to where only its parent answers."""
    _exit(verdict[1] if verdict[:1] == b'X' else verdict != b'S')


def receive_rest(data):
    """Completes a submission that did not arrive in one piece."""
    data = bytearray(data)
    while True:
        missing = 4 - len(data)
        if missing <= 0:
            missing = 4 + (int.from_bytes(data[:4], 'little') & 0x3fffffff) - len(data)
            if not missing:
                return data
        try:
            part = control.recv(min(missing, 1 << 20)) if data else b''
        except BaseException as error:
            excuse(error)
        else:
            data += part or _exit(0)  # the agent is gone


def adopt(settings, _):
    """Becomes what it would be had it been started with these settings."""
    directory, *entries, _ = settings.split(b'\0')
    try:
        os.chdir(directory)
        coerced = os.environb.get(b'LC_CTYPE')  # settings that name it begin with an interpreter
        os.environb.clear()
        for entry in entries:
            name, _, value = entry.partition(b'=')
            os.environb[name] = value
        if coerced:  # by the interpreter itself, where the image names no locale (PEP 538)
            os.environb.setdefault(b'LC_CTYPE', coerced)
        control.send(b'R')
    except BaseException:
        _exit(70)  # the agent starts another, which fails for the same reason and can say so


def practise(code, rights):
    """A run before the first one, which leaves no trace, or what the first one will need."""
    global ahead
    if not code:
        ahead = rights
        return
    answer(take(code, rights))
    while sources:
        getattr(modules.get('linecache'), 'cache', {}).pop(sources.popitem()[0], None)
    b'.' * kHeapBytes


def renew(*_):
    """Does for random numbers what a fork does: the kernel's are others already, and generators of
    the process' own are seeded from those. Generators that user code has made are its own."""
    for name, seed in (
            ('random', lambda module: module._inst.seed()),
            ('_ssl', lambda module: module.RAND_add(os.urandom(32), 32.0)),
            ('numpy.random', lambda module: module.seed())):
        try:
            if name in modules:
                seed(modules[name])
        except BaseException:
            pass  # user code has put something else there
    try:
        control.send(b'R')
    except BaseException as error:
        excuse(error)


def encode_anything(error):
    """Makes print() unable to fail: bytes that came in undecodable go out as they came, other
    lone surrogates as escapes."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = error.object[error.start]
    if '\udc80' <= character <= '\udcff':
        return bytes([ord(character) - 0xdc00]), error.start + 1
    return '\\u%04x' % ord(character), error.start + 1


def mend_streams():
    """Makes the std streams that are not there, or that user code has closed or detached."""
    for number, name in enumerate(('stdin', 'stdout', 'stderr')):
        try:
            broken = getattr(getattr(sys, name), 'closed', False)
        except (AttributeError, ValueError):
            broken = True
        if broken:
            try:
                stream = (make_stream(number, ('msb', 'backslashreplace')[number - 1])
                          if number else open(0, closefd=False))
            except OSError:  # the descriptor is closed, too
                continue
            if number:
                streams[number - 1] = stream
            setattr(sys, name, stream)
            setattr(sys, '__%s__' % name, stream)


def compile_statements(text, name):
    """Returns the code of every statement. What they import from __future__ stays in force."""
    global flags
    codes, known = [], flags
    for statement in compile(text, name, 'exec', known | 0x400, True).body:  # PyCF_ONLY_AST
        codes.append(compile(_ast.Interactive([statement]), name, 'single', known, True))
        if isinstance(statement, _ast.ImportFrom) and statement.module == '__future__':
            import __future__
            for alias in statement.names:
                known |= getattr(__future__, alias.name).compiler_flag
    flags = known
    return codes


def share_sources(name):
    """Lets linecache (inspect, pdb, tracebacks of user code) know the latest submissions."""
    cache = getattr(modules.get('linecache'), 'cache', None)
    if not isinstance(cache, dict):
        cache = {}
    while len(sources) > kSources:
        oldest = next(iter(sources))
        del sources[oldest]
        cache.pop(oldest, None)
    if name in sources and name not in cache:
        for key in list(sources)[::-1]:
            if key in cache:
                break
            text = sources[key].rstrip('\n') + '\n'
            cache[key] = len(text), None, text.splitlines(True), key


def wait_for(coroutine):
    """Runs the coroutine that a statement with a top-level await is."""
    global loop
    import asyncio
    if loop is None or loop.is_closed():
        loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    task = loop.create_task(coroutine)
    try:
        loop.run_until_complete(task)
    except BaseException:
        if not task.done():  # SIGINT while it waited
            task.cancel()
            try:
                loop.run_until_complete(task)
            except BaseException:
                pass
        elif not task.cancelled():
            task.exception()  # else asyncio complains that nobody has looked at it
        raise


def run_tasks():
    """Lets asyncio tasks go on until the next submission arrives."""
    while not loop.is_closed():
        try:
            loop.add_reader(control, loop.stop)
            loop.run_forever()
            loop.remove_reader(control)
            return
        except (KeyboardInterrupt, SystemExit):  # of a task
            pass
        except BaseException:  # a loop that runs elsewhere, or has been broken
            return


def trim(error):
    """Removes the driver's frames from the traceback, and from those of the exceptions behind."""
    user = trace = error.__traceback__
    while user is not None and user.tb_frame.f_globals is not namespace:
        user = user.tb_next
    # An await has asyncio's frames between ours and the user's. Interrupted, it has no others.
    if user is not None or trace is not None and trace.tb_frame.f_code is run.__code__:
        error.__traceback__ = user
    todo, seen = [error], set()
    while todo:
        error = todo.pop()
        if isinstance(error, BaseException) and id(error) not in seen:
            seen.add(id(error))
            trace = error.__traceback__
            while trace is not None and trace.tb_frame.f_globals is globals():
                trace = trace.tb_next
            error.__traceback__ = trace
            todo += error.__cause__, error.__context__
            todo += getattr(error, 'exceptions', ())


def show(error):
    """Calls sys.excepthook as the interpreter would."""
    hook = getattr(sys, 'excepthook', display)
    hidden = {}
    if hook is display:  # from 3.13 on it would print source lines, unlike before
        cache = getattr(modules.get('linecache'), 'cache', {})
        hidden = {key: cache.pop(key) for key in list(cache) if type(key) is Source}
    try:
        hook(type(error), error, error.__traceback__)
    except Exception as caught:
        broken = caught
    else:
        return
    finally:
        if hidden:
            cache.update(hidden)
    trim(broken)
    print('Error in sys.excepthook:', file=sys.stderr)
    display(type(broken), broken, broken.__traceback__)
    print('\nOriginal exception was:', file=sys.stderr)
    display(type(error), error, error.__traceback__)


def report(error):
    """Prints what user code did not catch; returns the verdict."""
    mend_streams()
    flush(getattr(sys, 'stdout', None))  # so that output and traceback keep their order
    if not isinstance(error, SystemExit):
        trim(error)
        if isinstance(error, SyntaxError) and error.text is None:
            # The compiler, unlike the parser, does not know the line.
            lines = sources.get(error.filename, '').splitlines()
            if error.lineno and error.lineno <= len(lines):
                error.text = lines[error.lineno - 1] + '\n'
        sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
        sys.last_exc = error
        try:
            show(error)
        except SystemExit as exit:  # of the hook
            error = exit
    if isinstance(error, SystemExit):
        code = error.code
        if code is not None and not isinstance(code, int):
            print(code, file=sys.stderr)
            code = 1
        return b'X' + ((code or 0) & 0xff).to_bytes(4, 'little')
    return b'I' if isinstance(error, KeyboardInterrupt) else b'E'


def leave(code):
    """Bounds the time that threads and atexit functions of user code may take."""
    signal(_signal.SIGALRM, _signal.SIG_DFL)
    _signal.alarm(kExitSeconds)
    return code
