# SPDX-License-Identifier: Apache-2.0
"""with_server.py SERVER PROGRAM [ARGUMENT...]: the program's status, run with MSB_SERVER_URL naming
a server of its own, in dev mode and on the home that the program would use itself. Its sandboxes may
mount what is in the folder for temporary files. Its pool is off: the program compares the host before
and after, and spares come and go when they like."""

import os
import subprocess
import sys
import tempfile


def main(server, *program):
    with tempfile.TemporaryFile("w+b") as log, subprocess.Popen(
            [server, "start", "--dev", "--port", "0", "--pool", "0",
             "--volume-root", tempfile.gettempdir()],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True) as process:
        line = process.stdout.readline()
        if not line.startswith("Server listening on "):
            process.wait()
            log.seek(0)
            print(f"the server did not start: {line!r} {log.read().decode()}", file=sys.stderr)
            return 1
        try:
            status = subprocess.run(program, check=False, env={
                **os.environ, "MSB_SERVER_URL": line.split()[-1]}).returncode
        finally:
            process.terminate()
            process.communicate()
        if process.returncode != 0:
            print(f"the server ended with status {process.returncode}", file=sys.stderr)
            return 1
        return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
