# SPDX-License-Identifier: Apache-2.0
"""msb bench: that it measures and says so; what it measures is nobody's promise."""

import json
import unittest

from harness import WithLanguages


class Bench(WithLanguages):
    def test_prints_a_row_for_each_piece_of_work(self):
        done = self.msb("bench", "--rounds", "2")
        self.assert_ends(done, 0)
        heads, *rows = done.stdout.splitlines()
        self.assertEqual(heads.split(), ["MS", "p50", "p90", "p99"])
        for work in ("/bin/true", "start", "stop", 'code().run("1")', "metrics().all()"):
            self.assertTrue(any(work in row for row in rows), done.stdout)

    def test_json_has_a_time_for_each(self):
        document = json.loads(self.msb("bench", "--rounds", "3", "--json").stdout)
        self.assertEqual(document["rounds"], 3)
        for row in document["rows"]:
            self.assertGreater(row["p50_ms"], 0, row)
            self.assertLessEqual(row["p50_ms"], row["p99_ms"], row)

    def test_a_bad_number_of_rounds_is_refused(self):
        for text in ("0", "many", "-1"):
            self.assert_ends(self.msb("bench", "--rounds", text), 125, "", "1 .. 100000")


if __name__ == "__main__":
    unittest.main()
