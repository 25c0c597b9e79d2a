// SPDX-License-Identifier: Apache-2.0
//
// Debian's docker-registry on a free port of loopback, with a storage of its own.
#pragma once

#include <optional>
#include <string>

#include "base/child_process.h"
#include "base/file.h"
#include "image/testing/image_builder.h"

namespace msb::image::testing {

class DockerRegistry {
 public:
  enum class Access { kOpen, kLogin };
  static constexpr const char* kUser = "me";
  static constexpr const char* kPassword = "secret";

  // Nothing: the package is not installed.
  static std::optional<DockerRegistry> start(Access access = Access::kOpen);

  std::string host() const { return host_; }
  // By HTTP, as docker push does. False: it was refused.
  bool push(const TestImage& image, const std::string& repository, const std::string& tag) const;
  bool push_manifest(const std::string& text, const std::string& type,
                     const std::string& repository, const std::string& tag) const;

 private:
  DockerRegistry(base::TempDir folder, std::string host, base::ChildProcess process, Access access)
      : folder_(std::move(folder)),
        host_(std::move(host)),
        process_(std::move(process)),
        access_(access) {}

  base::TempDir folder_;
  std::string host_;
  base::ChildProcess process_;
  Access access_;
};

}  // namespace msb::image::testing
