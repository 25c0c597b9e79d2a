// SPDX-License-Identifier: Apache-2.0
//
// Whole files, and reads and writes that finish what they begin.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::base {

// The file's content; kCorrupt if it is longer than `max_bytes`.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes);
Result<std::string> read_all(int fd, std::size_t max_bytes);

// Readers see the old content or the new one, also after a crash: written beside, synced, renamed.
Result<> write_file_atomic(const std::string& path, std::string_view content, unsigned mode = 0644);

Result<> write_all(int fd, std::span<const std::byte> bytes);
Result<> write_all(int fd, std::string_view text);
// False: end of file before the first byte. kCorrupt: end of file in the middle.
Result<bool> read_exact(int fd, std::span<std::byte> buffer);

// mkdir -p. Existing folders are left as they are.
Result<> make_folders(const std::string& path, unsigned mode = 0755);
// rm -r, which never follows a symlink, however deep the tree is; also of folders that do not let
// their owner in. Not existing is a success.
Result<> remove_tree(const std::string& path);

// A new folder that is removed, with all in it, when its owner goes.
class TempDir {
 public:
  // Beneath `parent`, which exists. Mode 0700.
  static Result<TempDir> create(const std::string& parent = "/tmp");
  TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TempDir& operator=(TempDir&& other) noexcept;
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();

  const std::string& path() const { return path_; }
  // Keeps the folder.
  [[nodiscard]] std::string release() { return std::exchange(path_, {}); }

 private:
  explicit TempDir(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace msb::base
