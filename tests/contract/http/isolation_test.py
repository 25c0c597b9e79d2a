# SPDX-License-Identifier: Apache-2.0
"""Callers choose the walls of their sandboxes among those that the server allows."""

import unittest

from server import PYTHON, Case, Server, lines


class Isolation(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.stop()
        cls.server = Server(cls.home, "--dev", "--isolation", "oci:crun,jail")

    def start(self, name, **config):
        self.addCleanup(self.call, "sandbox.remove", {"sandbox": name})
        return self.call("sandbox.start", {"sandbox": name, "config": {**PYTHON, **config}})

    def has_runtime(self, name):
        """Where an OCI runtime has made the sandbox, its agent is a file in it."""
        ran = self.call("sandbox.command.run", {"sandbox": name, "command": "sh", "args": [
            "-c", "test -e /.sandbox/agent && echo yes || echo no"]})
        return lines(ran.result) == ["yes"]

    def test_the_first_is_the_default(self):
        self.start("usual").result
        self.assertTrue(self.has_runtime("usual"))

    def test_another_one_of_the_list(self):
        self.start("other", isolation="jail").result
        self.assertFalse(self.has_runtime("other"))

    def test_one_that_is_not_on_it(self):
        answer = self.start("refused", isolation="oci:runsc")
        self.assertIn("isolation 'oci:runsc': is not allowed here; allowed: oci:crun jail", answer.json["error"])

    def test_one_that_runs_with_others(self):
        self.start("running", isolation="jail").result
        answer = self.start("running", isolation="oci:crun")
        self.assertIn("is running already, with isolation 'jail'", answer.json["error"])
        self.start("running").result

    def test_what_is_no_text(self):
        self.assert_failure(self.start("wrong", isolation=7), 400, 2001)


if __name__ == "__main__":
    unittest.main()
