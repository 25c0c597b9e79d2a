# SPDX-License-Identifier: Apache-2.0
"""What callers may mount of the host, and how they try to mount more."""

import os
import tempfile
import unittest

from server import PYTHON, Case, Server, lines


class Volumes(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.stop()
        cls.root = os.path.join(cls.scratch, "root")
        cls.outside = os.path.join(cls.scratch, "outside")
        cls.own = os.path.join(cls.scratch, "namespaces", "default", "mine")
        for folder in (cls.root, cls.outside, cls.own):
            os.makedirs(folder)
        for folder in (cls.outside, cls.own):
            with open(os.path.join(folder, "file"), "w", encoding="ascii") as file:
                file.write("of " + os.path.basename(folder))
        cls.restart("--volume-root", cls.root)

    @classmethod
    def restart(cls, *flags):
        cls.server = Server(cls.home, "--dev", "--path", os.path.join(cls.scratch, "namespaces"), *flags)

    def folder(self):
        return tempfile.mkdtemp(dir=self.root)

    def try_to_start(self, name, *volumes):
        self.addCleanup(self.call, "sandbox.remove", {"sandbox": name})
        return self.call("sandbox.start", {"sandbox": name, "config": {**PYTHON, "volumes": list(volumes)}})

    def assert_refused(self, answer):
        self.assert_failure(answer, 500, 5002)
        self.assertIn("not a folder beneath a volume root", answer.json["error"])
        # What the caller has written itself may be in it.
        for secret in (self.outside, os.path.dirname(self.own)):
            self.assertNotIn(secret, answer.json["error"])

    def shell(self, name, script):
        return lines(self.call("sandbox.command.run", {"sandbox": name, "command": "sh", "args": ["-c", script]}).result)

    def test_beneath_a_root(self):
        folder = self.folder()
        self.try_to_start("beneath", f"{folder}:/mnt").result
        self.assertEqual(self.shell("beneath", "echo x > /mnt/y; cat /mnt/y"), ["x"])
        self.assertTrue(os.path.exists(os.path.join(folder, "y")))

    def test_relative_paths_are_the_namespaces_own(self):
        self.try_to_start("relative", "mine:/mnt:ro").result
        self.assertEqual(self.shell("relative", "cat /mnt/file"), ["of mine"])

    def test_a_folder_of_the_namespace_that_is_no_more(self):
        gone = os.path.join(os.path.dirname(self.own), "gone")
        os.mkdir(gone)
        self.try_to_start("gone", "gone:/mnt").result
        self.call("sandbox.stop", {"sandbox": "gone"}).result
        os.rmdir(gone)
        self.assert_refused(self.call("sandbox.start", {"sandbox": "gone"}))

    def test_what_is_elsewhere(self):
        link = os.path.join(self.folder(), "link")
        os.symlink(self.outside, link)
        for volume in (self.outside, "/", "/etc", "/nowhere", f"{self.root}/../outside", link, "../default/mine/../..",
                       self.own, f"{self.root}-not", "//etc"):
            self.assert_refused(self.try_to_start("elsewhere", f"{volume}:/mnt"))

    def test_a_link_that_stays_beneath_its_root(self):
        folder = self.folder()
        os.symlink(folder, folder + "-link")
        self.try_to_start("stays", f"{folder}-link:/mnt").result

    def test_a_guest_that_puts_a_link_where_the_folder_was(self):
        folder = self.folder()
        os.mkdir(os.path.join(folder, "inner"))
        self.try_to_start("writer", f"{folder}:/mnt").result
        self.try_to_start("victim", f"{folder}/inner:/mnt").result
        self.call("sandbox.stop", {"sandbox": "victim"}).result
        self.shell("writer", f"rmdir /mnt/inner && ln -s {self.outside} /mnt/inner")
        self.assertTrue(os.path.islink(os.path.join(folder, "inner")))
        self.assert_refused(self.call("sandbox.start", {"sandbox": "victim"}))

    def test_what_was_defined_under_other_roots(self):
        folder = self.folder()
        self.try_to_start("before", f"{folder}:/mnt").result
        self.server.stop()
        self.restart()
        try:
            self.assert_refused(self.call("sandbox.start", {"sandbox": "before"}))
        finally:
            self.server.stop()
            self.restart("--volume-root", self.root)
        self.call("sandbox.start", {"sandbox": "before"}).result


if __name__ == "__main__":
    unittest.main()
