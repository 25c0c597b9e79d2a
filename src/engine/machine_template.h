// SPDX-License-Identifier: Apache-2.0
//
// Machines that were booted once, their agent greeted and their interpreter warm, and saved: starts
// of the same image and shape are clones of them.
//
//   $MSB_HOME/machines/templates/<image digest>-<shape>/   memory, state, disk.img, disk_base
//
// One is made at a time, by whoever needs it first, and published by rename. What it was made with
// (kernel, QEMU, our programs, limits, user) is in its name, so that it is never used with another.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/try.h"
#include "engine/greeting.h"
#include "engine/launch_site.h"
#include "engine/spare.h"
#include "isolation/sandbox_spec.h"

namespace msb::engine {

struct MachineTemplateOrder {
  std::string image_digest;     // as of MachineSpec
  isolation::SandboxSpec spec;  // of a machine that boots; without a writable layer
  wire::Configure configuration;
  std::vector<wire::Language> warm;
};

struct MachineTemplate {
  std::string folder;
  // Where it was made just now: the machine that was saved, which goes on, and is nobody's yet.
  std::unique_ptr<Spare> machine;
};

// The one that suits; made if there is none.
Result<MachineTemplate> find_or_make_template(const LaunchSite& site,
                                              const MachineTemplateOrder& order,
                                              const std::stop_token& stop);

// Of which no clone could be made; the next start that needs it makes another.
void discard_template(const std::string& folder);

}  // namespace msb::engine
