# SPDX-License-Identifier: Apache-2.0
"""msb itself, help, version and doctor: what needs no sandbox."""

import json
import os
import pty
import subprocess
import tempfile
import unittest

from harness import DEADLINE_S, MSB, Case

VERBS = (["run"], ["eval"], ["start"], ["exec"], ["ls"], ["metrics"], ["logs"], ["stop"], ["rm"],
         ["pull"], ["image"], ["image", "ls"], ["image", "import"], ["image", "inspect"],
         ["image", "rm"], ["image", "prune"], ["server"], ["server", "start"], ["server", "stop"],
         ["server", "status"], ["server", "list"], ["server", "log"], ["server", "keygen"], ["mcp"],
         ["doctor"], ["bench"], ["version"])


class Verbs(Case):
    def test_alone_gives_an_overview(self):
        done = self.msb()
        self.assert_ends(done, 0)
        for verb in VERBS:
            self.assertIn(f"  {verb[0]} ", done.stdout)
        self.assertEqual(done.stdout, self.msb("--help").stdout)

    def test_each_verb_teaches_itself(self):
        for verb in VERBS:
            with self.subTest(verb=verb):
                done = self.msb(*verb, "--help")
                self.assert_ends(done, 0)
                self.assertIn("Usage: msb " + " ".join(verb), done.stdout)
                examples = done.stdout.split("Examples:")[1]
                self.assertIn("msb " + verb[0], examples)
                self.assertEqual(done.stderr, "")
                self.assertLessEqual(max(map(len, done.stdout.splitlines())), 100)

    def test_help_is_a_verb_too(self):
        self.assertEqual(self.msb("help", "run").stdout, self.msb("run", "-h").stdout)

    def test_a_mistyped_verb_is_recognised(self):
        for typed, meant in (("rnu", "run"), ("images", "image"), ("docter", "doctor")):
            done = self.msb(typed)
            self.assert_ends(done, 125, "", f"did you mean {meant}?")
        self.assert_ends(self.msb("image", "lss"), 125, "", "did you mean ls?")
        self.assert_ends(self.msb("server", "strat"), 125, "", "did you mean start?")
        self.assertNotIn("did you mean", self.msb("frobnicate").stderr)

    def test_version(self):
        done = self.msb("version")
        self.assert_ends(done, 0)
        self.assertRegex(done.stdout, r"^msb \d+\.\d+\.\d+\n$")
        self.assertEqual(self.msb("-V").stdout, done.stdout)
        document = json.loads(self.msb("version", "--json").stdout)
        self.assertEqual("msb " + document["version"] + "\n", done.stdout)

    def test_doctor_examines_each_tier(self):
        document = json.loads(self.msb("doctor", "--json").stdout)
        tiers = {tier["tier"]: tier for tier in document["tiers"]}
        self.assertEqual(set(tiers), {"jail", "oci:crun", "oci:runc", "oci:runsc", "microvm"})
        for tier in tiers.values():
            for finding in tier["findings"]:
                self.assertTrue(finding["topic"])
                self.assertTrue(finding["detail"])
        machine = {finding["topic"]: finding for finding in tiers["microvm"]["findings"]}
        self.assertEqual(set(machine), {"user", "program", "image maker", "kernel", "processor"})
        self.assertIn("/dev/kvm" if machine["processor"]["level"] == "weak" else "KVM",
                      machine["processor"]["detail"])
        done = self.msb("doctor")
        usable = any(tier["usable"] for tier in tiers.values())
        self.assertEqual(done.returncode, 0 if usable else 1)
        self.assertIn("jail: usable" if tiers["jail"]["usable"] else "jail: not usable",
                      done.stdout)

    def test_doctor_audits_a_home(self):
        with tempfile.TemporaryDirectory() as home:
            dead = os.path.join(home, "run", "0123456789abcdef")
            os.makedirs(dead)
            done = self.msb("doctor", "--audit", "--home", home)
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn(dead + ": its engine is dead\n", done.stdout)
            self.assertIn("to mend: the next sandbox that is started in this home removes it",
                          done.stdout)
            done = self.msb("doctor", "--audit", "--json", "--home", home)
            document = json.loads(done.stdout)
            self.assertFalse(document["clean"])
            self.assertEqual(document["engines"], [])
            topics = {topic["topic"]: topic for topic in document["topics"]}
            self.assertEqual([leftover["engine_id"] for leftover in topics["folders"]["leftovers"]],
                             ["0123456789abcdef"])

    def test_colour_is_for_terminals(self):
        self.assertNotIn("\033[", self.msb("doctor").stdout)
        self.assertIn("\033[", self.on_terminal("doctor", TERM="xterm"))
        self.assertNotIn("\033[", self.on_terminal("doctor", TERM="xterm", NO_COLOR="1"))
        self.assertNotIn("\033[", self.on_terminal("doctor", TERM="dumb"))

    def on_terminal(self, *arguments, **env):
        main, side = pty.openpty()
        env = {"NO_COLOR": "", **env}
        process = subprocess.Popen([MSB, *arguments], stdin=side, stdout=side, stderr=side,
                                   env=self.environment(**env))
        os.close(side)
        text = b""
        try:
            while chunk := os.read(main, 65536):
                text += chunk
        except OSError:
            pass  # EIO: the other side is closed
        os.close(main)
        process.wait(DEADLINE_S)
        return text.decode()

    def test_a_reader_that_goes_away_is_no_error(self):
        read_end, write_end = os.pipe()
        os.close(read_end)
        done = subprocess.run([MSB, "--help"], stdout=write_end, stderr=subprocess.PIPE,
                              timeout=DEADLINE_S)
        os.close(write_end)
        self.assertEqual(done.stderr, b"")

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([MSB, "--help"], stdout=full, stderr=subprocess.PIPE,
                                  timeout=DEADLINE_S)
        self.assertEqual(done.returncode, 125)
        self.assertIn(b"No space left", done.stderr)

    def test_closed_standard_descriptors_do_no_harm(self):
        script = f'exec "{MSB}" version <&- >&- 2>&-'
        self.assertEqual(subprocess.run(["sh", "-c", script], timeout=DEADLINE_S).returncode, 0)

    def test_home_is_an_option_of_every_verb(self):
        other = os.path.join(self.scratch, "other")
        self.assertEqual(self.msb("image", "ls", "-q", "--home", other).stdout, "")
        self.assertEqual(self.msb("--home", other, "image", "ls", "-q").stdout, "")
        self.assertIn("test/tiny", self.msb("image", "ls", "-q").stdout)


class BadArguments(Case):
    def test_are_refused_with_a_pointer_to_help(self):
        table = (
            (["run"], "IMAGE is missing"),
            (["run", "--memroy", "1", "x"], "did you mean --memory?"),
            (["run", "-it", "x"], "unknown option -it"),
            (["run", "--memory"], "--memory needs a value"),
            (["run", "--memory", "lots", "x"], "--memory: 'lots' is not a size"),
            (["run", "--cpus", "two", "x"], "--cpus: 'two' is not a number of cores"),
            (["run", "--timeout", "soon", "x"], "--timeout: 'soon' is not a time"),
            (["run", "--processes", "", "x"], "--processes: '' is not a number"),
            (["run", "--quiet=maybe", "x"], "--quiet takes no value"),
            (["eval"], "which language?"),
            (["eval", "ruby", "1"], "unknown language: 'ruby'"),
            (["eval", "python", "-f", "x.py", "1"], "not both"),
            (["eval", "python", "-x"], "unknown option -x"),
            (["pull"], "REF is missing"),
            (["image", "import"], "give one PATH"),
            (["image", "inspect"], "give one REF"),
            (["image", "rm"], "REF is missing"),
            (["image", "ls", "x"], "unexpected 'x'"),
            (["start"], "NAME is missing"),
            (["start", "x", "image", "more"], "unexpected 'more'"),
            (["start", "x", "image", "--image", "other"], "unexpected 'image'"),
            (["exec", "x", "--timeout", "soon", "--", "true"], "--timeout: 'soon' is not a time"),
            (["exec", "x", "--evn", "A=b", "--", "true"], "did you mean --env?"),
            (["pause"], "NAME is missing"),
            (["resume"], "NAME is missing"),
            (["stop"], "NAME is missing"),
            (["rm"], "NAME is missing"),
            (["ls", "x"], "unexpected 'x'"),
            (["metrics", "x", "y"], "unexpected 'y'"),
            (["logs"], "give one NAME"),
            (["logs", "-t", "all", "x"], "--tail: 'all' is not a number of lines"),
            (["server", "list", "x"], "unexpected 'x'"),
            (["server", "log", "x", "y"], "unexpected 'y'"),
            (["server", "start", "--prot", "1"], "not expected: "),
            (["server", "start", "--port", "65536"], "--port: Value 65536 not in range"),
            (["server", "start", "--key", "k", "--reset-key"], "--key excludes --reset-key"),
            (["server", "start", "--tls-cert", "c"], "--tls-cert requires --tls-key"),
            (["server", "stop", "now"], "unexpected 'now'"),
            (["server", "stop", "--timeout", "soon"], "--timeout: 'soon' is not a time"),
            (["server", "log", "--tail", "few"], "--tail: 'few' is not a number of lines"),
            (["server", "keygen", "--expire", "soon"], "--expire: 'soon' is not a time"),
            (["doctor", "x"], "unexpected 'x'"),
            (["version", "x"], "unexpected 'x'"),
        )
        for arguments, reason in table:
            with self.subTest(arguments=arguments):
                done = self.msb(*arguments)
                self.assert_ends(done, 125, "", ["msb: ", reason, "--help)"])
                self.assertEqual(done.stderr.count("\n"), 1)


if __name__ == "__main__":
    unittest.main()
