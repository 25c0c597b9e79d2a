// SPDX-License-Identifier: Apache-2.0
#include "engine/spare_maker.h"

#include <optional>
#include <utility>

#include "base/file.h"
#include "base/random.h"
#include "base/sys.h"
#include "engine/greeting.h"
#include "engine/handover.h"
#include "engine/jail_maker.h"
#include "engine/machine_files.h"
#include "engine/machine_template.h"

namespace msb::engine {
namespace {

constexpr const char* kName = "spare";

isolation::SandboxSpec spec_of(const SpareOrder& order, const image::Image& image,
                               const std::string& id, const std::string& folder) {
  isolation::SandboxSpec spec;
  spec.tier = order.kind.tier;
  spec.id = id;
  spec.name = kName;
  spec.hostname = kName;
  spec.layer_paths = image.layer_paths;
  spec.writable_path = folder;
  spec.limits = order.limits;
  // The weight that a spare has until it is adjusted a machine does not need: it stands still.
  spec.is_spare = !order.kind.tier.is_machine();
  if (order.kind.tier.is_machine()) {
    spec.machine.emplace().image_digest = hexadecimal_of(image.digest);
  }
  return spec;
}

MachineTemplateOrder template_order_of(const SpareOrder& order, const image::Image& image) {
  return {.image_digest = hexadecimal_of(image.digest),
          .spec = spec_of(order, image, {}, {}),
          .configuration = order.configuration,
          .warm = order.warm};
}

// Its loss is found at once, by whoever waits for spares.
std::unique_ptr<Spare> notice_loss(const LaunchSite& site, std::unique_ptr<Spare> spare) {
  spare->parts().link->when_lost([&pool = site.pool] { pool.look_again(); });
  return spare;
}

Taker nobody(const SpareOrder& order) {
  return {.hostname = kName,
          .limits = order.limits,
          .greeting = {.configuration = order.configuration, .warm = order.warm, .files = {}}};
}

}  // namespace

bool is_of(const SpareKind& kind, const image::Image& image) {
  const auto folders = layer_folders(image);
  return image.digest == kind.image_digest && folders && *folders == kind.layers;
}

Result<std::unique_ptr<Spare>> make_spare(const LaunchSite& site, const SpareOrder& order,
                                          const image::Image& image, const std::stop_token& stop) {
  if (!is_of(order.kind, image)) {
    return fail(ErrorCode::kConflict, "image '" + order.reference + "' has changed");
  }
  const bool is_machine = order.kind.tier.is_machine();
  std::string saved;
  if (is_machine) {
    MachineTemplate found = TRY(find_or_make_template(site, template_order_of(order, image), stop));
    if (found.machine) {
      TRY(rehearse(*found.machine, nobody(order), stop));
      return notice_loss(site, std::move(found.machine));
    }
    saved = std::move(found.folder);
  }
  const std::string id = TRY(base::random_id());
  SpareFolder folder = TRY(make_spare_folder(site.folder));
  Jail jail = TRY(make_jail(site.wardens, site.exits, id, [&]() -> Result<isolation::SandboxSpec> {
    isolation::SandboxSpec spec = spec_of(order, image, id, folder.folder.path());
    if (is_machine) {
      spec.machine->begin = isolation::MachineSpec::Begin::kClone;
      spec.machine->template_path = saved;
    }
    return spec;
  }));
  const auto link = TRY(AgentLink::open(site.loop, std::move(jail.started.stream), id));
  Greeting greeting = nobody(order).greeting;
  if (is_machine) {
    greeting.warm.clear();  // they are, and will practise at the end of the rehearsal
  }
  TRY(greet_spare(*link, id, greeting, stop));
  if (is_machine) {
    TRY(renew_interpreters(*link));
  }
  auto spare = to_spare({.id = id,
                         .folder = std::move(folder),
                         .jail = std::move(jail),
                         .link = link,
                         .limits = order.limits,
                         .warm = order.warm});
  if (is_machine) {
    TRY(rehearse(*spare, nobody(order), stop));
  }
  return notice_loss(site, std::move(spare));
}

}  // namespace msb::engine
