// SPDX-License-Identifier: Apache-2.0
#include "engine/machine_template.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/random.h"
#include "base/sys.h"
#include "engine/agent_link.h"
#include "engine/disk_use.h"
#include "engine/gauges.h"
#include "engine/guest_counts.h"
#include "engine/guest_environment.h"
#include "engine/jail_maker.h"
#include "engine/machine_files.h"
#include "image/digest.h"
#include "image/file_lock.h"
#include "isolation/machine_orders.h"
#include "isolation/microvm/kernel_image.h"

namespace msb::engine {
namespace {

namespace fs = std::filesystem;
namespace sys = base::sys;

// A memory file each, of what an idle guest has touched: 100 to 200 MiB.
constexpr std::size_t kMaxTemplates = 16;
constexpr std::int64_t kMaxTemplateBytes = std::int64_t{4} << 30;
constexpr std::chrono::hours kMaxIdle{24 * 30};
// No longer than any other: files that tell it are written over by its clones.
constexpr const char* kHostname = "m";

// All kernels that there are, since the newest one is taken.
std::string mark_of_kernels(const std::string& libexec) {
  std::vector<std::string> marks;
  for (const std::string& root : isolation::microvm::kernel_roots(libexec)) {
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(root + "/boot", error)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with(isolation::microvm::kPackedPrefix) ||
          name.starts_with(isolation::microvm::kUnpackedPrefix)) {
        marks.push_back(entry.path().string() + mark_of_file(entry.path().string()));
      }
    }
  }
  std::ranges::sort(marks);
  std::string text;
  for (const std::string& mark : marks) {
    text += mark + "\n";
  }
  return text;
}

std::string shape_of(const LaunchSite& site, const MachineTemplateOrder& order) {
  const isolation::Limits& limits = order.spec.limits;
  const std::string libexec = fs::path(site.wardens.agent_path()).parent_path().string();
  std::string text = std::to_string(limits.memory_bytes) + " " + std::to_string(limits.cpus) + " " +
                     std::to_string(limits.max_processes) + " " +
                     std::to_string(limits.disk_bytes) + "\n" + order.configuration.user + "\n";
  for (const wire::Language language : order.warm) {
    text += std::to_string(static_cast<int>(language)) + " ";
  }
  for (const char* program : {"/msb-agent", "/msb-guest", "/msb-vm", "/msb-clone-preload.so"}) {
    text += mark_of_file(libexec + program) + "\n";
  }
  text += mark_of_emulator() + mark_of_kernels(libexec);
  return std::string(image::Digest::of(text).hex());
}

struct Kept {
  fs::file_time_type used;
  std::string folder;
  std::int64_t bytes = 0;
};

// Those go that were not used for longest, when there are too many, or too large together; and
// those that nobody uses. What clones of them have open stays until they end.
void prune(const std::string& all) {
  std::vector<Kept> kept;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(all, error)) {
    if (is_saved_machine(entry.path().string())) {
      kept.push_back({.used = entry.last_write_time(error),
                      .folder = entry.path().string(),
                      .bytes = disk_use_of_folder(entry.path().string())});
    }
  }
  std::ranges::sort(kept, std::greater<>(), &Kept::used);
  const auto forgotten = fs::file_time_type::clock::now() - kMaxIdle;
  std::int64_t bytes = 0;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    bytes += kept[i].bytes;
    const bool stays = i == 0 || (i < kMaxTemplates && bytes <= kMaxTemplateBytes);
    if (!stays || kept[i].used < forgotten) {
      [[maybe_unused]] const auto removed = base::remove_tree(kept[i].folder);
    }
  }
}

// A template that is there, which is used hereby.
bool can_use(const std::string& folder) {
  if (!is_saved_machine(folder)) {
    return false;
  }
  std::error_code error;
  fs::last_write_time(folder, fs::file_time_type::clock::now(), error);
  return true;
}

// Few, and for ever: a lock's file cannot be removed while somebody may wait for it.
std::string lock_of(const std::string& all, const std::string& shape) {
  return all + "/" + shape.substr(0, 1) + ".lock";
}

Result<std::unique_ptr<Spare>> save_new_machine(const LaunchSite& site,
                                                const MachineTemplateOrder& order,
                                                const std::string& draft,
                                                const std::stop_token& stop) {
  const std::string id = TRY(base::random_id());
  SpareFolder folder = TRY(make_spare_folder(site.folder));
  Jail jail = TRY(make_jail(site.wardens, site.exits, id, [&]() -> Result<isolation::SandboxSpec> {
    isolation::SandboxSpec spec;
    spec.tier = order.spec.tier;
    spec.id = id;
    spec.name = kHostname;
    spec.hostname = kHostname;
    spec.layer_paths = order.spec.layer_paths;
    spec.writable_path = folder.folder.path();
    spec.limits = order.spec.limits;
    spec.machine = order.spec.machine;
    spec.machine->begin = isolation::MachineSpec::Begin::kBoot;
    return spec;
  }));
  const auto link = TRY(AgentLink::open(site.loop, std::move(jail.started.stream), id));
  const Greeting greeting{.configuration = order.configuration,
                          .warm = order.warm,
                          .files = TRY(identity_files(kHostname))};
  TRY(greet_spare(*link, id, greeting, stop));
  const auto counted = ask_guest(*link);
  if (counted) {
    TRY(save_disk_base(draft, used_disk_bytes(*counted)));
  }
  TRY(isolation::settle_machine(jail.started.orders.get()));
  TRY(save_machine_into(draft, jail.started.orders.get(), folder.folder.path()));
  TRY(isolation::move_machine(jail.started.orders.get(), isolation::Motion::kFree));
  // What the file knows of its random numbers is not to be true of it either.
  TRY(renew_interpreters(*link));
  auto machine = to_spare({.id = id,
                           .folder = std::move(folder),
                           .jail = std::move(jail),
                           .link = link,
                           .limits = order.spec.limits,
                           .warm = order.warm});
  machine->parts().disk_base_bytes = counted ? used_disk_bytes(*counted) : 0;
  return machine;
}

}  // namespace

void discard_template(const std::string& folder) {
  [[maybe_unused]] const auto removed = base::remove_tree(folder);
}

Result<MachineTemplate> find_or_make_template(const LaunchSite& site,
                                              const MachineTemplateOrder& order,
                                              const std::stop_token& stop) {
  const std::string all = machines_folder(site.home, isolation::kMachineTemplates);
  TRY(base::make_folders(all, 0700));
  const std::string shape = shape_of(site, order);
  std::string folder = all + "/" + order.image_digest + "-" + shape;
  if (can_use(folder)) {
    return MachineTemplate{.folder = std::move(folder), .machine = nullptr};
  }
  const auto lock =
      TRY(image::FileLock::acquire(lock_of(all, shape), image::FileLock::Mode::kExclusive, stop));
  if (can_use(folder)) {
    return MachineTemplate{.folder = std::move(folder), .machine = nullptr};
  }
  base::TempDir draft = TRY(base::TempDir::create(all));
  auto machine = TRY_WRAP(save_new_machine(site, order, draft.path(), stop), "make a template");
  TRY(sys::rename(draft.path(), folder));
  [[maybe_unused]] const std::string published = draft.release();
  prune(all);
  return MachineTemplate{.folder = std::move(folder), .machine = std::move(machine)};
}

}  // namespace msb::engine
