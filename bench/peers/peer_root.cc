// SPDX-License-Identifier: Apache-2.0
#include <sched.h>
#include <sys/mount.h>

#include <ranges>

#include "base/file.h"
#include "base/sys.h"
#include "base/try.h"
#include "bench/peers/peer.h"

namespace msb::bench {
namespace {

Result<> mount_one(const char* type, const std::string& target, unsigned long flags,
                   const std::string& data = {}) {
  if (::mount("none", target.c_str(), type, flags, data.c_str()) != 0) {
    return std::unexpected(base::sys::error("mount", target));
  }
  return {};
}

}  // namespace

Result<PeerRoot> PeerRoot::mount(const std::vector<std::string>& layers) {
  if (::unshare(CLONE_NEWNS) != 0) {
    return std::unexpected(base::sys::error("unshare", "mount namespace"));
  }
  TRY(mount_one(nullptr, "/", MS_REC | MS_PRIVATE));
  PeerRoot root;
  const std::string base = "/run/msb-bench";
  TRY(base::make_folders(base));
  TRY(mount_one("tmpfs", base, 0, "mode=0755"));
  root.rootfs_ = base + "/rootfs";
  root.state_ = base + "/state";
  for (const std::string& folder : {root.rootfs_, root.state_, base + "/written", base + "/work"}) {
    TRY(base::make_folders(folder));
  }
  std::string lower;  // the uppermost first
  for (const std::string& layer : layers | std::views::reverse) {
    lower += (lower.empty() ? "" : ":") + layer;
  }
  TRY(mount_one("overlay", root.rootfs_, 0,
                "lowerdir=" + lower + ",upperdir=" + base + "/written,workdir=" + base + "/work"));
  // crun 1.8 refuses hosts that have cgroups of both versions. This one it then takes for v1; the
  // second version carries no controller there.
  if (base::sys::stat("/sys/fs/cgroup/unified/cgroup.procs") &&
      ::umount2("/sys/fs/cgroup/unified", MNT_DETACH) != 0) {
    return std::unexpected(base::sys::error("umount", "/sys/fs/cgroup/unified"));
  }
  return root;
}

}  // namespace msb::bench
