// SPDX-License-Identifier: Apache-2.0
//
// A process's environment: KEY=VALUE strings, one per key, later ones win.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace msb::agent {

class Environment {
 public:
  Environment() = default;
  explicit Environment(const std::vector<std::string>& entries) { merge(entries); }

  // Entries without a key are ignored.
  void merge(const std::vector<std::string>& entries);
  void set(std::string_view key, std::string_view value);
  void set_default(std::string_view key, std::string_view value);
  // nullptr if there is none; valid until the next change.
  const char* get(std::string_view key) const;
  const std::vector<std::string>& entries() const { return entries_; }

 private:
  // entries_.size(): there is none.
  std::size_t index_of(std::string_view key) const;

  std::vector<std::string> entries_;
};

inline constexpr std::string_view kDefaultPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// What exec would try for `program`, in order: itself if it has a '/', else in each folder of the
// colon-separated `path`.
std::vector<std::string> executable_candidates(std::string_view program, std::string_view path);

}  // namespace msb::agent
