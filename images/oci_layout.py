#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Packs root file systems into the layers of an OCI image, and layers into an image layout.

    oci_layout.py layer ROOT OUT [--parent LAYER]   OUT/layer.tar.zst and OUT/layer.json
    oci_layout.py image OUT --name NAME --config FILE --label KEY=VALUE --layer LAYER...

A layer with a parent holds what ROOT has and the parent's tree has not. The parent is read from its own tar, so ROOT
must have been extracted from it: what nobody touched then still has the time recorded there. Names that are gone
become whiteouts (".wh.NAME"). The same trees give the same bytes: entries are sorted, owners numeric, and no time is
later than SOURCE_DATE_EPOCH.
"""

import argparse
import datetime
import hashlib
import json
import os
import stat
import subprocess
import tarfile

EPOCH = int(os.environ["SOURCE_DATE_EPOCH"])
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+zstd"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


class Hashing:
    """A file that digests what is written through it."""

    def __init__(self, sink):
        self.sink, self.sha256, self.size = sink, hashlib.sha256(), 0

    def write(self, data):
        self.sha256.update(data)
        self.size += len(data)
        return self.sink.write(data)

    def digest(self):
        return "sha256:" + self.sha256.hexdigest()


def walk(root):
    """Every name below root, parents first, in byte order of the components."""
    pending = [""]
    while pending:
        path = pending.pop()
        if path:
            yield path
        full = os.path.join(root, path)
        if stat.S_ISDIR(os.lstat(full).st_mode):
            names = sorted(os.listdir(full), reverse=True)
            pending.extend(os.path.join(path, name) for name in names)


def fingerprint(mode, uid, gid, mtime, size, link):
    """What tells a changed entry; a folder's time changes whenever a name in it does, and says nothing."""
    kind = stat.S_IFMT(mode)
    same = (kind, stat.S_IMODE(mode), uid, gid)
    return same if kind == stat.S_IFDIR else same + (int(mtime), size, link)


def read_parent(layer):
    """The parent's tree: name -> fingerprint."""
    tree = {}
    unzstd = subprocess.Popen(
        ["zstd", "-dcq", os.path.join(layer, "layer.tar.zst")], stdout=subprocess.PIPE
    )
    with unzstd, tarfile.open(fileobj=unzstd.stdout, mode="r|") as tar:
        for info in tar:
            if info.islnk():  # A hard link's own header carries no size.
                tree[info.name] = tree[info.linkname]
                continue
            kind = {tarfile.DIRTYPE: stat.S_IFDIR, tarfile.SYMTYPE: stat.S_IFLNK}.get(info.type, stat.S_IFREG)
            tree[info.name] = fingerprint(
                kind | info.mode, info.uid, info.gid, info.mtime, info.size, info.linkname
            )
    return tree


def read_entry(root, path):
    """The same fingerprint, of a name below root."""
    full = os.path.join(root, path)
    status = os.lstat(full)
    link, size = "", status.st_size
    if stat.S_ISLNK(status.st_mode):
        link, size = os.readlink(full), 0
    elif not stat.S_ISDIR(status.st_mode) and not stat.S_ISREG(status.st_mode):
        raise SystemExit(f"oci_layout: {path}: neither file, folder nor symbolic link")
    return fingerprint(status.st_mode, status.st_uid, status.st_gid, status.st_mtime, size, link)


def pack(tar, root, parent):
    """Adds what differs from parent, and says how many bytes of files that is."""
    bytes_added = 0
    names, folders = set(), {""}
    unchanged = []  # The folders above the current name that are not written: they are once something below them is.
    for path in walk(root):
        names.add(path)
        entry = read_entry(root, path)
        is_folder = entry[0] == stat.S_IFDIR
        if is_folder:
            folders.add(path)
        while unchanged and not path.startswith(unchanged[-1] + "/"):
            unchanged.pop()
        if parent.get(path) == entry:
            if is_folder:
                unchanged.append(path)
            continue
        for changed in [*unchanged, path]:
            bytes_added += add(tar, root, changed)
        unchanged.clear()

    for path in sorted(parent.keys() - names):
        folder, name = os.path.split(path)
        if folder in folders:  # Else what became of the folder covers it.
            tar.addfile(tarfile.TarInfo(os.path.join(folder, ".wh." + name)))
    return bytes_added


def add(tar, root, path):
    full = os.path.join(root, path)
    info = tar.gettarinfo(full, arcname=path)
    info.uname = info.gname = ""
    info.mtime = min(int(info.mtime), EPOCH)
    if not info.isreg():
        tar.addfile(info)
        return 0
    with open(full, "rb") as file:
        tar.addfile(info, file)
    return info.size


def make_layer(args):
    parent = read_parent(args.parent) if args.parent else {}
    os.makedirs(args.out, exist_ok=True)
    target = os.path.join(args.out, "layer.tar.zst")
    with open(target, "wb") as compressed:
        zstd = subprocess.Popen(["zstd", "-cq", "-3", "-T0"], stdin=subprocess.PIPE, stdout=compressed)
        sink = Hashing(zstd.stdin)
        with tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            unpacked = pack(tar, args.root, parent)
        zstd.stdin.close()
        if zstd.wait() != 0:
            raise SystemExit("oci_layout: zstd failed")
    description = {
        "diff_id": sink.digest(),
        "unpacked_bytes": unpacked,
        "descriptor": {"mediaType": LAYER_TYPE, **describe_file(target)},
    }
    with open(os.path.join(args.out, "layer.json"), "w") as file:
        json.dump(description, file, indent=2)


def describe_file(path):
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"digest": "sha256:" + digest, "size": os.path.getsize(path)}


def make_image(args):
    blobs = os.path.join(args.out, "blobs", "sha256")
    os.makedirs(blobs)

    def add_blob(media_type, content):
        data = json.dumps(content, indent=2).encode()
        digest = hashlib.sha256(data).hexdigest()
        with open(os.path.join(blobs, digest), "wb") as file:
            file.write(data)
        return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data)}

    layers = []
    for folder in args.layer:
        with open(os.path.join(folder, "layer.json")) as file:
            layers.append(json.load(file))
        descriptor = layers[-1]["descriptor"]
        os.link(
            os.path.join(folder, "layer.tar.zst"),
            os.path.join(blobs, descriptor["digest"].removeprefix("sha256:")),
        )

    with open(args.config) as file:
        run_config = json.load(file)
    run_config["Labels"] = dict(label.split("=", 1) for label in args.label)
    created = datetime.datetime.fromtimestamp(EPOCH, datetime.timezone.utc)
    created = created.strftime("%Y-%m-%dT%H:%M:%SZ")
    architecture = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()
    config = {
        "created": created,
        "architecture": architecture,
        "os": "linux",
        "config": run_config,
        "rootfs": {"type": "layers", "diff_ids": [layer["diff_id"] for layer in layers]},
        "history": [{"created": created, "created_by": f"images/{args.name}"} for _ in layers],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": add_blob(CONFIG_TYPE, config),
        "layers": [layer["descriptor"] for layer in layers],
    }
    entry = add_blob(MANIFEST_TYPE, manifest)
    entry["platform"] = {"architecture": architecture, "os": "linux"}
    entry["annotations"] = {"org.opencontainers.image.ref.name": args.name}
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [entry]}
    with open(os.path.join(args.out, "index.json"), "w") as file:
        json.dump(index, file, indent=2)
    with open(os.path.join(args.out, "oci-layout"), "w") as file:
        json.dump({"imageLayoutVersion": "1.0.0"}, file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)

    layer = commands.add_parser("layer")
    layer.add_argument("root")
    layer.add_argument("out")
    layer.add_argument("--parent")
    layer.set_defaults(run=make_layer)

    image = commands.add_parser("image")
    image.add_argument("out")
    image.add_argument("--name", required=True)
    image.add_argument("--config", required=True)
    image.add_argument("--label", action="append", default=[])
    image.add_argument("--layer", action="append", required=True)
    image.set_defaults(run=make_image)

    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
