// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/kernel_image.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <system_error>

#include "base/file.h"

namespace msb::isolation::microvm {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCloudFlavour = "-cloud-";
// Checksums are found by what they compute, so nothing that needs one says its name.
constexpr const char* kWanted[] = {"virtio_pci",     "virtio_blk",   "virtio_console",
                                   "crc32c_generic", "erofs",        "overlay",
                                   "ext4",           "9pnet_virtio", "9p"};
constexpr const char* kShareModule = "/kernel/fs/9p/9p.ko";  // beneath modules_folder

// 6.1.0-9 before 6.1.0-10: runs of digits count as numbers.
bool is_older(std::string_view left, std::string_view right) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  while (!left.empty() && !right.empty()) {
    if (is_digit(left.front()) && is_digit(right.front())) {
      const auto number = [&](std::string_view& text) {
        const auto end = std::ranges::find_if_not(text, is_digit);
        std::string_view digits(text.begin(), end);
        text.remove_prefix(digits.size());
        digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
        return digits;
      };
      const std::string_view a = number(left);
      const std::string_view b = number(right);
      if (a != b) {
        return a.size() != b.size() ? a.size() < b.size() : a < b;
      }
      continue;
    }
    if (left.front() != right.front()) {
      return left.front() < right.front();
    }
    left.remove_prefix(1);
    right.remove_prefix(1);
  }
  return left.size() < right.size();
}

bool is_better(const KernelImage& candidate, const KernelImage& best) {
  if (candidate.has_volumes != best.has_volumes) {
    return candidate.has_volumes;
  }
  const bool is_cloud = candidate.version.contains(kCloudFlavour);
  const bool best_is_cloud = best.version.contains(kCloudFlavour);
  return is_cloud != best_is_cloud ? is_cloud : is_older(best.version, candidate.version);
}

std::optional<KernelImage> best_in(const std::string& root) {
  std::optional<KernelImage> best;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(root + "/boot", error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPackedPrefix)) {
      continue;
    }
    const std::string version = name.substr(kPackedPrefix.size());
    const fs::path unpacked = entry.path().parent_path() / (std::string(kUnpackedPrefix) + version);
    KernelImage found{
        .version = version,
        .path = fs::exists(unpacked, error) ? unpacked.string() : entry.path().string(),
        .modules_folder = root + "/lib/modules/" + version};
    found.has_volumes = fs::exists(found.modules_folder + kShareModule, error);
    if (fs::is_directory(found.modules_folder, error) && (!best || is_better(found, *best))) {
      best = std::move(found);
    }
  }
  return best;
}

// Files say '-' where names say '_'.
std::string module_name(std::string name) {
  std::ranges::replace(name, '-', '_');
  return name;
}

class ModuleOrder {
 public:
  explicit ModuleOrder(const std::string& folder) {
    std::error_code error;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder, error)) {
      has_compressed_ |= entry.path().stem().extension() == ".ko";
      if (entry.path().extension() == ".ko") {
        files_.emplace(module_name(entry.path().stem().string()), entry.path().string());
      }
    }
  }

  // Of compressed modules dependencies cannot be read here.
  bool has_compressed() const { return has_compressed_; }

  Result<> add(const std::string& name) {
    const auto file = files_.find(module_name(name));
    if (file == files_.end() || !seen_.insert(file->first).second) {
      return {};
    }
    const std::string module = TRY(base::read_file(file->second, kMaxModuleBytes));
    for (const std::string& dependency : dependencies_in(module)) {
      TRY(add(dependency));
    }
    order_.push_back(file->second);
    return {};
  }

  std::vector<std::string> take() { return std::move(order_); }

 private:
  std::map<std::string, std::string> files_;
  std::set<std::string> seen_;
  std::vector<std::string> order_;
  bool has_compressed_ = false;
};

}  // namespace

Result<KernelImage> find_kernel(const std::vector<std::string>& roots) {
  std::optional<KernelImage> found;
  for (const std::string& root : roots) {
    auto best = best_in(root);
    if (best && (!found || (best->has_volumes && !found->has_volumes))) {
      found = std::move(best);
    }
  }
  if (found) {
    return *std::move(found);
  }
  return fail(ErrorCode::kUnsupported,
              "no kernel for a machine: install linux-image-amd64, or unpack it with "
              "tools/fetch-guest-kernel");
}

std::vector<std::string> dependencies_in(std::string_view module) {
  // Of the section .modinfo: strings that end in zero.
  constexpr std::string_view kKey{"\0depends=", 9};
  std::vector<std::string> names;
  const std::size_t at = module.find(kKey);
  if (at == std::string_view::npos) {
    return names;
  }
  std::string_view list = module.substr(at + kKey.size());
  list = list.substr(0, list.find('\0'));
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (comma > 0) {
      names.emplace_back(list.substr(0, comma));
    }
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return names;
}

Result<std::vector<std::string>> find_modules(const KernelImage& kernel) {
  ModuleOrder order(kernel.modules_folder);
  if (order.has_compressed()) {
    return fail(
        ErrorCode::kUnsupported,
        kernel.modules_folder + ": compressed modules; unpack them, or use Debian 12's kernel");
  }
  for (const char* name : kWanted) {
    TRY(order.add(name));
  }
  return order.take();
}

}  // namespace msb::isolation::microvm
