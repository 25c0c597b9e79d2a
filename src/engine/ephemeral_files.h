// SPDX-License-Identifier: Apache-2.0
//
// The folder of a sandbox that is not kept: it lives as long as whoever may start the sandbox
// again, and as the sandbox itself. Within the engine's own folder, so a crash is swept with it.
#pragma once

#include <cstdint>
#include <string>

#include "base/try.h"

namespace msb::engine {

class EphemeralFiles {
 public:
  // Nothing is made before prepare().
  explicit EphemeralFiles(std::string path) : path_(std::move(path)) {}
  EphemeralFiles(const EphemeralFiles&) = delete;
  EphemeralFiles& operator=(const EphemeralFiles&) = delete;
  ~EphemeralFiles() { remove(); }

  const std::string& path() const { return path_; }
  // True: the folder was made by this call.
  Result<bool> prepare();
  // The same, of a folder that is there already under another name; false: nothing was done, as
  // there are files.
  Result<bool> adopt(const std::string& folder);
  void remove();

  // What the fresh writable layer used for itself; of one start at a time.
  std::int64_t disk_base_bytes = 0;

 private:
  const std::string path_;
};

}  // namespace msb::engine
