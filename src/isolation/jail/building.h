// SPDX-License-Identifier: Apache-2.0
//
// A sandbox's first process on its way: what it has made so far, and the steps that every tier
// takes. Each tier is a table of steps, its own among them; the last one executes what the sandbox
// runs under.
//
// Nothing needs to be undone on failure: the process dies, and its namespaces, mounts and loop
// device with it.
#pragma once

#include <span>
#include <vector>

#include "base/try.h"
#include "base/unique_fd.h"
#include "isolation/jail/jail.h"
#include "isolation/jail/volumes.h"
#include "isolation/jail/writable_layer.h"

namespace msb::isolation::jail {

// What the steps hand on to each other.
struct Building {
  Plan& plan;
  std::vector<base::UniqueFd> layers;
  std::vector<VolumeMount> volumes;
  base::UniqueFd disk_image;  // or, without loop devices, the writable folder
  base::UniqueFd staging;     // a tmpfs, the working directory
  WritableLayer writable;
  base::UniqueFd root;
  base::UniqueFd host_name;  // the UTS namespace, of a spare
  base::UniqueFd shared_memory;
  bool has_volumes = false;
  bool writes_to_host = false;  // through a volume
};

struct Step {
  const char* name;
  Result<> (*run)(Building&);
};

// Never returns: the last step executes a program, or a failure is reported and the process ends.
// The first step is keep_descriptors.
[[noreturn]] void build(Plan& plan, std::span<const Step> steps);

// Where a descriptor goes before the exec. `source` -1: /dev/null.
struct Placement {
  int source = -1;
  int number = -1;
  int flags = 0;  // O_CLOEXEC: the exec closes it
};

// In any order: no number is taken before all sources are out of the way. Whoever owns a source
// must have let go of it. The exec closes all else above the standard descriptors.
Result<> place_descriptors(std::span<const Placement> placements);

// The steps of all tiers, in the order in which they can be taken. Copies of host mounts are taken
// first of all, because the kernel takes them only from the caller's own mount namespace.
Result<> keep_descriptors(Building& building);
Result<> reset_signals(Building& building);
Result<> enter_cgroup(Building& building);
Result<> clone_host_mounts(Building& building);
Result<> open_writable_layer(Building& building);
// All but the pid namespace, which is there since birth, and the user namespace.
Result<> enter_namespaces(Building& building);
Result<> bring_up_network(Building& building);
// (here a tier makes `staging`)
Result<> mount_writable_layer(Building& building);
Result<> mount_root(Building& building);
Result<> fill_etc(Building& building);
Result<> add_volumes(Building& building);
Result<> add_sys(Building& building);
Result<> limit_resources(Building& building);
// To the warden: all is made.
Result<> report_ready(Building& building);

}  // namespace msb::isolation::jail
