// SPDX-License-Identifier: Apache-2.0
//
// From a definition and an image to a running sandbox. Each step owns what it made, so a failure
// anywhere leaves nothing behind.
//
//   image config ─► volumes ─► ports ─┬─► folder ─► jail (warden) ─► stream ─► greeting ─┬─►
//   Sandbox
//                                     └─► spare of the pool ─► folder, name, limits ────┘
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "base/try.h"
#include "engine/definitions.h"
#include "engine/jail_maker.h"
#include "engine/launch_site.h"
#include "engine/sandbox.h"
#include "engine/spare.h"
#include "engine/validation.h"
#include "image/store.h"

namespace msb::engine {

struct LaunchPlan {
  Name name;
  Definition definition;
  isolation::Tier tier;
  image::Image image;
  std::shared_ptr<EphemeralFiles> ephemeral;  // null: a persistent sandbox
  std::vector<wire::Language> warm;           // interpreters to start ahead of the first run
  std::int64_t disk_base_bytes = 0;           // of a layer that exists already
  std::optional<SpareOrder> spare;            // if one may be used, and be made
  // Of a copy of a machine that was in use (machine_files.h): that one's. Nothing else will do
  // then.
  std::optional<std::string> saved;
};

struct Launched {
  std::shared_ptr<Sandbox> sandbox;
  std::int64_t disk_base_bytes = 0;
};

// The spares that would suit a plan; nullopt where none can.
std::optional<SpareOrder> spare_order_of(const LaunchPlan& plan);

Result<Launched> launch(const LaunchSite& site, const LaunchPlan& plan,
                        std::function<void(Sandbox&)> on_ended, const std::stop_token& stop);

}  // namespace msb::engine
