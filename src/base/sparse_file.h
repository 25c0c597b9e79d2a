// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/try.h"

namespace msb::base {

// Makes `to`, a regular file that is empty, what `from` is: its size, its data, and its holes where
// the file system knows them.
Result<> copy_sparse_file(int from, int to);

// Some bytes of one file into another, where they come to lie at `target`. kCorrupt: there are
// fewer.
Result<> copy_range(int from, off_t source, int to, off_t target, std::uint64_t size);

}  // namespace msb::base
