// SPDX-License-Identifier: Apache-2.0
#include "engine/assembly.h"

#include <utility>

namespace msb::engine {
namespace {

// For a kind of start that spares are kept for.
std::function<void(wire::Language)> language_notice(const LaunchSite& site,
                                                    const LaunchPlan& plan) {
  if (!plan.spare) {
    return nullptr;
  }
  return [&pool = site.pool, kind = plan.spare->kind](wire::Language language) {
    pool.note_language(kind, language);
  };
}

}  // namespace

Assembled assemble(const LaunchSite& site, const LaunchPlan& plan, const std::string& id, Jail jail,
                   const std::shared_ptr<AgentLink>& link, Luggage luggage,
                   std::function<void(Sandbox&)> on_ended) {
  auto gauges = std::make_shared<Gauges>(std::move(jail.started.gauges), luggage.limits,
                                         luggage.folder.path(), luggage.disk_base_bytes,
                                         plan.tier.is_machine() ? link : nullptr);
  auto session = std::make_shared<Session>(link, gauges, jail.exit_report, luggage.limits);
  const std::shared_ptr<ExitReport> exit_report = jail.exit_report;
  SandboxParts parts{.name = plan.name,
                     .instance_id = id,
                     .config = plan.definition.config,
                     .tier = plan.tier,
                     .limits = luggage.limits,
                     .folder = std::move(luggage.folder),
                     .image = plan.image,
                     .weaknesses = std::move(jail.started.weaknesses),
                     .ports = std::move(luggage.ports),
                     .warden = jail.dismiss(),
                     .orders = std::move(jail.started.orders),
                     .exit_report = exit_report,
                     .gauges = gauges,
                     .session = session,
                     .on_language = language_notice(site, plan)};
  std::shared_ptr<Sandbox> sandbox =
      Sandbox::create(std::move(parts), site.folder, std::move(on_ended));
  const auto mourn = [&janitor = site.janitor, weak = std::weak_ptr(sandbox)] {
    janitor.post([weak] {
      if (const auto dead = weak.lock()) {
        dead->bury();
      }
    });
  };
  exit_report->on_arrival(mourn);
  link->when_lost(mourn);
  return {
      .sandbox = std::move(sandbox), .session = std::move(session), .gauges = std::move(gauges)};
}

}  // namespace msb::engine
