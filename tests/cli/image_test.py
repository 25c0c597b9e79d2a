# SPDX-License-Identifier: Apache-2.0
"""msb pull and msb image: what is here, and how it gets here and goes."""

import gzip
import json
import os
import shutil
import socket
import subprocess
import tarfile
import unittest
import urllib.request

from harness import DEADLINE_S, Case, digest_of, docker_archive, image_config

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


def blobs_of(layer, **config):
    """config, layer and manifest of an image, by digest; the manifest is the last one."""
    packed = gzip.compress(layer, compresslevel=1, mtime=0)
    settings = image_config(layer, **config)
    manifest = json.dumps({
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
                   "digest": digest_of(settings), "size": len(settings)},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                    "digest": digest_of(packed), "size": len(packed)}],
    }).encode()
    return {digest_of(blob): blob for blob in (settings, packed, manifest)}


def oci_layout(folder, name, blobs):
    manifest = list(blobs)[-1]
    os.makedirs(os.path.join(folder, "blobs", "sha256"))
    for digest, blob in blobs.items():
        with open(os.path.join(folder, "blobs", *digest.split(":")), "wb") as file:
            file.write(blob)
    index = {"schemaVersion": 2, "manifests": [
        {"mediaType": MANIFEST_TYPE, "digest": manifest, "size": len(blobs[manifest]),
         "annotations": {"org.opencontainers.image.ref.name": name}}]}
    for file_name, document in (("index.json", index),
                                ("oci-layout", {"imageLayoutVersion": "1.0.0"})):
        with open(os.path.join(folder, file_name), "w", encoding="utf-8") as file:
            json.dump(document, file)


class Images(Case):
    def listed(self):
        return {entry["reference"]: entry
                for entry in json.loads(self.msb("image", "ls", "--json").stdout)}

    def reference(self, name):
        found = [reference for reference in self.listed() if name in reference]
        self.assertEqual(len(found), 1, self.listed())
        return found[0]

    def path(self, name):
        return os.path.join(self.scratch, name)

    def test_ls_is_a_table_for_people(self):
        done = self.msb("image", "ls")
        self.assert_ends(done, 0)
        head, *rows = done.stdout.splitlines()
        self.assertEqual(head.split(), ["REFERENCE", "DIGEST", "SIZE", "CREATED"])
        self.assertRegex("\n".join(rows), r"(?m)^\S*test/tiny\S* +[0-9a-f]{12} +[0-9.]+ MiB +\S")

    def test_ls_json_has_the_whole(self):
        entry = self.listed()[self.reference("test/tiny")]
        self.assertRegex(entry["digest"], "^sha256:[0-9a-f]{64}$")
        self.assertGreater(entry["size_bytes"], 100_000)

    def test_an_empty_home_has_no_images(self):
        self.assertEqual(json.loads(self.msb("--home", self.path("empty"), "image", "ls",
                                             "--json").stdout), [])

    def test_inspect_prints_json(self):
        document = json.loads(self.msb("image", "inspect", "test/tiny").stdout)
        self.assertEqual(document["digest"], self.listed()[self.reference("test/tiny")]["digest"])
        self.assertIn("config", document)
        self.assert_ends(self.msb("image", "inspect", "test/none"), 125, "",
                         ["msb: image: ", "test/none"])

    def test_each_importer_makes_an_image_that_runs(self):
        oci_layout(self.path("layout"), "test/layout:1",
                   blobs_of(self.layer, Cmd=["/bin/sh", "-c", "echo own"]))
        with tarfile.open(self.path("layout.tar"), "w") as tar:
            for entry in sorted(os.listdir(self.path("layout"))):
                tar.add(os.path.join(self.path("layout"), entry), entry)
        docker_archive(self.path("docker.tar"), "test/docker:1", self.layer)
        with open(self.path("rootfs.tar"), "wb") as file:
            file.write(self.layer)
        with gzip.open(self.path("rootfs.tar.gz"), "wb", compresslevel=1) as file:
            file.write(self.layer)
        for path, name in (("layout", "test/a"), ("layout.tar", "test/b"), ("docker.tar", "test/c"),
                           ("rootfs.tar", "test/d"), ("rootfs.tar.gz", "test/e")):
            with self.subTest(path=path):
                done = self.msb("image", "import", "--name", name, self.path(path))
                self.assert_ends(done, 0)
                self.assertIn(name, done.stdout)
                self.assert_ends(self.msb("run", name, "sh", "-c", "echo $((6 * 7))"), 0, "42\n")
        done = self.msb("image", "import", "-q", self.path("docker.tar"))
        self.assert_ends(done, 0)
        self.assertIn("test/docker:1", done.stdout)
        self.assertEqual(done.stderr, "")

    def test_import_tells_what_is_wrong(self):
        self.assert_ends(self.msb("image", "import", "/no/such/file"), 125, "", "/no/such/file")
        with open(self.path("noise"), "wb") as file:
            file.write(os.urandom(5000))
        done = self.msb("image", "import", "--name", "test/noise", self.path("noise"))
        self.assert_ends(done, 125, "", ["msb: image: ", "noise"])
        self.assertNotIn("test/noise", self.msb("image", "ls").stdout)

    def test_rm_and_prune(self):
        docker_archive(self.path("gone.tar"), "test/gone:1", self.layer, Cmd=["x"])
        self.assert_ends(self.msb("image", "import", self.path("gone.tar")), 0)
        self.assert_ends(self.msb("image", "rm", "test/none", "test/gone:1"), 125, "", "test/none")
        self.assertNotIn("test/gone", self.msb("image", "ls").stdout)
        done = self.msb("image", "prune")
        self.assert_ends(done, 0)
        self.assertRegex(done.stdout, r"^freed [0-9.]+ \w+\n$")
        self.assert_ends(self.msb("run", "test/tiny"), 0, "own\n")


@unittest.skipUnless(shutil.which("docker-registry"), "docker-registry is not installed")
class Pull(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            cls.registry = f"127.0.0.1:{probe.getsockname()[1]}"
        config = os.path.join(cls.scratch, "registry.yml")
        with open(config, "w", encoding="utf-8") as file:
            json.dump({"version": "0.1", "log": {"level": "error"},
                       "storage": {"filesystem": {"rootdirectory": cls.scratch + "/registry"}},
                       "http": {"addr": cls.registry}}, file)  # JSON is YAML
        server = subprocess.Popen(["docker-registry", "serve", config], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        cls.addClassCleanup(server.wait)
        cls.addClassCleanup(server.kill)
        probe = cls("push")
        probe.eventually(lambda: probe.answers("/v2/"), "the registry does not answer")
        probe.push()

    def answers(self, path):
        try:
            with urllib.request.urlopen(f"http://{self.registry}{path}", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def request(self, method, url, data=None, content_type="application/octet-stream"):
        request = urllib.request.Request(url, data=data, method=method,
                                         headers={"Content-Type": content_type})
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
            return answer.headers

    def push(self):
        base = f"http://{self.registry}/v2/team/app"
        blobs = blobs_of(self.layer, Cmd=["/bin/sh", "-c", "echo pulled"])
        *contents, manifest = blobs
        for digest in contents:
            place = self.request("POST", base + "/blobs/uploads/", b"")["Location"]
            mark = "&" if "?" in place else "?"
            self.request("PUT", f"{place}{mark}digest={digest}", blobs[digest])
        self.request("PUT", base + "/manifests/1", blobs[manifest], MANIFEST_TYPE)
        type(self).digest = manifest

    def test_an_image_is_pulled_and_runs(self):
        reference = f"{self.registry}/team/app:1"
        done = self.msb("pull", reference)
        self.assert_ends(done, 0, self.digest + "\n", [reference, "MiB", ": done"])
        self.assert_ends(self.msb("run", reference), 0, "pulled\n")
        done = self.msb("pull", "--quiet", f"{self.registry}/team/app@{self.digest}")
        self.assert_ends(done, 0, self.digest + "\n")
        self.assertEqual(done.stderr, "")

    def test_run_pulls_what_is_not_here(self):
        home = os.path.join(self.scratch, "fresh")
        done = self.msb("run", "--home", home, f"{self.registry}/team/app:1")
        self.assert_ends(done, 0, "pulled\n", "unpacking")
        done = self.msb("run", "--home", home, f"{self.registry}/team/app:1")
        self.assert_ends(done, 0, "pulled\n")
        self.assertEqual(done.stderr, "")

    def test_what_does_not_exist_is_told(self):
        done = self.msb("pull", f"{self.registry}/team/app:none")
        self.assert_ends(done, 125, "", ["msb: pull: ", "none"])
        done = self.msb("run", f"{self.registry}/team/none", "true")
        self.assert_ends(done, 125, "", ["msb: run: ", "team/none"])
        done = self.msb("pull", "127.0.0.1:1/x")
        self.assert_ends(done, 125, "", ["msb: pull: ", "127.0.0.1:1"])


if __name__ == "__main__":
    unittest.main()
