// SPDX-License-Identifier: Apache-2.0
//
// The local image store: an OCI image layout (index.json, blobs/) plus the unpacked layers, all
// content-addressed, beneath $MSB_HOME. Several programs may use one store at once: pulls of one
// image are serialised by a file lock, index.json is replaced by rename, and a layer becomes
// visible only when it is complete.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::image {

// The part of the OCI image configuration that a sandbox honours.
struct ImageConfig {
  std::vector<std::string> env;  // KEY=VALUE
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::string user;  // "", "name", "uid", "user:group"
  std::string workdir;
  std::vector<std::uint16_t> exposed_tcp_ports;
};

struct Image {
  std::string reference;  // as stored: "docker.io/library/alpine:latest"
  std::string digest;     // of the manifest: "sha256:..."
  ImageConfig config;
  std::vector<std::string> layer_paths;  // unpacked roots, lowest first
  std::uint64_t size_bytes = 0;          // of the unpacked layers
  std::string created;                   // RFC 3339, as the config says; may be empty
  // Held while the image is in use: prune and remove leave its layers alone.
  std::shared_ptr<base::UniqueFd> lease;
};

struct Progress {
  enum class Stage { kResolve, kDownload, kUnpack, kDone };
  Stage stage = Stage::kResolve;
  std::string item;  // layer digest, shortened by whoever shows it
  std::uint64_t done_bytes = 0;
  std::uint64_t total_bytes = 0;  // 0: not known
};
// Called from any thread of the pull, one at a time.
using ProgressCallback = std::function<void(const Progress&)>;

struct PullOptions {
  bool plain_http = false;  // also for hosts that are not loopback
  ProgressCallback on_progress;
  std::stop_token stop;
};

struct ImportOptions {
  // The name to store it under; empty: the archive's own (an error if it has none).
  std::string name;
  ProgressCallback on_progress;
  std::stop_token stop;
};

class Store {
 public:
  struct Options {
    std::string home;         // $MSB_HOME; created 0700 if it is not there
    std::string unpack_path;  // msb-unpack executable
  };
  static Result<std::shared_ptr<Store>> open(const Options& options);
  virtual ~Store() = default;

  // The local image of that reference or digest, or nothing. kInvalidArgument: not a reference.
  virtual Result<std::optional<Image>> find(const std::string& reference) = 0;
  // Downloads what is missing and stores it under `reference`. Resolves the tag anew.
  virtual Result<Image> pull(const std::string& reference, const PullOptions& options) = 0;
  // find(), else pull(): "a local image of that name is used before a registry is asked".
  virtual Result<Image> find_or_pull(const std::string& reference, const PullOptions& options) = 0;
  // `path`: a `docker save` tar, an OCI layout (folder or tar), or a tar of a root file system.
  virtual Result<std::vector<Image>> import(const std::string& path,
                                            const ImportOptions& options) = 0;
  // Stores under `name` an image that is the one with the manifest `base` and, on top, what is in
  // the upper/ of `layer`, the folder of a sandbox's writable layer. Somebody must hold a lease of
  // `base`. A name that was there means the new image then.
  virtual Result<Image> commit(const std::string& base, int layer, const std::string& name,
                               std::stop_token stop) = 0;
  // kInvalidArgument: not a name that tag() or commit() can give.
  static Result<> check_new_name(const std::string& name);
  // Gives the image with the manifest `digest`, of which somebody must hold a lease, another name.
  // A name that was there means that image then.
  virtual Result<Image> tag(const std::string& digest, const std::string& name) = 0;
  virtual Result<std::vector<Image>> list() = 0;
  // Manifest and config as one JSON document: {"reference","digest","manifest","config",...}.
  virtual Result<std::string> inspect(const std::string& reference) = 0;
  // Forgets the name. kNotFound; kConflict while a sandbox uses it. Frees what no name needs.
  virtual Result<> remove(const std::string& reference) = 0;
  // Deletes blobs and layers that no name and no running sandbox needs; bytes freed.
  virtual Result<std::uint64_t> prune() = 0;
};

}  // namespace msb::image
