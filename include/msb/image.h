// SPDX-License-Identifier: Apache-2.0
//
// The images on this host. Thread-safe; several programs may use one store at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "msb/export.h"
#include "msb/result.h"

namespace msb {

struct ImageInfo {
  std::string reference;         // "docker.io/library/alpine:latest"
  std::string digest;            // "sha256:..."
  std::uint64_t size_bytes = 0;  // unpacked
  std::string created;           // RFC 3339, or empty
};

struct ImageProgress {
  enum class Stage { kResolve, kDownload, kUnpack, kDone };
  Stage stage = Stage::kResolve;
  std::string item;  // digest of the layer
  std::uint64_t done_bytes = 0;
  std::uint64_t total_bytes = 0;  // 0: not known
};

struct ImagePullOptions {
  bool plain_http = false;  // allow http:// for hosts that are not loopback
  std::function<void(const ImageProgress&)> on_progress;  // from a thread of the SDK
  std::stop_token stop;
};

class MSB_EXPORT ImageStore {
 public:
  // `home` empty: $MSB_HOME, else ~/.microsandbox.
  static Result<ImageStore> open(const std::string& home = {}, const std::string& libexec_dir = {});
  ImageStore(ImageStore&&) noexcept;
  ImageStore& operator=(ImageStore&&) noexcept;
  ~ImageStore();

  Result<ImageInfo> pull(const std::string& reference, const ImagePullOptions& options = {});
  // A `docker save` tar, an OCI layout (folder or tar), or a tar of a root file system. `name`
  // empty: the archive's own.
  Result<std::vector<ImageInfo>> import(const std::string& path, const std::string& name = {},
                                        const ImagePullOptions& options = {});
  Result<std::vector<ImageInfo>> list();
  // JSON: reference, digest, manifest, config.
  Result<std::string> inspect(const std::string& reference);
  Result<> remove(const std::string& reference);
  // Bytes freed.
  Result<std::uint64_t> prune();

 private:
  class Impl;
  explicit ImageStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace msb
