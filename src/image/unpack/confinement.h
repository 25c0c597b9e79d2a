// SPDX-License-Identifier: Apache-2.0
//
// What msb-unpack gives up before it reads the first foreign byte. Whoever takes it over by a
// malformed archive finds a process without a file system, network, capability or right that it
// could use against the host.
#pragma once

#include "base/try.h"
#include "image/unpack/id_map.h"

namespace msb::image::unpack {

// For `decompress`: reads and writes what it was given, and nothing else: no file can be opened.
Result<> confine_to_streams();

// For `extract` and `remove`: the folder `root_fd` is all of the file system that is left; its
// owner's identity, without capabilities beyond setting owners and modes in it.
Result<IdMap> confine_to_folder(int root_fd);

// For `pack`: of `layer_fd`, the folder of a sandbox's writable layer, all that is left is `upper`,
// which the number then is; to be read, as the identity of the sandbox. kUnsupported: it cannot be
// told whose it is.
Result<> confine_to_reading(int layer_fd);

// The process dies with the one that started it.
Result<> die_with_parent();

}  // namespace msb::image::unpack
