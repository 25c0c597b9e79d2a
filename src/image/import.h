// SPDX-License-Identifier: Apache-2.0
//
// What a path holds, told from its content: an OCI layout (folder or tar), a `docker save` tar or a
// tar of a root file system, each of them packed with gzip or zstd if it likes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/try.h"
#include "image/home.h"
#include "image/import_source.h"
#include "image/install.h"
#include "image/store.h"
#include "image/unpacker.h"

namespace msb::image {

// The images of that path, ready to be installed; the packed layers stay where they are. Errors
// name what is wrong with the archive.
Result<std::vector<IncomingImage>> open_import(const std::string& path,
                                               const ImportOptions& options, const Home& home,
                                               const Unpacker& unpacker);

// --- one per format ------------------------------------------------------------------------------
using SharedSource = std::shared_ptr<const ImportSource>;

// index.json and blobs/.
Result<std::vector<IncomingImage>> import_oci_layout(const SharedSource& source,
                                                     const std::string& name);
// manifest.json, as `docker save` and `skopeo copy ... docker-archive:` write it.
Result<std::vector<IncomingImage>> import_docker_archive(const SharedSource& source,
                                                         const std::string& manifest_json,
                                                         const std::string& name);
// One layer, without documents. `tar` is uncompressed.
Result<std::vector<IncomingImage>> import_rootfs(base::UniqueFd tar, const std::string& name);

}  // namespace msb::image
