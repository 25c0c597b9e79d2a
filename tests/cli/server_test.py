# SPDX-License-Identifier: Apache-2.0
"""msb server: one server for each home, from its start to its end."""

import os
import signal
import subprocess
import unittest

from harness import DEADLINE_S, MSB
from server_harness import ServerCase

SIGNED_KEY = "0123456789abcdefghijABCDEFGHIJ01"


class Detached(ServerCase):
    def test_answers_as_soon_as_start_returns(self):
        url = self.serve()
        status, health = self.request(url, "GET", "/api/v1/health")
        self.assertEqual((status, health["message"]), (200, "Service is healthy"))

    def test_status_tells_where_it_is(self):
        url = self.serve("--dev")
        found = self.status()
        self.assertTrue(found["running"])
        self.assertEqual(found["url"], url)
        self.assertFalse(found["needs_key"])
        self.assertEqual("msb " + found["version"], self.msb("version").stdout.strip())
        self.assertGreaterEqual(found["uptime_s"], 0)
        done = self.msb("server", "status")
        self.assert_ends(done, 0)
        for part in (url, str(found["pid"]), found["version"], "none (development mode)"):
            self.assertIn(part, done.stdout)

    def test_the_first_line_of_its_file_is_its_pid(self):
        self.serve()
        with open(self.pid_file(), encoding="utf-8") as file:
            self.assertEqual(int(file.readline()), self.pid())

    def test_stop_returns_when_it_is_gone(self):
        url = self.serve()
        self.assert_ends(self.msb("server", "stop"), 0, "", "")
        self.assert_nothing_left()
        self.assertFalse(os.path.exists(self.pid_file()))
        with self.assertRaises(ConnectionRefusedError):
            self.request(url, "GET", "/api/v1/health")

    def test_without_a_server(self):
        self.assert_ends(self.msb("server", "status"), 3, "server is not running\n", "")
        self.assert_ends(self.msb("server", "status", "--json"), 3, '{"running": false}\n', "")
        self.assert_ends(self.msb("server", "stop"), 125, "",
                         "server is not running (PID file not found)")

    def test_needs_no_standard_descriptors(self):
        script = f'exec "{MSB}" server start --detach --port 0 <&- >&- 2>&-'
        self.addCleanup(self.msb, "server", "stop", "--timeout", "0")
        self.assertEqual(subprocess.run(["sh", "-c", script], env=self.environment(),
                                        timeout=DEADLINE_S).returncode, 0)
        self.assertTrue(self.status()["running"])

    def test_holds_no_folder(self):
        folder = os.path.join(self.scratch, "folder")
        os.mkdir(folder)
        self.serve(cwd=folder)
        self.assertEqual(os.readlink(f"/proc/{self.pid()}/cwd"), "/")

    def test_does_not_end_with_its_terminal(self):
        url = self.serve()
        pid = self.pid()
        self.assertEqual(os.getsid(pid), pid)
        self.assertEqual(self.request(url, "GET", "/api/v1/health")[0], 200)

    def test_keeps_a_log(self):
        self.assert_ends(self.msb("server", "log"), 125, "", "--detach")
        url = self.serve("--dev")
        self.call(url, "sandbox.stop", {"sandbox": "first"})
        self.call(url, "sandbox.stop", {"sandbox": "second"})
        whole = self.msb("server", "log")
        self.assert_ends(whole, 0)
        self.assertIn('"sandbox":"first"', whole.stdout)
        last = self.msb("server", "log", "--tail", "1")
        self.assertIn('"sandbox":"second"', last.stdout)
        self.assertEqual(last.stdout.count("\n"), 1)

    def test_its_log_can_be_followed(self):
        url = self.serve("--dev")
        follower = self.start("server", "log", "--follow", "--tail", "0")
        self.eventually(lambda: follower.poll() is None and self.is_tail(follower.pid), "no tail")
        self.call(url, "sandbox.stop", {"sandbox": "watched"})
        self.assertIn(b'"sandbox":"watched"', follower.stdout.readline())

    @staticmethod
    def is_tail(pid):
        """It has its file open, so what is added now is added after its beginning."""
        folder = f"/proc/{pid}/fd"
        return any(os.readlink(os.path.join(folder, fd)).endswith("server.log")
                   for fd in os.listdir(folder))


class Start(ServerCase):
    def foreground(self, *flags, **options):
        process = self.start("server", "start", "--port", "0", *flags, **options)
        line = process.stdout.readline().decode()
        self.assertTrue(line.startswith("Server listening on "), line)
        return process, line.split()[-1]

    def test_stays_in_the_foreground(self):
        process, url = self.foreground()
        self.assertEqual(self.pid(), process.pid)
        self.assertEqual(self.request(url, "GET", "/api/v1/health")[0], 200)
        self.assert_ends(self.msb("server", "stop"), 0, "", "")
        self.assertEqual(process.wait(DEADLINE_S), 0)

    def test_ends_by_signals_in_order(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(number=number):
                process, _ = self.foreground()
                process.send_signal(number)
                self.assertEqual(process.wait(DEADLINE_S), 0)
                self.assertFalse(os.path.exists(self.pid_file()))

    def test_of_nohup_stays(self):
        process, url = self.foreground(
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        process.send_signal(signal.SIGHUP)
        self.assertEqual(self.request(url, "GET", "/api/v1/health")[0], 200)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(DEADLINE_S), 0)

    def test_says_when_one_runs_already(self):
        url = self.serve("--dev")
        said = f"Server is already running on {url} (pid {self.pid()})\n"
        self.assert_ends(self.msb("server", "start"), 0, said, "")
        self.assert_ends(self.msb("server", "start", "--detach"), 0, said, "")
        # Nothing of it was done.
        self.assertFalse(os.path.exists(os.path.join(self.home, "server.key")))

    def test_of_many_at_once_makes_one_server(self):
        self.addCleanup(self.msb, "server", "stop", "--timeout", "0")
        starts = [self.start("server", "start", "--detach", "--port", "0") for _ in range(6)]
        said = [start.communicate(timeout=DEADLINE_S) for start in starts]
        self.assertEqual([start.returncode for start in starts], [0] * 6, said)
        said = sorted(out.decode() for out, _ in said)
        url = self.status()["url"]
        self.assertEqual(said[-1], f"Server listening on {url}\n")
        self.assertEqual(set(said[:-1]),
                         {f"Server is already running on {url} (pid {self.pid()})\n"})

    def test_of_another_home_is_another_server(self):
        self.serve()
        other = os.path.join(self.scratch, "other")
        done = self.msb("--home", other, "server", "start", "--detach", "--port", "0")
        self.addCleanup(self.msb, "server", "stop", "--home", other)
        self.assert_ends(done, 0)
        self.assertTrue(done.stdout.startswith("Server listening on "))

    def test_that_fails_says_why(self):
        taken = self.serve().rsplit(":", 1)[1]
        other = os.path.join(self.scratch, "refused")
        for flags, reason in ((["--host", "localhost"], "Invalid host address: localhost"),
                              (["--port", taken], "Address already in use"),
                              (["--tls-cert", "/none", "--tls-key", "/none"], "/none"),
                              (["--dev", "--host", "0.0.0.0"], "listens on loopback only"),
                              (["--volume-root", "/none"], "volume root '/none' does not exist")):
            for detach in ([], ["--detach"]):
                with self.subTest(flags=flags, detach=detach):
                    done = self.msb("server", "start", "--home", other, "--port", "0", *flags,
                                    *detach)
                    self.assert_ends(done, 125, "", ["msb: server start: ", reason])
                    self.assertFalse(os.path.exists(os.path.join(other, "server.pid")))

    @unittest.skipUnless(os.geteuid() == 0, "only root can be somebody else")
    def test_without_rights_says_why(self):
        # The home of the tests is root's alone.
        for detach in ([], ["--detach"]):
            done = subprocess.run([MSB, "server", "start", *detach], user=65534, group=65534,
                                  extra_groups=[], env=self.environment(), capture_output=True,
                                  text=True, timeout=DEADLINE_S)
            self.assert_ends(done, 125, "", ["msb: server start: ", "Permission denied"])


class Death(ServerCase):
    def test_by_kill_leaves_a_home_to_start_again(self):
        self.serve()
        self.kill()
        self.assert_nothing_left()
        self.assert_ends(self.msb("server", "status"), 3, "server is not running\n")
        self.assertEqual(self.request(self.serve(), "GET", "/api/v1/health")[0], 200)

    def test_by_kill_leaves_a_file_that_stop_removes(self):
        self.serve()
        self.kill()
        self.assertTrue(os.path.exists(self.pid_file()))
        self.assert_ends(self.msb("server", "stop"), 125, "",
                         "server process not found (stale PID file removed)")
        self.assertFalse(os.path.exists(self.pid_file()))

    def test_of_somebody_with_the_same_number_is_not_wanted(self):
        bystander = subprocess.Popen(["sleep", "1000"])
        self.addCleanup(self._end, bystander)
        with open(self.pid_file(), "w", encoding="utf-8") as file:
            file.write(f"{bystander.pid}\nurl http://127.0.0.1:5555\n")
        self.assert_ends(self.msb("server", "status"), 3)
        self.assert_ends(self.msb("server", "stop"), 125, "", "stale PID file removed")
        self.assertIsNone(bystander.poll())

    def test_ends_sandboxes(self):
        self.busy(self.serve("--dev"))
        self.kill()
        self.assert_nothing_left()

    def test_by_the_second_signal_comes_at_once(self):
        process = self.start("server", "start", "--dev", "--port", "0")
        url = process.stdout.readline().decode().split()[-1]
        call = self.busy(url)
        process.send_signal(signal.SIGTERM)
        # It listens no more, and waits for the call.
        self.eventually(lambda: self.refuses(url), "it goes on listening")
        self.assertTrue(call.is_alive())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(DEADLINE_S), 128 + signal.SIGTERM)
        self.assert_nothing_left()

    def test_in_order_is_waited_for_by_the_next(self):
        process = self.start("server", "start", "--dev", "--port", "0")
        url = process.stdout.readline().decode().split()[-1]
        self.busy(url)
        process.send_signal(signal.SIGTERM)
        self.eventually(lambda: self.status()["state"] == "ending", "it does not end")
        self.assertIn("ending ", self.msb("server", "status").stdout)
        following = self.start("server", "start", "--detach", "--port", "0")
        self.addCleanup(self.msb, "server", "stop", "--timeout", "0")
        self.assertEqual(self.pid(), process.pid)
        process.send_signal(signal.SIGTERM)
        said, _ = following.communicate(timeout=DEADLINE_S)
        self.assertRegex(said, rb"^Server listening on http")
        self.assertEqual(self.status()["state"], "serving")

    def refuses(self, url):
        try:
            self.request(url, "GET", "/api/v1/health")
            return False
        except OSError:
            return True

    def test_by_an_impatient_stop_leaves_nothing(self):
        self.busy(self.serve("--dev"))
        self.assert_ends(self.msb("server", "stop", "--timeout", "100ms"), 0, "", "still busy")
        self.assert_nothing_left()
        self.assert_ends(self.msb("server", "status"), 3)

    def test_by_a_stop_without_any_patience_leaves_no_record(self):
        self.serve("--dev")
        self.assert_ends(self.msb("server", "stop", "--timeout", "0"), 0)
        self.assertFalse(os.path.exists(self.pid_file()))


class Keys(ServerCase):
    def accepts(self, url, key):
        return self.call(url, "sandbox.metrics.get", {}, key)[0] == 200

    def keygen(self, *flags):
        done = self.msb("server", "keygen", "--quiet", *flags)
        self.assert_ends(done, 0, stderr="")
        self.assertRegex(done.stdout, r"^msb_\S+\n$")
        return done.stdout.strip()

    def test_need_a_server_that_has_some(self):
        self.serve("--dev")
        self.assert_ends(self.msb("server", "keygen"), 125, "",
                         "Server key file not found. Make sure the server is running in secure mode.")

    def test_are_made_for_the_server(self):
        url = self.serve()
        self.assertTrue(self.accepts(url, self.keygen()))
        self.assertFalse(self.accepts(url, None))
        done = self.msb("server", "keygen", "--expire", "5m", "--namespace", "team-a")
        self.assertRegex(done.stdout, r"^Token: msb_\S+\nToken expires: \S+Z\nNamespace: team-a\n$")

    def test_outlive_the_server(self):
        self.serve()
        key = self.keygen()
        self.kill()
        self.assertTrue(self.accepts(self.serve(), key))
        self.assert_ends(self.msb("server", "stop"), 0)
        self.assertTrue(self.accepts(self.serve(), key))

    def test_are_void_after_a_reset(self):
        self.serve()
        key = self.keygen()
        self.assert_ends(self.msb("server", "stop"), 0)
        url = self.serve("--reset-key")
        self.assertFalse(self.accepts(url, key))
        self.assertTrue(self.accepts(url, self.keygen()))

    def test_are_signed_by_the_chosen_one(self):
        url = self.serve("--key", SIGNED_KEY)
        # A key of the contract's own, valid until the year 2100.
        self.assertTrue(self.accepts(
            url, "msb_eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAw"
            "MDAwMCwibmFtZXNwYWNlIjoiKiJ9.djRmD2Ca_GcJHgO0HLjrEKchSBoKZrs1a3fXK9fI3WQ"))


class Mcp(ServerCase):
    def test_speaks_on_stdin_and_stdout(self):
        ping = b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n'
        done = self.msb("mcp", stdin=ping)
        self.assert_ends(done, 0, stderr="")
        self.assertEqual(done.stdout, '{"id":1,"jsonrpc":"2.0","result":{}}\n')
        self.assert_nothing_left()

    def test_of_a_home_takes_no_place_of_its_server(self):
        self.serve()
        self.assert_ends(self.msb("mcp", stdin=b""), 0)


if __name__ == "__main__":
    unittest.main()
