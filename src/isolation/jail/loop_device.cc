// SPDX-License-Identifier: Apache-2.0
#include "isolation/jail/loop_device.h"

#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/parse.h"
#include "base/sys.h"

namespace msb::isolation::jail {
namespace {

namespace sys = base::sys;

constexpr unsigned kMiscMajor = 10;
constexpr unsigned kLoopControlMinor = 237;
constexpr unsigned kLoopMajor = 7;
// Others look for a free device at the same time, and win at times.
constexpr int kMaxAttempts = 64;

Result<base::UniqueFd> open_node(const std::string& path, mode_t type, dev_t device) {
  if (::mknod(path.c_str(), type | 0600, device) < 0 && errno != EEXIST) {
    return std::unexpected(sys::error("mknod", path));
  }
  return sys::open(path, O_RDWR);
}

// Its minor number is not the device's own where the driver leaves room for partitions.
dev_t device_of(int number) {
  const auto text = base::read_file("/sys/block/loop" + std::to_string(number) + "/dev", 32);
  unsigned minor_number = static_cast<unsigned>(number);
  if (text && text->starts_with("7:") && text->ends_with('\n')) {
    minor_number = base::parse_number<unsigned>(std::string_view(*text).substr(2, text->size() - 3))
                       .value_or(minor_number);
  }
  return makedev(kLoopMajor, minor_number);
}

}  // namespace

Result<LoopDevice> attach_loop_device(int image, const std::string& nodes_path) {
  const base::UniqueFd control =
      TRY(open_node(nodes_path + "/loop-control", S_IFCHR, makedev(kMiscMajor, kLoopControlMinor)));
  loop_config config{};
  config.fd = static_cast<__u32>(image);
  config.block_size = 4096;
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) {
      return std::unexpected(sys::error("ioctl(LOOP_CTL_GET_FREE)"));
    }
    std::string path = nodes_path + "/loop" + std::to_string(number);
    base::UniqueFd device = TRY(open_node(path, S_IFBLK, device_of(number)));
    if (::ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) {
      return LoopDevice{std::move(device), std::move(path)};
    }
    if (errno != EBUSY) {
      return std::unexpected(sys::error("ioctl(LOOP_CONFIGURE)", path));
    }
  }
  return fail(ErrorCode::kResourceExhausted, "no free loop device");
}

}  // namespace msb::isolation::jail
