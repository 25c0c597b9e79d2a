// SPDX-License-Identifier: Apache-2.0
//
// What msb-server gives up before it makes a thread or reads a byte of a stranger. It may have been
// started by root, because making sandboxes takes root; but the warden makes them, so the server
// keeps the right to next to nothing:
//
//   programs       its launcher starts the warden and the unpacker, and nothing else
//   capabilities   the four that its own files, folders and ports take
//   system calls   an allow-list (system_call_policy.cc)
//   files          its home, to write; libraries, certificates and /etc, to read (file_access.h)
//
// Volumes are opened by the server, and mounted by a warden that finds each again beneath the roots
// it was started with (isolation/warden/volume_roots.h). Of the tiers it makes those alone that it
// was started with.
#pragma once

#include <string>
#include <vector>

#include "base/try.h"

namespace msb::server {

struct ConfinementOptions {
  std::string home;
  std::vector<std::string> tiers;           // that the warden makes; none: any
  std::vector<std::string> volume_roots;    // that the warden accepts: absolute and resolved
  std::vector<std::string> readable_files;  // beside what every server reads
};

// For good, for the whole process, which has one thread.
Result<> confine_server(const ConfinementOptions& options);

}  // namespace msb::server
