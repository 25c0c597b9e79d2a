// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/locations.h"
#include "base/try.h"
#include "engine/audit.h"
#include "msb/host.h"

namespace msb {
namespace {

HostAudit::Topic to_public(engine::AuditTopic topic) {
  HostAudit::Topic result{.name = std::move(topic.name),
                          .in_use = static_cast<std::int64_t>(topic.in_use),
                          .unseen = std::move(topic.unseen),
                          .leftovers = {}};
  for (engine::Leftover& leftover : topic.leftovers) {
    result.leftovers.push_back({.what = std::move(leftover.what),
                                .remedy = std::move(leftover.remedy),
                                .engine_id = std::move(leftover.engine_id)});
  }
  return result;
}

}  // namespace

Result<HostAudit> audit_host(const std::string& home) {
  HostAudit result;
  result.home = TRY(base::home_folder(home));
  engine::Audit audit = TRY(engine::audit(result.home));
  for (engine::LivingEngine& engine : audit.engines) {
    result.engines.push_back({.id = std::move(engine.id),
                              .pid = engine.pid,
                              .program = std::move(engine.program),
                              .warden_pid = engine.warden_pid,
                              .sandboxes = static_cast<std::int64_t>(engine.sandboxes)});
  }
  for (engine::AuditTopic& topic : audit.topics) {
    result.topics.push_back(to_public(std::move(topic)));
  }
  return result;
}

bool HostAudit::is_clean() const noexcept {
  return std::ranges::all_of(topics, [](const Topic& topic) { return topic.leftovers.empty(); });
}

std::string HostAudit::to_json() const {
  using nlohmann::ordered_json;
  ordered_json json = {{"home", home}, {"clean", is_clean()}};
  json["engines"] = ordered_json::array();
  for (const Engine& engine : engines) {
    json["engines"].push_back({{"id", engine.id},
                               {"pid", engine.pid},
                               {"program", engine.program},
                               {"warden_pid", engine.warden_pid},
                               {"sandboxes", engine.sandboxes}});
  }
  json["topics"] = ordered_json::array();
  for (const Topic& topic : topics) {
    ordered_json entry = {{"topic", topic.name}, {"in_use", topic.in_use}};
    if (!topic.unseen.empty()) {
      entry["unseen"] = topic.unseen;
    }
    entry["leftovers"] = ordered_json::array();
    for (const Leftover& leftover : topic.leftovers) {
      entry["leftovers"].push_back({{"what", leftover.what},
                                    {"remedy", leftover.remedy},
                                    {"engine_id", leftover.engine_id}});
    }
    json["topics"].push_back(std::move(entry));
  }
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace msb
