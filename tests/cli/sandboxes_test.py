# SPDX-License-Identifier: Apache-2.0
"""Sandboxes on a server: start, exec, eval, ls, metrics, logs, stop, rm."""

import json
import os
import shutil
import signal
import subprocess
import unittest

from harness import DEADLINE_S
from server_harness import ServerCase

IMAGE = "test/tiny"


class Cycle(ServerCase):
    def setUp(self):
        super().setUp()
        self.url = self.serve("--dev")

    def started(self, name, *options):
        self.assert_ends(self.msb("start", name, IMAGE, *options), 0, "", "")
        self.addCleanup(self.msb, "rm", name)
        return name

    def listed(self, *options):
        done = self.msb("ls", "--json", *options)
        self.assert_ends(done, 0, stderr="")
        return json.loads(done.stdout)

    def test_from_start_to_rm(self):
        self.started("work", "-m", "64", "-e", "GREETING=hello")
        self.assert_ends(self.msb("ls"), 0, "NAME  STATUS   ISOLATION\nwork  running  jail\n", "")
        self.assert_ends(self.msb("exec", "work", "--", "sh", "-c", "echo $GREETING >kept; cat kept"),
                         0, "hello\n", "")
        metrics = self.msb("metrics", "work")
        self.assertRegex(metrics.stdout, r"^NAME +STATUS +CPU +MEMORY +DISK\nwork +running +[0-9.]+ %")
        self.assert_ends(self.msb("stop", "work"), 0, "", "")
        self.assert_ends(self.msb("ls"), 0, "NAME  STATUS   ISOLATION\nwork  stopped  -\n", "")
        self.assert_ends(self.msb("metrics"), 0)
        self.assert_ends(self.msb("start", "work"), 0, "", "")
        self.assert_ends(self.msb("exec", "work", "--", "cat", "kept"), 0, "hello\n", "")
        self.assert_ends(self.msb("rm", "work"), 0, "", "")
        self.assert_ends(self.msb("ls"), 0, "NAME  STATUS  ISOLATION\n", "")

    def test_a_pause_and_its_end(self):
        self.started("work")
        paused = self.msb("pause", "work")
        if "cannot do that here" in paused.stderr:
            self.skipTest(paused.stderr)
        self.assert_ends(paused, 0, "", "")
        self.assert_ends(self.msb("pause", "work"), 0, "", "")
        self.assert_ends(self.msb("ls"), 0, "NAME  STATUS  ISOLATION\nwork  paused  jail\n", "")
        self.assertEqual([(one["running"], one["paused"], one["isolation"]) for one in self.listed()],
                         [(True, True, "jail")])
        self.assert_ends(self.msb("exec", "work", "--", "sh"), 125, "", "is paused; resume it first")
        self.assert_ends(self.msb("resume", "work"), 0, "", "")
        self.assert_ends(self.msb("exec", "work", "--", "sh", "-c", "echo on"), 0, "on\n", "")
        self.assert_ends(self.msb("pause", "work"), 0, "", "")
        self.assert_ends(self.msb("stop", "work"), 0, "", "")
        self.assert_ends(self.msb("pause", "work"), 125, "", "`msb start` starts it")

    def test_a_snapshot_starts_another(self):
        self.started("work")
        self.assert_ends(self.msb("exec", "work", "--", "sh", "-c", "echo kept >/file"), 0)
        done = self.msb("snapshot", "work", "copy")
        self.assert_ends(done, 0, "localhost/snapshots/default/copy:latest\n", "")
        image = done.stdout.strip()
        self.assert_ends(self.msb("start", "other", image), 0, "", "")
        self.addCleanup(self.msb, "rm", "other")
        self.assert_ends(self.msb("exec", "other", "--", "cat", "/file"), 0, "kept\n", "")
        self.assert_ends(self.msb("start", "other", image, "-n", "team-a"), 125, "",
                         "belongs to another namespace")
        self.assert_ends(self.msb("snapshot", "work"), 125, "", "NAME and IMAGE are needed")
        self.assert_ends(self.msb("stop", "work"), 0)
        self.assert_ends(self.msb("snapshot", "work", "copy"), 125, "", "`msb start` starts it")

    def test_a_start_of_what_runs_changes_nothing(self):
        self.started("twice")
        self.assert_ends(self.msb("exec", "twice", "--", "touch", "/tmp/mark"), 0)
        self.assert_ends(self.msb("start", "twice", "--image", IMAGE), 0, "", "")
        self.assert_ends(self.msb("exec", "twice", "--", "ls", "/tmp"), 0, "mark\n")

    def test_a_start_by_name_needs_a_definition(self):
        done = self.msb("start", "nobody")
        self.assert_ends(done, 125, "", ["msb: start: ", "nobody"])
        self.assertEqual(self.listed(), [])

    def test_scripts_and_a_background_command(self):
        script = os.path.join(self.scratch, "script")
        with open(script, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\necho from a file\n")
        self.started("scripts", "--script", "one=echo one", "--script", f"two=@{script}",
                     "--exec", "one; two")
        self.eventually(lambda: "file" in self.msb("logs", "scripts").stdout, "no log")
        self.assert_ends(self.msb("logs", "scripts"), 0, "one\nfrom a file\n", "")
        self.assert_ends(self.msb("logs", "--tail", "1", "scripts"), 0, "from a file\n", "")
        self.assert_ends(self.msb("server", "log", "scripts"), 0, "one\nfrom a file\n", "")

    def test_a_log_can_be_followed_until_the_sandbox_ends(self):
        self.started("talks", "--exec", "echo one; while ! [ -e /tmp/go ]; do sleep 0.1; done; echo two")
        follower = self.start("logs", "--follow", "talks")
        self.assertEqual(follower.stdout.readline(), b"one\n")
        self.assert_ends(self.msb("exec", "talks", "--", "touch", "/tmp/go"), 0)
        self.assertEqual(follower.stdout.readline(), b"two\n")
        self.assert_ends(self.msb("stop", "talks"), 0)
        self.assertEqual(follower.communicate(timeout=DEADLINE_S), (b"", b""))
        self.assertEqual(follower.returncode, 0)

    def test_metrics_can_be_watched(self):
        self.started("watched")
        watcher = self.start("metrics", "watched", "--watch", "--interval", "10ms", "--json")
        for _ in range(3):
            reading, = json.loads(watcher.stdout.readline())
            self.assertEqual((reading["name"], reading["running"]), ("watched", True))
        # ^C is how it ends.
        watcher.send_signal(signal.SIGINT)
        self.assertEqual(watcher.wait(DEADLINE_S), -signal.SIGINT)

    def test_namespaces_are_apart(self):
        for name in ("team-a", "team-b"):
            self.assert_ends(self.msb("start", "same", IMAGE, "-n", name), 0)
            self.addCleanup(self.msb, "rm", "same", "-n", name)
        self.assert_ends(self.msb("exec", "same", "-n", "team-a", "--", "touch", "/tmp/a"), 0)
        self.assert_ends(self.msb("exec", "same", "-n", "team-b", "--", "ls", "/tmp"), 0, "")
        self.assertEqual(self.listed(), [])
        self.assertEqual([(one["namespace"], one["name"]) for one in self.listed("-n", "*")],
                         [("team-a", "same"), ("team-b", "same")])
        self.assertEqual(self.msb("server", "list", "--namespace", "*").stdout,
                         "NAMESPACE  NAME  STATUS   ISOLATION\nteam-a     same  running  jail\nteam-b     same  running  jail\n")
        self.assert_ends(self.msb("stop", "same", "-n", "team-a"), 0)
        self.assertEqual([one["running"] for one in self.listed("-n", "*")], [False, True])

    def test_the_server_counts_them(self):
        self.started("one")
        self.started("two")
        self.assert_ends(self.msb("stop", "two"), 0)
        self.assertEqual(self.status()["sandboxes"], {"running": 1, "defined": 2})
        self.assertIn("sandboxes  1 running, 2 defined\n", self.msb("server", "status").stdout)

    def test_one_that_is_not_there_keeps_no_other(self):
        self.started("here")
        for verb in ("stop", "rm"):
            done = self.msb(verb, "absent", "here")
            self.assert_ends(done, 125, "", "no sandbox 'absent' in namespace 'default'")
            self.assertFalse(any(one["running"] for one in self.listed()))
        self.assertEqual(self.listed(), [])

    def test_stop_of_a_stopped_one_is_a_success(self):
        self.started("idle")
        for _ in range(2):
            self.assert_ends(self.msb("stop", "idle"), 0, "", "")

    def test_outlive_the_servers_death_in_their_files(self):
        self.started("kept")
        self.assert_ends(self.msb("exec", "kept", "--", "sh", "-c", "echo here > file"), 0)
        self.kill()
        self.serve("--dev")
        self.assert_ends(self.msb("ls"), 0, "NAME  STATUS   ISOLATION\nkept  stopped  -\n")
        self.assert_ends(self.msb("start", "kept"), 0)
        self.assert_ends(self.msb("exec", "kept", "--", "cat", "file"), 0, "here\n")
        self.assert_ends(self.msb("rm", "kept"), 0)

    def test_what_does_not_run_is_said(self):
        self.started("stopped")
        self.assert_ends(self.msb("stop", "stopped"), 0)
        for words in (["exec", "stopped", "--", "true"], ["logs", "stopped"],
                      ["eval", "--sandbox", "stopped", "python", "1"]):
            self.assert_ends(self.msb(*words), 125, "", [
                f"msb: {words[0]}: sandbox 'stopped' does not run in namespace 'default'"])
        self.assert_ends(self.msb("metrics", "none"), 125, "", "no sandbox 'none'")


class Exec(ServerCase):
    def setUp(self):
        super().setUp()
        self.serve("--dev")
        self.assert_ends(self.msb("start", "box", IMAGE), 0)
        self.addCleanup(self.msb, "rm", "box")

    def exec(self, *words, **more):
        return self.msb("exec", "box", *words, **more)

    def test_passes_output_and_status_on(self):
        self.assert_ends(self.exec("--", "sh", "-c", "echo out; echo err >&2; exit 3"), 3, "out\n",
                         "err\n")

    def test_takes_its_words_in_either_order(self):
        command = ["--", "sh", "-c", 'echo "$@"', "sh", "x", "--", "--timeout"]
        for words in (["box", "--timeout", "1m"], ["--timeout", "1m", "box"]):
            self.assert_ends(self.msb("exec", *words, *command), 0, "x -- --timeout\n", "")
        self.assert_ends(self.msb("exec", "box", "sh", "-c", "echo plain"), 0, "plain\n", "")

    def test_ends_as_commands_do(self):
        for words, status, reason in (
                (["nonexistent"], 127, "nonexistent"),
                (["/etc/not-executable"], 126, "Permission denied"),
                (["sh", "-c", "kill -9 $$"], 128 + signal.SIGKILL, "")):
            self.assert_ends(self.exec("--", *words), status, "", reason)

    def test_has_a_timeout(self):
        self.assert_ends(self.exec("--timeout", "100ms", "--", "sleep", "1000"), 124, "",
                         "it ran longer than 100ms (--timeout)")

    def test_passes_output_on_as_it_comes(self):
        process = self.start("exec", "box", "--", "sh", "-c",
                             "printf 'no newline \\377'; while ! [ -e /tmp/go ]; do sleep 0.1; done")
        self.assertEqual(process.stdout.read(12), b"no newline \xff")
        self.assert_ends(self.exec("--", "touch", "/tmp/go"), 0)
        self.assertEqual(process.communicate(timeout=DEADLINE_S), (b"", b""))

    def test_passes_stdin_on_when_asked(self):
        self.assert_ends(self.exec("-i", "--", "cat", stdin=b"\x00to cat\n"), 0, "\x00to cat\n", "")
        self.assert_ends(self.exec("--", "cat", stdin=b"not to cat"), 0, "", "")

    def test_talks_while_it_runs(self):
        process = self.start("exec", "-i", "box", "cat", stdin=subprocess.PIPE)
        for line in (b"one\n", b"two\n"):
            process.stdin.write(line)
            process.stdin.flush()
            self.assertEqual(process.stdout.readline(), line)
        self.assertEqual(process.communicate(timeout=DEADLINE_S), (b"", b""))
        self.assertEqual(process.returncode, 0)

    def test_has_options_of_its_own(self):
        self.assert_ends(self.exec("-e", "A=b", "--env", "C=d", "--", "sh", "-c", "echo $A$C"), 0, "bd\n")
        self.assert_ends(self.exec("-w", "/etc", "--", "sh", "-c", "pwd"), 0, "/etc\n")
        self.assert_ends(self.exec("-u", "alice", "--", "id", "-u"), 0, "1000\n")

    def test_wants_a_terminal_to_give_one(self):
        self.assert_ends(self.exec("-t", "--", "sh"), 125, "", "-t: stdin and stdout are not a terminal")

    def test_is_ended_by_an_interrupt(self):
        process = self.start("exec", "box", "--", "sleep", "1234")
        self.eventually(lambda: any(b"sleep\x001234" in command for _, command in self.of_guests()
                                    if b"exec" not in command), "the command does not run")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(DEADLINE_S), 128 + signal.SIGINT)
        self.eventually(lambda: not any(b"sleep\x001234" in command for _, command in self.of_guests()),
                        "the command goes on")

    def test_wants_a_command(self):
        for words, reason in (([], "NAME is missing"), (["box"], "CMD is missing"),
                              (["box", "--"], "CMD is missing"),
                              (["box", "other", "--", "true"], "unexpected 'other'")):
            self.assert_ends(self.msb("exec", *words), 125, "", reason)


class Eval(ServerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The images of the user's own home, in one more home: hard links, nothing is copied.
        source = os.environ.get("MSB_HOME") or os.path.expanduser("~/.microsandbox")
        if not os.path.exists(os.path.join(source, "index.json")):
            raise unittest.SkipTest(f"no images in {source}; `make test` prepares them")
        cls.home = os.path.join(cls.scratch, "languages")
        os.mkdir(cls.home, 0o700)
        for name in ("index.json", "oci-layout", "blobs", "layers"):
            subprocess.run(["cp", "-al", os.path.join(source, name), cls.home], check=True)

    def test_keeps_its_state_on_the_server(self):
        self.serve("--dev")
        self.assert_ends(self.msb("start", "work", "microsandbox/python"), 0)
        self.assert_ends(self.msb("eval", "--sandbox", "work", "python", "x = 20"), 0, "", "")
        self.assert_ends(self.msb("eval", "--sandbox", "work", "python", "x + 1", "x"), 0, "21\n20\n")
        self.assert_ends(self.msb("eval", "--sandbox", "work", "python", "-", stdin=b"print(x)"), 0,
                         "20\n")
        self.assert_ends(self.msb("eval", "--sandbox", "work", "python", "1/0", "never"), 1, "",
                         "ZeroDivisionError")
        done = self.msb("eval", "--json", "--sandbox", "work", "python", "x")
        self.assertEqual(json.loads(done.stdout)["output"], [{"stream": "stdout", "text": "20"}])
        self.assert_ends(self.msb("eval", "--sandbox", "work", "python", "--timeout", "100ms",
                                  "while True: pass"), 124)
        self.assert_ends(self.msb("eval", "--sandbox", "work", "python", "-m", "64", "1"), 125, "",
                         "options that describe a new one do not apply")
        self.assert_ends(self.msb("rm", "work"), 0)


class Servers(ServerCase):
    """Which server is asked, and with which key."""

    def test_none_that_answers_is_said(self):
        # Not the default: somebody's own server may be there.
        nowhere = {"MSB_SERVER_URL": "http://127.0.0.1:1"}
        for words in (["ls"], ["start", "x", IMAGE], ["stop", "x"], ["rm", "x"], ["metrics"],
                      ["logs", "x"], ["exec", "x", "true"], ["eval", "--sandbox", "x", "python", "1"]):
            with self.subTest(words=words):
                done = self.msb(*words, env=nowhere)
                self.assert_ends(done, 125, "", [
                    f"msb: {words[0]}: ", "does a server run at http://127.0.0.1:1?",
                    "`msb server start --detach` starts one"])
                self.assertEqual(done.stderr.count("\n"), 1)
        for words in (["server", "list"], ["server", "log", "x"]):
            self.assert_ends(self.msb(*words), 125, "", "server is not running; start it with")

    def test_that_of_the_home_needs_no_words(self):
        self.serve()
        self.assert_ends(self.msb("start", "x", IMAGE), 0, "", "")
        self.addCleanup(self.msb, "rm", "x")
        self.assertIn("x     running", self.msb("ls").stdout)

    def test_one_is_named_by_option_or_environment(self):
        url = self.serve("--dev")
        other = ["--home", os.path.join(self.scratch, "none")]
        self.assert_ends(self.msb("ls", *other, "--server", url), 0, "NAME  STATUS  ISOLATION\n", "")
        self.assert_ends(self.msb("ls", *other, "--server", url + "/"), 0, "NAME  STATUS  ISOLATION\n", "")
        self.assert_ends(self.msb("ls", *other, env={"MSB_SERVER_URL": url}), 0, "NAME  STATUS  ISOLATION\n")
        # The option wins.
        self.assert_ends(self.msb("ls", *other, "--server", url,
                                  env={"MSB_SERVER_URL": "http://127.0.0.1:1"}), 0)

    def test_a_key_is_given_by_option_or_environment(self):
        url = self.serve()
        remote = ["--home", os.path.join(self.scratch, "none"), "--server", url]
        key = self.msb("server", "keygen", "-q", "-n", "default").stdout.strip()
        self.assert_ends(self.msb("ls", *remote), 125, "", ["401", "MSB_API_KEY or --api-key-file"])
        self.assert_ends(self.msb("ls", *remote, env={"MSB_API_KEY": key}), 0)
        path = os.path.join(self.scratch, "key")
        with open(path, "w", encoding="utf-8") as file:
            file.write(key + "\n")
        self.assert_ends(self.msb("ls", *remote, "--api-key-file", path), 0)
        self.assert_ends(self.msb("ls", *remote, "--api-key-file", path,
                                  env={"MSB_API_KEY": "msb_wrong"}), 0)
        self.assert_ends(self.msb("ls", "-n", "team-b", *remote, "--api-key-file", path), 125, "",
                         "403")
        # One that is given is not replaced by one of the home's own.
        self.assert_ends(self.msb("ls", env={"MSB_API_KEY": "msb_wrong"}), 125, "", "401")
        self.assert_ends(self.msb("ls", *remote, "--api-key-file", "/none"), 125, "",
                         "--api-key-file")

    def test_without_the_home_s_own_key_one_must_be_given(self):
        self.serve()
        os.unlink(os.path.join(self.home, "server.key"))
        self.assert_ends(self.msb("ls"), 125, "", "MSB_API_KEY or --api-key-file")

    def test_speaks_https(self):
        openssl = shutil.which("openssl")
        if openssl is None:
            self.skipTest("openssl, which makes the certificate, is not installed")
        certificate, key = (os.path.join(self.scratch, name) for name in ("cert.pem", "key.pem"))
        subprocess.run([openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)
        url = self.serve("--tls-cert", "cert.pem", "--tls-key", "key.pem", cwd=self.scratch)
        self.assertTrue(url.startswith("https://127.0.0.1:"), url)
        self.assertEqual(self.request(url, "GET", "/api/v1/health", ca_file=certificate)[0], 200)
        # That of the home is known by its certificate.
        self.assert_ends(self.msb("ls"), 0, "NAME  STATUS  ISOLATION\n", "")
        self.assertEqual(self.status()["sandboxes"], {"running": 0, "defined": 0})
        key = {"MSB_API_KEY": self.msb("server", "keygen", "--quiet").stdout.strip()}
        remote = ["--home", os.path.join(self.scratch, "none"), "--server", url]
        self.assert_ends(self.msb("ls", *remote, env=key), 125, "",
                         ["certificate", "trust its certificate with --ca-file"])
        self.assert_ends(self.msb("ls", *remote, "--ca-file", certificate, env=key), 0)
        self.assert_ends(self.msb("ls", *remote, env={**key, "SSL_CERT_FILE": certificate}), 0)
        self.assert_ends(self.msb("server", "stop"), 0)

    def test_one_that_listens_everywhere_is_found_here(self):
        done = self.msb("server", "start", "-d", "--port", "0", "--host", "0.0.0.0")
        self.addCleanup(self.msb, "server", "stop", "--timeout", "0")
        self.assertIn("http://0.0.0.0:", done.stdout)
        self.assertTrue(self.status()["url"].startswith("http://127.0.0.1:"))
        self.assert_ends(self.msb("ls"), 0)


if __name__ == "__main__":
    unittest.main()
