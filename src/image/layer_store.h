// SPDX-License-Identifier: Apache-2.0
//
// Unpacked layers, each once, whoever brings it:
//
//   tmp/layer-<diff id>/root     being filled by msb-unpack, under the layer's lock
//   tmp/layer-<diff id>/layer.json   its size, once the digest has been found right
//       │ synced, then renamed
//       ▼
//   layers/sha256/<diff id>/     complete; never changed again
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "base/try.h"
#include "image/digest.h"
#include "image/home.h"
#include "image/unpacker.h"

namespace msb::image {

struct Layer {
  std::string path;         // the unpacked root
  std::uint64_t bytes = 0;  // of its files
  std::uint64_t entries = 0;
};

class LayerStore {
 public:
  LayerStore(Home home, Unpacker unpacker)
      : home_(std::move(home)), unpacker_(std::move(unpacker)) {}

  // Nothing: it is not there.
  Result<std::optional<Layer>> find(const Digest& diff_id) const;

  // Called under the layer's lock, and only if the layer is not there.
  using OpenBlob = std::function<Result<BlobSlice>(std::stop_token)>;
  // The layer, unpacked now or before. kCorrupt when the blob is not that layer.
  Result<Layer> ensure(const Digest& diff_id, const OpenBlob& open, const SliceProgress& progress,
                       std::stop_token stop) const;

  // Makes the layer vanish at once; what is left of it goes to `trash`, to be removed at leisure.
  Result<> discard(const Digest& diff_id, const std::string& trash) const;
  // Removes tmp/layer-... or what discard() made.
  Result<> remove_folder(const std::string& folder) const;
  Result<> remove_leftovers(const std::string& folder) const;

 private:
  Home home_;
  Unpacker unpacker_;
};

}  // namespace msb::image
