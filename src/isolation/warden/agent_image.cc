// SPDX-License-Identifier: Apache-2.0
#include "isolation/warden/agent_image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "base/sys.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U  // Linux 6.3
#endif

namespace msb::isolation::warden {

namespace sys = base::sys;

Result<base::UniqueFd> load_agent(const std::string& path) {
  const base::UniqueFd file = TRY(sys::open(path, O_RDONLY));
  const struct stat status = TRY(sys::fstat(file.get()));
  auto memory = sys::memfd_create("msb-agent", MFD_ALLOW_SEALING | MFD_EXEC);
  if (!memory && memory.error().sys_errno() == EINVAL) {
    memory = sys::memfd_create("msb-agent", MFD_ALLOW_SEALING);
  }
  const base::UniqueFd image = TRY(std::move(memory));
  for (off_t left = status.st_size; left > 0;) {
    const ssize_t sent =
        ::sendfile(image.get(), file.get(), nullptr, static_cast<std::size_t>(left));
    if (sent <= 0) {
      return std::unexpected(sys::error("sendfile", path));
    }
    left -= sent;
  }
  TRY(sys::fchmod(image.get(), 0555));
  if (::fcntl(image.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) <
      0) {
    return std::unexpected(sys::error("fcntl(F_ADD_SEALS)"));
  }
  // Executing it needs no more than this.
  return sys::open("/proc/self/fd/" + std::to_string(image.get()), O_RDONLY);
}

}  // namespace msb::isolation::warden
