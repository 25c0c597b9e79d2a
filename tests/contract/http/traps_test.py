# SPDX-License-Identifier: Apache-2.0
"""Defects of older servers that are not ours, beyond those in edge_test: output that was lost or
dropped, definitions that poisoned their namespace, starts that raced, fields without effect."""

import unittest
from concurrent.futures import ThreadPoolExecutor

from server import PYTHON, Case, lines

NODE = {**PYTHON, "image": "microsandbox/node"}


class Output(Case):
    def test_node_keeps_lines_that_look_like_a_prompt(self):
        name = self.started("prompts", NODE)
        ran = self.call("sandbox.repl.run", {"sandbox": name, "language": "nodejs", "code":
                        "console.log('> a'); console.log(''); console.log('.. b'); console.log('...c')\n"
                        "const x = [3, 1, 2]\n  .map(n => n + 1)\n  .sort()\nx.join()"}).result
        self.assertEqual(lines(ran), ["> a", "", ".. b", "...c", "'2,3,4'"])

    def test_what_is_written_last_arrives(self):
        name = self.started("tails")
        for number in range(20):
            ran = self.call("sandbox.command.run", {"sandbox": name, "command": "sh", "args": [
                "-c", f"seq 1 2000; echo end {number}; echo last {number} >&2"]}).result
            self.assertEqual((lines(ran)[-1], lines(ran, "stderr")), (f"end {number}", [f"last {number}"]))
        failed = self.run_python(name, "print('before')\n1/0")
        self.assertEqual(lines(failed), ["before"])
        self.assertEqual(lines(failed, "stderr")[-1], "ZeroDivisionError: division by zero")

    def test_runs_of_many_clients_keep_apart(self):
        name = self.started("many")
        def run(number):
            return lines(self.run_python(name, f"v = {number}\nfor i in range(50): print(v)"))
        with ThreadPoolExecutor(16) as clients:
            for number, got in enumerate(clients.map(run, range(32))):
                self.assertEqual(got, [str(number)] * 50)


class Definitions(Case):
    def test_a_malformed_field_harms_no_other_sandbox(self):
        name = self.started("healthy")
        for wrong in ({"envs": ["=x"]}, {"ports": ["70000"]}, {"volumes": [":"]}, {"image": "No Such:"},
                      {"depends_on": ["nobody"]}, {"scripts": {"a/b": ""}}):
            self.assertGreaterEqual(self.call("sandbox.start", {"sandbox": "poison", "config": {**PYTHON, **wrong}}).status,
                                    400, wrong)
        self.assertEqual(lines(self.run_python(name, "1")), ["1"])
        found = self.call("sandbox.metrics.get").result["sandboxes"]
        self.assertEqual([one["name"] for one in found], [name])
        self.call("sandbox.stop", {"sandbox": name}).result
        self.call("sandbox.start", {"sandbox": name}).result

    def test_starts_at_once_lose_no_definition(self):
        names = [f"race-{number}" for number in range(8)]
        with ThreadPoolExecutor(16) as clients:
            list(clients.map(self.started, names * 2))
        found = self.call("sandbox.metrics.get").result["sandboxes"]
        self.assertEqual({(one["name"], one["running"]) for one in found}, {(name, True) for name in names})
        for name in names:
            self.assertEqual(lines(self.run_python(name, f"'{name}'")), [f"'{name}'"])

    def test_dependencies_are_started_first(self):
        base = self.started("base")
        self.call("sandbox.stop", {"sandbox": base}).result
        self.started("top", {**PYTHON, "depends_on": [base]})
        found = self.call("sandbox.metrics.get", {"sandbox": base}).result["sandboxes"]
        self.assertTrue(found[0]["running"])

    def test_exec_and_start_scripts_do_not_replace_the_sandbox(self):
        name = self.started("scripts", {**PYTHON, "scripts": {"start": "echo started"}, "exec": "start > /tmp/said"})
        wait = {"sandbox": name, "command": "sh", "args": ["-c", "until [ -s /tmp/said ]; do :; done; cat /tmp/said"]}
        self.assertEqual(lines(self.call("sandbox.command.run", wait).result), ["started"])


if __name__ == "__main__":
    unittest.main()
