// SPDX-License-Identifier: Apache-2.0
#include "image/layer_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "base/file.h"
#include "base/sys.h"
#include "image/file_lock.h"
#include "image/json.h"

namespace msb::image {
namespace {

namespace sys = base::sys;

constexpr std::size_t kMaxRecordBytes = 4096;

std::string root_of(const std::string& layer) {
  return layer + "/root";
}
std::string record_of(const std::string& layer) {
  return layer + "/layer.json";
}

std::string record(const Unpacked& unpacked) {
  json::Value value;
  value["bytes"] = unpacked.bytes;
  value["entries"] = unpacked.entries;
  return value.dump();
}

// After a crash of the host a layer that can be found must have all its files.
Result<> sync_file_system(const std::string& folder) {
  const base::UniqueFd fd = TRY(sys::open(folder, O_RDONLY | O_DIRECTORY));
  if (::syncfs(fd.get()) < 0) {
    return std::unexpected(sys::error("syncfs", folder));
  }
  return {};
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

}  // namespace

Result<std::optional<Layer>> LayerStore::find(const Digest& diff_id) const {
  const std::string folder = home_.layer(diff_id);
  const auto content = base::read_file(record_of(folder), kMaxRecordBytes);
  if (!content) {
    // One that cannot be looked at, for want of descriptors say, may well be there.
    return content.error().is(ErrorCode::kNotFound) ? Result<std::optional<Layer>>(std::nullopt)
                                                    : std::unexpected(content.error());
  }
  const auto value = json::parse(*content, "layer.json");
  const auto bytes = value ? json::number(*value, "bytes") : Result<std::uint64_t>(0);
  const auto entries = value ? json::number(*value, "entries") : Result<std::uint64_t>(0);
  return Layer{root_of(folder), bytes.value_or(0), entries.value_or(0)};
}

// The lock of a program that was killed is free before its unpacker has noticed: that one ends with
// its input, but may still add to a folder while it is being removed.
Result<> LayerStore::remove_leftovers(const std::string& folder) const {
  constexpr std::chrono::milliseconds kPause{10};
  constexpr int kMaxTries = 500;
  for (int tries = 1;; ++tries) {
    auto removed = remove_folder(folder);
    if (removed || removed.error().sys_errno() != ENOTEMPTY || tries == kMaxTries) {
      return removed;
    }
    std::this_thread::sleep_for(kPause);
  }
}

Result<Layer> LayerStore::ensure(const Digest& diff_id, const OpenBlob& open,
                                 const SliceProgress& progress, std::stop_token stop) const {
  if (auto layer = TRY(find(diff_id))) {
    return *std::move(layer);
  }
  const FileLock lock =
      TRY(FileLock::acquire(home_.layer_lock(diff_id), FileLock::Mode::kExclusive, stop));
  if (auto layer = TRY(find(diff_id))) {
    return *std::move(layer);
  }
  const BlobSlice blob = TRY(open(stop));
  const std::string draft = home_.layer_draft(diff_id);
  TRY_WRAP(remove_leftovers(draft), "remove what an earlier try has left");
  TRY(sys::mkdir(draft, 0700));
  const auto fill = [&]() -> Result<> {
    TRY(Unpacker::make_folder(root_of(draft)));
    const Unpacked unpacked = TRY(unpacker_.unpack(blob, root_of(draft), progress, stop));
    if (unpacked.diff_id != diff_id) {
      return fail(ErrorCode::kCorrupt, "the layer's digest is " + unpacked.diff_id.str() +
                                           ", the image promises " + diff_id.str());
    }
    TRY(base::write_file_atomic(record_of(draft), record(unpacked), 0600));
    TRY(sync_file_system(draft));
    TRY(sys::rename(draft, home_.layer(diff_id)));
    return {};
  };
  if (const auto filled = fill(); !filled) {
    static_cast<void>(remove_folder(draft));
    return std::unexpected(filled.error().wrap("unpack layer " + diff_id.str()));
  }
  auto found = TRY(find(diff_id));
  if (!found) {
    return fail(ErrorCode::kConflict, "layer " + diff_id.str() + " was removed as it was made");
  }
  return *std::move(found);
}

Result<> LayerStore::discard(const Digest& diff_id, const std::string& trash) const {
  return sys::rename(home_.layer(diff_id), trash);
}

Result<> LayerStore::remove_folder(const std::string& folder) const {
  if (!exists(folder)) {
    return {};
  }
  if (exists(root_of(folder))) {
    TRY(unpacker_.remove(root_of(folder)));
  }
  return base::remove_tree(folder);
}

}  // namespace msb::image
