// SPDX-License-Identifier: Apache-2.0
//
// The common end of pull and import: documents, then layers, then the name.
#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/try.h"
#include "image/catalog.h"
#include "image/layer_store.h"
#include "image/progress.h"
#include "image/store.h"

namespace msb::image {

// An image on its way in.
struct IncomingImage {
  std::string reference;
  ImageDocuments documents;
  // The packed layer of that number; asked for on one of several threads, and only for layers that
  // are not in the store.
  std::function<Result<BlobSlice>(std::size_t layer, std::stop_token stop)> open_layer;
};

// Either the image is there under its name, whole, or the name means what it meant before.
Result<Image> install(const Catalog& catalog, const LayerStore& layers,
                      const IncomingImage& incoming, ProgressReporter& progress,
                      std::stop_token stop);

// An installed image. kCorrupt when one of its layers has been deleted by hand.
Result<Image> assemble(const std::string& reference, const ImageDocuments& documents,
                       const LayerStore& layers, Lease lease);

}  // namespace msb::image
