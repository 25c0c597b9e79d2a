// SPDX-License-Identifier: Apache-2.0
//
// The files of something that is being imported, by their names in it: a folder or a tar. Names
// come from the import's own documents and are foreign; none is ever used to write.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/try.h"
#include "base/unique_fd.h"
#include "image/tar_index.h"
#include "image/unpacker.h"

namespace msb::image {

class ImportSource {
 public:
  virtual ~ImportSource() = default;
  // A regular file. kNotFound, kCorrupt. Safe from several threads.
  virtual Result<BlobSlice> open(const std::string& name) const = 0;
  Result<std::string> read(const std::string& name, std::size_t max_bytes) const;
};

// Beneath a folder: links that lead out of it are not followed.
class FolderSource : public ImportSource {
 public:
  explicit FolderSource(base::UniqueFd folder) : folder_(std::move(folder)) {}
  Result<BlobSlice> open(const std::string& name) const override;

 private:
  base::UniqueFd folder_;
};

// In an uncompressed tar, where it lies: nothing is copied.
class TarSource : public ImportSource {
 public:
  TarSource(base::UniqueFd file, TarIndex index)
      : file_(std::move(file)), index_(std::move(index)) {}
  Result<BlobSlice> open(const std::string& name) const override;

 private:
  base::UniqueFd file_;
  TarIndex index_;
};

// The same file once more, with a position of its own.
Result<base::UniqueFd> reopen(int fd);

}  // namespace msb::image
