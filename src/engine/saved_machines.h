// SPDX-License-Identifier: Apache-2.0
//
// Machines that were saved under the name of an image: $MSB_HOME/machines/snapshots/<name's
// digest>/, a folder of machine_files.h with a description beside. The name is also one of the
// image that the machine was started with, which is therefore kept, listed and removed as any image
// is.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/try.h"
#include "engine/config.h"
#include "image/store.h"

namespace msb::engine {

struct SavedMachine {
  std::string folder;
  Config shape;  // memory, cpus, disk, processes and user, which a clone has as well
  std::int64_t disk_base_bytes = 0;
};

// The one that was saved under the name that is `config`'s image, which is then fitted to it: its
// isolation, and the shape. Nothing where there is none, or the name has come to mean another image
// since. kInvalidArgument: a field asks for something else. kUnsupported: made with another QEMU.
Result<std::optional<SavedMachine>> find_saved_machine(const std::string& home,
                                                       image::Store& images, Config& config);

// `save` writes the machine into a folder; then `give_name` gives the image its name. One that was
// there under the name is replaced when all that has been done. The image.
Result<image::Image> keep_saved_machine(
    const std::string& home, const SavedMachine& machine,
    const std::function<Result<>(const std::string& folder)>& save,
    const std::function<Result<image::Image>()>& give_name);

// Those whose name is no image's any more.
void sweep_saved_machines(const std::string& home, image::Store& images);

}  // namespace msb::engine
