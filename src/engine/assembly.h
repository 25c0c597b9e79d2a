// SPDX-License-Identifier: Apache-2.0
//
// The last steps of a start, the same for a sandbox that was made for it and for a spare: from a
// jail with an agent to a Sandbox.
#pragma once

#include <functional>
#include <memory>

#include "engine/launch.h"
#include "engine/launch_site.h"

namespace msb::engine {

// What a start needs beside the jail.
struct Luggage {
  isolation::Limits limits;
  SandboxFolder folder;
  std::unique_ptr<PortForwarder> ports;
  std::int64_t disk_base_bytes = 0;
};

struct Assembled {
  std::shared_ptr<Sandbox> sandbox;
  std::shared_ptr<Session> session;
  std::shared_ptr<Gauges> gauges;
};

// `jail.started.stream` has become `link`. From here on the sandbox is responsible for the jail,
// and is buried when it dies.
Assembled assemble(const LaunchSite& site, const LaunchPlan& plan, const std::string& id, Jail jail,
                   const std::shared_ptr<AgentLink>& link, Luggage luggage,
                   std::function<void(Sandbox&)> on_ended);

}  // namespace msb::engine
