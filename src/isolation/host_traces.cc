// SPDX-License-Identifier: Apache-2.0
#include "isolation/host_traces.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <ranges>
#include <string_view>
#include <system_error>

#include "base/file.h"
#include "base/parse.h"
#include "base/sys.h"
#include "isolation/cgroup/backend.h"

namespace msb::isolation {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxTableBytes = 64 << 20;
constexpr std::uint32_t kMaxUidSlot = 4096;

std::string read_text(const std::string& path) {
  return base::read_file(path, kMaxTableBytes).value_or(std::string());
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (const auto part : std::views::split(text, separator)) {
    if (!part.empty()) {
      parts.emplace_back(part.begin(), part.end());
    }
  }
  return parts;
}

bool is_beneath(std::string_view path, const std::string& folder) {
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

}  // namespace

std::vector<std::string> mounts_beneath(const std::string& folder) {
  std::vector<std::string> mounts;
  const std::string mountinfo = read_text("/proc/self/mountinfo");
  for (const std::string_view line : split(mountinfo, '\n')) {
    const auto fields = split(line, ' ');
    if (fields.size() < 5) {
      continue;
    }
    std::string point = cgroup::unescape_mount_path(fields[4]);
    if (is_beneath(point, folder)) {
      mounts.push_back(std::move(point));
    }
  }
  return mounts;
}

std::vector<LoopDeviceTrace> loop_devices_beneath(const std::string& folder) {
  std::vector<LoopDeviceTrace> devices;
  std::error_code error;
  for (fs::directory_iterator at("/sys/block", error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename();
    if (!name.starts_with("loop")) {
      continue;
    }
    std::string file = read_text((at->path() / "loop/backing_file").string());
    while (file.ends_with('\n')) {
      file.pop_back();
    }
    if (is_beneath(file, folder)) {
      devices.push_back({name, std::move(file)});
    }
  }
  return devices;
}

std::vector<EngineGroupTrace> engine_groups() {
  const auto self_cgroup = read_text("/proc/self/cgroup");
  const auto mountinfo = read_text("/proc/self/mountinfo");
  const cgroup::Places places = cgroup::find_places(self_cgroup, mountinfo);
  std::set<std::string> folders;
  const auto add = [&folders](const cgroup::Place& place) {
    folders.merge(cgroup::engine_groups_around(place));
  };
  if (places.v2) {
    add(*places.v2);
  }
  for (const auto& [controller, place] : places.v1) {
    add(place);
  }
  std::vector<EngineGroupTrace> groups;
  for (const std::string& folder : folders) {
    EngineGroupTrace group;
    group.folder = folder;
    group.engine_id = fs::path(folder).filename().string().substr(cgroup::kEnginePrefix.size());
    group.is_claimed = cgroup::is_claimed(folder);
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
      std::error_code gone;
      const std::string procs = at->path().string() + "/cgroup.procs";
      if (at->is_directory(gone) && fs::exists(procs, gone) && read_text(procs).empty()) {
        group.idle.push_back(at->path());
      }
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

bool can_see_uid_slots() {
  return base::sys::open(kUidSlotFile, O_RDWR | O_NOFOLLOW).has_value();
}

std::set<std::uint32_t> locked_uid_slots() {
  std::set<std::uint32_t> slots;
  const auto file = base::sys::open(kUidSlotFile, O_RDWR | O_NOFOLLOW);
  if (!file) {
    return slots;
  }
  for (std::uint32_t slot = 0; slot < kMaxUidSlot; ++slot) {
    struct flock lock{};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = slot;
    lock.l_len = 1;
    if (::fcntl(file->get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) {
      slots.insert(slot);
    }
  }
  return slots;
}

std::set<std::uint32_t> uid_slots_of(const ProcessEntry& process) {
  std::set<std::uint32_t> slots;
  for (const auto& [number, target] : process.files) {
    if (target != kUidSlotFile) {
      continue;
    }
    // lock:  1: OFDLCK ADVISORY  WRITE -1 00:1b:123 5 9
    const std::string info =
        read_text("/proc/" + std::to_string(process.pid) + "/fdinfo/" + std::to_string(number));
    for (const std::string_view line : split(info, '\n')) {
      const auto words = split(line, ' ');
      if (!line.starts_with("lock:") || words.size() < 3) {
        continue;
      }
      const auto first = base::parse_number<std::uint32_t>(words[words.size() - 2]);
      const auto last = base::parse_number<std::uint32_t>(words.back());
      for (std::uint32_t slot = first.value_or(1); slot <= last.value_or(0) && slot < kMaxUidSlot;
           ++slot) {
        slots.insert(slot);
      }
    }
  }
  return slots;
}

std::set<std::string> listening_sockets() {
  std::set<std::string> sockets;
  const auto add = [&](const std::string& file, std::size_t state_at, std::string_view listens,
                       std::size_t inode_at) {
    const std::string text = read_text(file);
    for (const std::string_view line : split(text, '\n')) {
      const auto fields = split(line, ' ');
      if (fields.size() > std::max(state_at, inode_at) && fields[state_at] == listens) {
        sockets.insert("socket:[" + std::string(fields[inode_at]) + "]");
      }
    }
  };
  add("/proc/self/net/tcp", 3, "0A", 9);
  add("/proc/self/net/tcp6", 3, "0A", 9);
  add("/proc/self/net/unix", 3, "00010000", 6);
  return sockets;
}

}  // namespace msb::isolation
