// SPDX-License-Identifier: Apache-2.0
#include "engine/machine_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <system_error>

#include "base/file.h"
#include "base/parse.h"
#include "base/sparse_file.h"
#include "base/sys.h"
#include "isolation/jail/disk_image.h"
#include "isolation/machine_orders.h"
#include "isolation/microvm/accelerator.h"
#include "isolation/microvm/request.h"
#include "isolation/sandbox_spec.h"

namespace msb::engine {
namespace {

namespace fs = std::filesystem;
namespace sys = base::sys;

constexpr const char* kDiskBase = "/disk_base";

}  // namespace

std::string hexadecimal_of(const std::string& digest) {
  return digest.substr(digest.find(':') + 1);
}

Result<> save_machine_into(const std::string& folder, int orders,
                           const std::string& writable_folder) {
  const auto create = [&](const char* name, mode_t mode) {
    return sys::open(folder + "/" + name, O_RDWR | O_CREAT | O_EXCL, mode);
  };
  const base::UniqueFd state = TRY(create(isolation::microvm::kTemplateState, 0600));
  const base::UniqueFd memory = TRY(create(isolation::microvm::kTemplateMemory, 0600));
  TRY(isolation::save_machine(orders, state.get(), memory.get()));
  // The QEMU of a clone has another user, and reads it; all others are shut out by the home.
  TRY(sys::fchmod(memory.get(), 0444));
  const std::string disk = std::string("/") + isolation::jail::kDiskImageName;
  const base::UniqueFd original = TRY(sys::open(writable_folder + disk, O_RDONLY | O_NOFOLLOW));
  const base::UniqueFd copy = TRY(create(isolation::jail::kDiskImageName, 0600));
  return base::copy_sparse_file(original.get(), copy.get());
}

Result<> save_disk_base(const std::string& folder, std::int64_t bytes) {
  return base::write_file_atomic(folder + kDiskBase, std::to_string(bytes), 0600);
}

std::optional<std::int64_t> saved_disk_base(const std::string& folder) {
  constexpr std::size_t kMaxDigits = 20;
  const auto text = base::read_file(folder + kDiskBase, kMaxDigits);
  return text ? base::parse_number<std::int64_t>(*text) : std::nullopt;
}

std::string mark_of_file(const std::string& path) {
  const auto status = sys::stat(path);
  return status ? std::to_string(status->st_ino) + "." + std::to_string(status->st_mtim.tv_sec) +
                      "." + std::to_string(status->st_size)
                : "-";
}

std::string mark_of_emulator() {
  using isolation::microvm::Accelerator;
  const bool is_kvm = isolation::microvm::choose_accelerator().accelerator == Accelerator::kKvm;
  return mark_of_file(isolation::microvm::kQemuPath) +
         (is_kvm ? " kvm\n" + isolation::microvm::processor_model() : "");
}

std::string machines_folder(const std::string& home, const char* place) {
  return home + "/" + place;
}

void sweep_machine_drafts(const std::string& home) {
  // Nobody writes for that long.
  const auto old = fs::file_time_type::clock::now() - std::chrono::hours(1);
  for (const char* place :
       {isolation::kMachineTemplates, isolation::kMachineSnapshots, isolation::kMachineMoments}) {
    std::error_code error;
    for (const fs::directory_entry& entry :
         fs::directory_iterator(machines_folder(home, place), error)) {
      std::error_code gone;
      if (entry.path().filename().string().starts_with("msb-") &&
          entry.last_write_time(gone) < old && !gone) {
        [[maybe_unused]] const auto removed = base::remove_tree(entry.path().string());
      }
    }
  }
}

bool is_saved_machine(const std::string& folder) {
  return sys::stat(folder + "/" + isolation::jail::kDiskImageName).has_value();
}

}  // namespace msb::engine
