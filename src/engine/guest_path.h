// SPDX-License-Identifier: Apache-2.0
//
// Paths inside a sandbox, as text. Containment on disk is the kernel's (openat2, mounts made in the
// sandbox's own root); this is for rules and for clear messages.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace msb::engine {

// "/a//b/./c/" -> "/a/b/c"; nullopt: not absolute, or has a "..", or is too long.
std::optional<std::string> normalize_guest_path(std::string_view path);

// Both normal: is `path` the folder itself, or something in it?
bool is_beneath(std::string_view path, std::string_view folder);

// Places that are ours or the kernel's.
bool is_reserved_guest_path(std::string_view normal_path);

}  // namespace msb::engine
