// SPDX-License-Identifier: Apache-2.0
//
// From a definition and an image to a running sandbox. Each step owns what it made, so a failure
// anywhere leaves nothing behind.
//
//   image config ─► volumes ─► folder ─► ports ─► jail (warden) ─► stream ─► greeting
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "base/try.h"
#include "engine/definitions.h"
#include "engine/engine_folder.h"
#include "engine/exit_board.h"
#include "engine/io_loop.h"
#include "engine/janitor.h"
#include "engine/sandbox.h"
#include "engine/validation.h"
#include "engine/volume_opener.h"
#include "engine/warden_keeper.h"
#include "image/store.h"

namespace msb::engine {

// What all sandboxes of one engine share.
struct LaunchSite {
  const std::string& home;
  const EngineFolder& folder;
  IoLoop& loop;
  ExitBoard& exits;
  WardenKeeper& wardens;
  Janitor& janitor;
  const VolumeOpener& open_volume;
};

struct LaunchPlan {
  Name name;
  Definition definition;
  image::Image image;
  std::shared_ptr<EphemeralFiles> ephemeral;  // null: a persistent sandbox
  std::vector<wire::Language> warm;           // interpreters to start ahead of the first run
  std::int64_t disk_base_bytes = 0;           // of a layer that exists already
};

struct Launched {
  std::shared_ptr<Sandbox> sandbox;
  std::int64_t disk_base_bytes = 0;
};

Result<Launched> launch(const LaunchSite& site, const LaunchPlan& plan,
                        std::function<void(Sandbox&)> on_ended, const std::stop_token& stop);

}  // namespace msb::engine
