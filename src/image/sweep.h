// SPDX-License-Identifier: Apache-2.0
//
// Frees what no name and no lease needs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/try.h"
#include "image/catalog.h"
#include "image/home.h"
#include "image/layer_store.h"

namespace msb::image {

// Is the image of that manifest leased? Needs the index lock, exclusive.
Result<bool> is_leased(const Home& home, const Digest& manifest);

// Paths in tmp/ that nobody works on any more: what a crash has left. Not the beginnings of blobs:
// a later pull goes on with them.
std::vector<std::string> abandoned_drafts(const Home& home);

// Bytes freed. Takes the index lock, and lets go of it before the slow part. Stops before anything
// is deleted when an image's documents cannot be read: what they need is not known then.
Result<std::uint64_t> sweep(const Home& home, const Catalog& catalog, const LayerStore& layers);

}  // namespace msb::image
