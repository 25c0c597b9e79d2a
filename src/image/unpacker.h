// SPDX-License-Identifier: Apache-2.0
//
// Turns the bytes of a layer into a tree, by two confined processes and a trusted hash between
// them:
//
//   blob ──► msb-unpack decompress ──► this process: sha256 ──► msb-unpack extract ──► folder
//
// Neither process can say what the digest is. A hostile blob that takes over the decompressor can
// only change the bytes, and then the digest is not the one the image promised; the bytes that
// reach the extractor are those the digest names, or the folder is thrown away.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "base/try.h"
#include "base/unique_fd.h"
#include "image/digest.h"

namespace msb::image {

// A layer's bytes, plain or compressed: a part of an open file.
struct BlobSlice {
  base::UniqueFd file;
  std::uint64_t offset_bytes = 0;
  std::uint64_t size_bytes = 0;
};

struct Unpacked {
  Digest diff_id;           // of the uncompressed bytes
  std::uint64_t bytes = 0;  // of the files
  std::uint64_t entries = 0;
};

struct Packed {
  Digest diff_id;
  std::uint64_t size_bytes = 0;
};

// Bytes of the slice that have been used up so far.
using SliceProgress = std::function<void(std::uint64_t done_bytes)>;

class Unpacker {
 public:
  // `program`: path of msb-unpack.
  explicit Unpacker(std::string program) : program_(std::move(program)) {}

  // Fills `folder`, which is new and empty and in a file system with user xattrs; it is left half
  // full after an error. Blocks; kCancelled when `stop` is requested.
  Result<Unpacked> unpack(const BlobSlice& blob, const std::string& folder,
                          const SliceProgress& progress, std::stop_token stop) const;
  // Uncompresses into a file (a whole archive that came compressed), at most `max_bytes`.
  Result<> decompress_to(const BlobSlice& blob, int output_fd, std::uint64_t max_bytes,
                         std::stop_token stop) const;
  // Writes what is in the upper/ of `layer`, the folder of a sandbox's writable layer, into a file,
  // as a tar.
  Result<Packed> pack(int layer, int output_fd, std::stop_token stop) const;
  // Deletes `folder`, made by unpack(), with all in it.
  Result<> remove(const std::string& folder) const;
  // A folder for unpack(), owned by the identity it writes in.
  static Result<> make_folder(const std::string& folder);

 private:
  std::string program_;
};

}  // namespace msb::image
