// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "engine/engine_folder.h"
#include "engine/exit_board.h"
#include "engine/io_loop.h"
#include "engine/janitor.h"
#include "engine/pool.h"
#include "engine/volume_opener.h"
#include "engine/warden_keeper.h"

namespace msb::engine {

// What all sandboxes of one engine share.
struct LaunchSite {
  const std::string& home;
  const EngineFolder& folder;
  IoLoop& loop;
  ExitBoard& exits;
  WardenKeeper& wardens;
  Janitor& janitor;
  Pool& pool;
  const VolumeOpener& open_volume;
};

}  // namespace msb::engine
