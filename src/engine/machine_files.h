// SPDX-License-Identifier: Apache-2.0
//
// A machine as it was at one moment: a folder with its memory, its state and its disk, from which
// clones begin.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/try.h"

namespace msb::engine {

// Of "sha256:...": how a machine's image is named.
std::string hexadecimal_of(const std::string& digest);

// Writes the machine behind `orders` (isolation/machine_orders.h), whose disk is in
// `writable_folder`, into `folder`, which exists. It stands still afterwards.
Result<> save_machine_into(const std::string& folder, int orders,
                           const std::string& writable_folder);

// The emulator of this host, in words that are others when it is replaced: what one has saved only
// the same can go on with. With KVM, the processor as well.
std::string mark_of_emulator();
// A file as it is now: what replaces it has another one of these.
std::string mark_of_file(const std::string& path);

// `place`: of isolation/sandbox_spec.h. Folders for what is being written, or needed for a moment
// only, are of base::TempDir in these; one that a killed program has left is removed.
std::string machines_folder(const std::string& home, const char* place);
void sweep_machine_drafts(const std::string& home);

// What a template's disk holds before anybody has used it, so that nobody has to ask the clone.
Result<> save_disk_base(const std::string& folder, std::int64_t bytes);
std::optional<std::int64_t> saved_disk_base(const std::string& folder);

// Whether all of one is there.
bool is_saved_machine(const std::string& folder);

}  // namespace msb::engine
