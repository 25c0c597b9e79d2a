// SPDX-License-Identifier: Apache-2.0
#include "image/install.h"

#include <atomic>

#include "image/parallel.h"

namespace msb::image {
namespace {

// Of downloads, which wait more than they work.
constexpr std::size_t kMaxParallelLayers = 4;

// Of all layers of an image: each alone may be large, and there may be hundreds.
constexpr std::uint64_t kMaxImageBytes = 64ull << 30;
constexpr std::uint64_t kMaxImageEntries = 4'000'000;

// What the layers that are there hold together.
class Total {
 public:
  Result<> add(const Layer& layer) {
    const std::uint64_t bytes = bytes_ += layer.bytes;
    if (bytes > kMaxImageBytes) {
      return fail(ErrorCode::kResourceExhausted, "the image is larger than 64 GiB");
    }
    const std::uint64_t entries = entries_ += layer.entries;
    if (entries > kMaxImageEntries) {
      return fail(ErrorCode::kResourceExhausted,
                  "the image has more than " + std::to_string(kMaxImageEntries) + " files");
    }
    return {};
  }

 private:
  std::atomic<std::uint64_t> bytes_ = 0;
  std::atomic<std::uint64_t> entries_ = 0;
};

}  // namespace

Result<Image> install(const Catalog& catalog, const LayerStore& layers,
                      const IncomingImage& incoming, ProgressReporter& progress,
                      std::stop_token stop) {
  const ImageDocuments& documents = incoming.documents;
  Lease lease = TRY(catalog.prepare(documents));
  Total total;
  const auto install_layer = [&](std::size_t number, std::stop_token stop_layer) -> Result<> {
    const std::string& item = documents.manifest.layers[number].digest.str();
    std::uint64_t size_bytes = documents.manifest.layers[number].size_bytes;
    const auto open = [&](std::stop_token stop_open) -> Result<BlobSlice> {
      auto blob = incoming.open_layer(number, std::move(stop_open));
      size_bytes = blob ? blob->size_bytes : size_bytes;
      return blob;
    };
    const auto used = [&](std::uint64_t done_bytes) {
      progress.report(Progress::Stage::kUnpack, item, done_bytes, size_bytes);
    };
    const Layer layer =
        TRY(layers.ensure(documents.config.diff_ids[number], open, used, std::move(stop_layer)));
    TRY(total.add(layer));
    progress.report(Progress::Stage::kDone, item, size_bytes, size_bytes);
    return {};
  };
  TRY(run_parallel(documents.config.diff_ids.size(), kMaxParallelLayers, stop, install_layer));
  TRY(catalog.set_name(incoming.reference, documents));
  return assemble(incoming.reference, documents, layers, std::move(lease));
}

Result<Image> assemble(const std::string& reference, const ImageDocuments& documents,
                       const LayerStore& layers, Lease lease) {
  Image image;
  image.reference = reference;
  image.digest = documents.manifest_digest.str();
  image.config = documents.config.run;
  image.created = documents.config.created;
  image.lease = std::move(lease);
  for (const Digest& diff_id : documents.config.diff_ids) {
    const std::optional<Layer> layer = TRY(layers.find(diff_id));
    if (!layer) {
      return fail(ErrorCode::kCorrupt, "image '" + reference + "': its layer " + diff_id.str() +
                                           " is missing; pull or import the image again");
    }
    image.layer_paths.push_back(layer->path);
    image.size_bytes += layer->bytes;
  }
  return image;
}

}  // namespace msb::image
