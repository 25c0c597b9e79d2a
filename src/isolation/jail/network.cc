// SPDX-License-Identifier: Apache-2.0
#include "isolation/jail/network.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "base/file.h"
#include "base/sys.h"

namespace msb::isolation::jail {
namespace {

namespace sys = base::sys;

// Where /proc/sys is read-only (in a container), these stay at the kernel's defaults.
void set(const char* path, const char* value) {
  if (const auto file = sys::open(path, O_WRONLY)) {
    [[maybe_unused]] const auto written = base::write_all(file->get(), value);
  }
}

}  // namespace

Result<> set_up_loopback() {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) {
    return std::unexpected(sys::error("socket"));
  }
  ifreq request{};
  std::memcpy(request.ifr_name, "lo", sizeof "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) < 0) {
    return std::unexpected(sys::error("ioctl(SIOCSIFFLAGS)", "lo"));
  }
  // /proc/sys/net shows the network namespace of who opens it.
  set("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
  set("/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
  return {};
}

}  // namespace msb::isolation::jail
