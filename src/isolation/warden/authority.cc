// SPDX-License-Identifier: Apache-2.0
#include "isolation/warden/authority.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "base/file.h"
#include "base/sys.h"
#include "isolation/host_traces.h"
#include "isolation/jail/mounts.h"
#include "isolation/warden/rootless_ids.h"

namespace msb::isolation::warden {
namespace {

namespace sys = base::sys;

bool has_capability(int capability) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  return ::syscall(SYS_capget, &header, data.data()) == 0 &&
         (data[CAP_TO_INDEX(static_cast<unsigned>(capability))].effective &
          CAP_TO_MASK(static_cast<unsigned>(capability))) != 0;
}

// Overlay takes idmapped layers from Linux 5.19 on.
bool overlay_maps() {
  utsname name{};
  ::uname(&name);
  int major_version = 0;
  int minor_version = 0;
  return std::sscanf(name.release, "%d.%d", &major_version, &minor_version) == 2 &&
         std::pair(major_version, minor_version) >= std::pair(5, 19);
}

void find_disk_images(Authority& authority) {
  std::string reason;
  if (!authority.powers.is_root) {
    reason = "loop devices need root";
  } else if (const auto control = sys::open("/dev/loop-control", O_RDWR); !control) {
    reason = control.error().message();
  } else if (::access("/usr/sbin/mkfs.ext4", X_OK) != 0 && ::access("/sbin/mkfs.ext4", X_OK) != 0) {
    reason = "mkfs.ext4 (package e2fsprogs) is not installed";
  } else {
    authority.powers.disk_images = true;
    return;
  }
  authority.powers.disk_images = false;
  authority.weaknesses.push_back("disk limit not enforced: " + reason);
}

Result<Authority> take_root_authority(const std::string& home) {
  if (const auto mapped = try_mapped_layers(home); !mapped) {
    return Authority{{.is_root = true},
                     Identities::of_one(jail::range_of_slot(0)),
                     {"sandboxes share one range of user ids: " + mapped.error().message()}};
  }
  Identities identities = TRY(Identities::of_slots(kUidSlotFile));
  return Authority{{.is_root = true}, std::move(identities), {}};
}

}  // namespace

bool is_host_root() {
  if (::geteuid() != 0 || !has_capability(CAP_SYS_ADMIN)) {
    return false;
  }
  // A container's root has a part of the host's ids.
  const auto map = base::read_file("/proc/self/uid_map", 4096);
  unsigned inside = 1;
  unsigned outside = 1;
  unsigned count = 0;
  return map && std::sscanf(map->c_str(), "%u %u %u", &inside, &outside, &count) == 3 &&
         inside == 0 && outside == 0 && count == 0xffffffff;
}

Result<> try_mapped_layers(const std::string& folder) {
  if (!overlay_maps()) {
    return fail(ErrorCode::kUnsupported, "overlay takes idmapped layers from Linux 5.19 on");
  }
  const jail::IdMap map = jail::store_map(jail::range_of_slot(1));
  const base::UniqueFd user_namespace =
      TRY(jail::make_user_namespace(map, map, jail::NamespaceUse::kMounts));
  const base::UniqueFd mount = TRY(jail::clone_mount(AT_FDCWD, folder));
  return jail::set_attributes(mount.get(), {.id_map = user_namespace.get()});
}

Result<Authority> take_authority(const std::string& home) {
  if (is_host_root()) {
    Authority authority = TRY(take_root_authority(home));
    find_disk_images(authority);
    return authority;
  }
  const jail::IdRange range = TRY(enter_own_user_namespace());
  Authority authority{{.is_root = false}, Identities::of_one(range), {}};
  if (range.count == 1) {
    authority.weaknesses.emplace_back(
        "the sandbox has one user id: programs inside cannot change their user");
  }
  find_disk_images(authority);
  return authority;
}

}  // namespace msb::isolation::warden
