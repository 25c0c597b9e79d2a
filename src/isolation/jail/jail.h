// SPDX-License-Identifier: Apache-2.0
//
// A process on its way into a sandbox. The warden clones it into a new pid namespace; from there it
// builds the sandbox around itself, step by step, and in the end executes the agent.
//
//   warden ──clone3──► [jail process: real root, then the sandbox's root] ──execveat──► agent (pid
//   1)
//                        │
//                        └─ status socket: see status_report.h
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "isolation/cgroup/backend.h"
#include "isolation/jail/id_map.h"
#include "isolation/sandbox_spec.h"

namespace msb::isolation::microvm {
struct Request;
}

namespace msb::isolation::jail {

// What the host allows; found once per warden.
struct Powers {
  bool is_root = true;      // of the host; otherwise of a user namespace of the warden's own
  bool disk_images = true;  // loop devices, and the tools for what is on them
};

struct Plan {
  std::string id;
  std::string hostname;
  std::vector<std::string> layers;  // beneath home, lowest first
  std::string writable;             // beneath home
  Limits limits;
  std::vector<Volume> volumes;
  std::uint32_t volume_uid = 0;
  std::uint32_t volume_gid = 0;
  Tier tier;
  bool is_spare = false;                // report what its adjustment needs, too
  microvm::Request* machine = nullptr;  // what a machine takes beside this; null: no machine

  Powers powers;
  IdRange range;
  cgroup::Backend* cgroups = nullptr;
  std::string staging_path;  // an existing folder to put a temporary file system on

  // Descriptors of the warden. `run` closes everything that is not named here.
  int home = -1;
  int agent = -1;   // sealed memfd
  int stream = -1;  // becomes the agent's descriptor 3
  int status = -1;
  int complaints = -1;  // standard error of a program of the host's that runs the sandbox; -1: none
  int orders = -1;      // a machine's supervisor takes them there; -1: no machine
  int user_namespace = -1;  // the sandbox's
  int layer_map = -1;       // user namespace of the idmapped layers; -1: no mapping
};

// Never returns: becomes the agent, or reports why not and exits.
[[noreturn]] void run(Plan& plan);

}  // namespace msb::isolation::jail
