// SPDX-License-Identifier: Apache-2.0
#include "server/snapshot_names.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/hex.h"
#include "image/reference.h"

namespace msb::server {
namespace {

constexpr std::string_view kRoot = "localhost/snapshots/";

// As part of a repository's name, which knows lower case only; what is not, in hexadecimal digits
// behind a point, which no namespace has.
std::string folder_of(std::string_view namespace_name) {
  const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  std::string folder(kRoot);
  if (std::ranges::all_of(namespace_name, is_plain)) {
    return folder.append(namespace_name) + "/";
  }
  return folder + "hex." + base::hex_of(base::bytes_of(namespace_name)) + "/";
}

bool is_anothers(const std::string& repository, std::string_view namespace_name) {
  return repository.starts_with(kRoot) && !repository.starts_with(folder_of(namespace_name));
}

}  // namespace

Result<std::string> snapshot_reference(std::string_view namespace_name, const std::string& name) {
  const std::string folder = folder_of(namespace_name);
  const std::string text = name.starts_with(folder) ? name.substr(folder.size()) : name;
  const auto wrong = [&](const std::string& rule) {
    return fail(ErrorCode::kInvalidArgument, "image '" + name.substr(0, 128) + "': " + rule);
  };
  if (text.empty() || text.find_first_of("/@") != std::string::npos) {
    return wrong(
        "on a server the image of a sandbox has a name of one part, such as work or work:2");
  }
  const auto reference = image::Reference::parse(folder + text);
  if (!reference) {
    return wrong(reference.error().message());
  }
  return reference->str();
}

Result<> check_image_access(image::Store& images, std::string_view namespace_name,
                            const std::string& image) {
  std::string repository;
  if (image.starts_with("sha256:")) {
    // One of its names; an image that is here under an allowed one as well is nobody's secret.
    if (const auto found = TRY(images.find(image))) {
      repository = found->reference;
    }
  } else if (const auto reference = image::Reference::parse(image)) {
    repository = reference->name() + "/";
  }
  return is_anothers(repository, namespace_name)
             ? fail(ErrorCode::kPermissionDenied,
                    "image '" + image.substr(0, 128) + "' belongs to another namespace")
             : Result<>();
}

}  // namespace msb::server
