# SPDX-License-Identifier: Apache-2.0
# The argument of `python3 -u -c`: takes the driver from the control socket (see python_driver.py).
import marshal, os, sys
f = int(os.environ.pop('MSB_REPL_FD'))
t = os.read(f, int.from_bytes(os.read(f, 4), 'little')).split(b' :#\n', 2)
if t[2:] and t[2].startswith(sys.modules['_frozen_importlib_external'].MAGIC_NUMBER):
    t = marshal.loads(t[2][4:])
exec(t[0], {'__builtins__': dict(vars(__builtins__)), 'descriptor': f, 'second_half': t[1]})
