// SPDX-License-Identifier: Apache-2.0
#include "engine/spare_maker.h"

#include <optional>
#include <utility>

#include "base/file.h"
#include "base/random.h"
#include "base/sys.h"
#include "engine/gauges.h"
#include "engine/greeting.h"
#include "engine/jail_maker.h"
#include "engine/machine_files.h"
#include "engine/machine_template.h"
#include "engine/ofd_lock.h"
#include "isolation/machine_orders.h"

namespace msb::engine {
namespace {

constexpr const char* kName = "spare";

// Removed again, unless it was released.
struct SpareFolder {
  base::TempDir folder;
  base::UniqueFd lock;
};

// As a persistent sandbox's, which it may become: with the lock held. Within the engine's own
// folder, so a crash is swept with that.
Result<SpareFolder> make_folder(const LaunchSite& site) {
  SpareFolder made{.folder = TRY(base::TempDir::create(site.folder.path())), .lock = {}};
  std::optional<base::UniqueFd> lock = TRY(try_lock_file(made.folder.path() + "/lock"));
  if (!lock) {
    return fail(ErrorCode::kConflict, "lock(" + made.folder.path() + ")");
  }
  made.lock = *std::move(lock);
  return made;
}

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

Result<std::string> template_of(const LaunchSite& site, const SpareOrder& order,
                                const image::Image& image, const std::stop_token& stop) {
  return find_or_make_template(site,
                               {.image_digest = hexadecimal_of(image.digest),
                                .spec = spec_of(order, image, {}, {}),
                                .configuration = order.configuration,
                                .warm = order.warm},
                               stop);
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
  const std::string id = TRY(base::random_id());
  SpareFolder folder = TRY(make_folder(site));
  const bool is_machine = order.kind.tier.is_machine();
  const std::string saved = is_machine ? TRY(template_of(site, order, image, stop)) : std::string();
  Jail jail = TRY(make_jail(site.wardens, site.exits, id, [&]() -> Result<isolation::SandboxSpec> {
    isolation::SandboxSpec spec = spec_of(order, image, id, folder.folder.path());
    if (is_machine) {
      spec.machine->begin = isolation::MachineSpec::Begin::kClone;
      spec.machine->template_path = saved;
    }
    return spec;
  }));
  std::int64_t disk_base_bytes = used_disk_bytes(jail.started.gauges);
  const auto link = TRY(AgentLink::open(site.loop, std::move(jail.started.stream), id));
  TRY(greet_spare(*link, id,
                  {.configuration = order.configuration, .warm = order.warm, .files = {}}, stop));
  if (is_machine) {
    TRY(renew_interpreters(*link));
    disk_base_bytes = Gauges({}, order.limits, folder.folder.path(), 0, link).note_disk_base();
    link->begin_rest();
    TRY(isolation::move_machine(jail.started.orders.get(), isolation::Motion::kFrozen));
  }
  auto spare = std::make_unique<Spare>(Spare::Parts{.id = id,
                                                    .folder = folder.folder.release(),
                                                    .folder_lock = std::move(folder.lock),
                                                    .limits = order.limits,
                                                    .gauges = std::move(jail.started.gauges),
                                                    .orders = std::move(jail.started.orders),
                                                    .weaknesses = jail.started.weaknesses,
                                                    .disk_base_bytes = disk_base_bytes,
                                                    .warm = order.warm,
                                                    .warden = jail.warden(),
                                                    .exit_report = jail.exit_report,
                                                    .link = link});
  jail.dismiss();
  // Its loss is found at once, by whoever waits for spares.
  link->when_lost([&pool = site.pool] { pool.look_again(); });
  return spare;
}

}  // namespace msb::engine
