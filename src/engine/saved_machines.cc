// SPDX-License-Identifier: Apache-2.0
#include "engine/saved_machines.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/sys.h"
#include "engine/machine_files.h"
#include "image/digest.h"
#include "image/json.h"
#include "image/reference.h"
#include "isolation/microvm/machine.h"
#include "isolation/sandbox_spec.h"
#include "isolation/tier.h"
#include "wire/frame.h"

namespace msb::engine {
namespace {

namespace fs = std::filesystem;
namespace json = image::json;

constexpr const char* kDescription = "/machine.json";
constexpr std::size_t kMaxDescriptionBytes = 64 * 1024;
constexpr unsigned kExchange = 2;  // RENAME_EXCHANGE

std::string snapshots_folder(const std::string& home) {
  return machines_folder(home, isolation::kMachineSnapshots);
}

std::string folder_of(const std::string& home, const std::string& reference) {
  return snapshots_folder(home) + "/" + std::string(image::Digest::of(reference).hex());
}

Result<json::Value> description_in(const std::string& folder) {
  return json::parse(TRY(base::read_file(folder + kDescription, kMaxDescriptionBytes)),
                     "saved machine");
}

// Its agent is in its memory, and has to understand this program.
std::string made_with() {
  return mark_of_emulator() + " machine " + std::to_string(isolation::microvm::kMachineFormat) +
         " protocol " + std::to_string(wire::kProtocolVersion);
}

std::string description_of(const image::Image& image, const SavedMachine& machine) {
  const Config& shape = machine.shape;
  json::Value value;
  value["reference"] = image.reference;
  value["image"] = image.digest;
  value["made_with"] = made_with();
  value["memory_mib"] = shape.memory_mib;
  value["millicpus"] = std::llround(shape.cpus * 1000);
  value["disk_mib"] = shape.disk_mib;
  value["max_processes"] = shape.max_processes;
  value["user"] = shape.user;
  value["disk_base_bytes"] = machine.disk_base_bytes;
  return value.dump(2) + "\n";
}

Result<std::int64_t> integer(const json::Value& value, const char* key) {
  return static_cast<std::int64_t>(TRY(json::number(value, key)));
}

Result<SavedMachine> machine_of(const json::Value& value, std::string folder) {
  SavedMachine machine;
  machine.folder = std::move(folder);
  machine.shape.memory_mib = TRY(integer(value, "memory_mib"));
  machine.shape.cpus = static_cast<double>(TRY(integer(value, "millicpus"))) / 1000;
  machine.shape.disk_mib = TRY(integer(value, "disk_mib"));
  machine.shape.max_processes = TRY(integer(value, "max_processes"));
  machine.shape.user = TRY(json::string(value, "user"));
  machine.disk_base_bytes = TRY(integer(value, "disk_base_bytes"));
  return machine;
}

// Whole folders only, and never none.
Result<> publish(base::TempDir& draft, const std::string& folder) {
  if (::syscall(SYS_renameat2, AT_FDCWD, draft.path().c_str(), AT_FDCWD, folder.c_str(),
                kExchange) == 0) {
    return {};  // the draft is the old one now, and goes
  }
  if (errno != ENOENT) {
    return std::unexpected(base::sys::error("rename", folder));
  }
  TRY(base::sys::rename(draft.path(), folder));
  [[maybe_unused]] const std::string published = draft.release();
  return {};
}

// Without the images' index, which every start would have to read for it. By a digest an image is
// found under any of its names.
bool may_be_saved(const std::string& home, const std::string& image) {
  const auto reference = image::Reference::parse(image);
  const bool is_name = reference && !reference->digest && !image.starts_with("sha256:");
  return is_name ? is_saved_machine(folder_of(home, reference->str()))
                 : base::sys::stat(snapshots_folder(home)).has_value();
}

// kUnsupported: made with another QEMU.
Result<std::optional<SavedMachine>> machine_under(const std::string& home,
                                                  const image::Image& image) {
  std::string folder = folder_of(home, image.reference);
  if (!is_saved_machine(folder)) {
    return std::nullopt;
  }
  const json::Value value = TRY(description_in(folder));
  if (TRY(json::string(value, "image")) != image.digest) {
    return std::nullopt;
  }
  if (TRY(json::string(value, "made_with")) != made_with()) {
    return fail(ErrorCode::kUnsupported,
                "the machine was saved by another version, with another QEMU, or with KVM on "
                "another processor, and cannot go on here; make the snapshot again");
  }
  return TRY(machine_of(value, std::move(folder)));
}

template <typename Value>
Result<> settle(const char* field, Value& wanted, const Value& saved, const Value& usual) {
  if (wanted != saved && wanted != usual) {
    return fail(
        ErrorCode::kInvalidArgument,
        std::string(field) + ": a machine that was saved has what it had then; leave it out");
  }
  wanted = saved;
  return {};
}

// What a start of the machine is to be. A field that has neither its default nor the machine's
// value is kInvalidArgument.
Result<Config> with_shape_of(const SavedMachine& machine, Config wanted) {
  const Config usual;
  const Config& saved = machine.shape;
  TRY(settle("memory", wanted.memory_mib, saved.memory_mib, usual.memory_mib));
  TRY(settle("cpus", wanted.cpus, saved.cpus, usual.cpus));
  TRY(settle("disk", wanted.disk_mib, saved.disk_mib, usual.disk_mib));
  TRY(settle("max_processes", wanted.max_processes, saved.max_processes, usual.max_processes));
  TRY(settle("user", wanted.user, saved.user, usual.user));
  return wanted;
}

}  // namespace

Result<std::optional<SavedMachine>> find_saved_machine(const std::string& home,
                                                       image::Store& images, Config& config) {
  if (!may_be_saved(home, config.image)) {
    return std::nullopt;
  }
  const auto image = TRY(images.find(config.image));
  auto machine = image ? TRY(machine_under(home, *image)) : std::nullopt;
  if (!machine) {
    return std::nullopt;
  }
  const std::string microvm =
      isolation::to_text({.kind = isolation::Tier::Kind::kMicrovm, .runtime = {}});
  if (config.isolation.empty()) {
    config.isolation = microvm;
  }
  if (config.isolation != microvm) {
    return fail(ErrorCode::kInvalidArgument,
                "isolation: a machine that was saved goes on with '" + microvm + "' only");
  }
  config = TRY(with_shape_of(*machine, std::move(config)));
  return machine;
}

Result<image::Image> keep_saved_machine(
    const std::string& home, const SavedMachine& machine,
    const std::function<Result<>(const std::string& folder)>& save,
    const std::function<Result<image::Image>()>& give_name) {
  const std::string all = snapshots_folder(home);
  TRY(base::make_folders(all, 0700));
  base::TempDir draft = TRY(base::TempDir::create(all));
  TRY(save(draft.path()));
  image::Image image = TRY(give_name());
  TRY(base::write_file_atomic(draft.path() + kDescription, description_of(image, machine), 0600));
  TRY(publish(draft, folder_of(home, image.reference)));
  return image;
}

void sweep_saved_machines(const std::string& home, image::Store& images) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(snapshots_folder(home), error)) {
    const auto value = description_in(entry.path().string());
    const auto reference = value ? json::string(*value, "reference") : Result<std::string>();
    if (!reference || reference->empty()) {
      continue;  // a draft, or not ours
    }
    const auto image = images.find(*reference);
    if (image && !*image) {
      [[maybe_unused]] const auto removed = base::remove_tree(entry.path().string());
    }
  }
}

}  // namespace msb::engine
