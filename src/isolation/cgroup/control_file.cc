// SPDX-License-Identifier: Apache-2.0
#include "isolation/cgroup/control_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/bytes.h"
#include "base/file.h"
#include "base/sys.h"

namespace msb::isolation::cgroup {

namespace sys = base::sys;

Result<> write_control(const std::string& folder, const std::string& file, std::string_view value) {
  const base::UniqueFd fd = TRY(sys::open(folder + "/" + file, O_WRONLY));
  // One write: the kernel parses each write as a whole.
  if (auto written = sys::write(fd.get(), base::bytes_of(value)); !written) {
    return std::unexpected(
        sys::error_of(written.error().sys_errno(), "write", file + ", " + std::string(value)));
  }
  return {};
}

Result<std::string> read_control(const std::string& folder, const std::string& file) {
  constexpr std::size_t kMaxControlBytes = 256 * 1024;
  return base::read_file(folder + "/" + file, kMaxControlBytes);
}

base::UniqueFd open_gauge(const std::string& folder, const std::string& file) {
  auto fd = sys::open(folder + "/" + file, O_RDONLY);
  return fd ? std::move(*fd) : base::UniqueFd();
}

Result<> make_group(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0755) < 0 && errno != EEXIST) {
    return std::unexpected(sys::error("mkdir", folder));
  }
  return {};
}

Result<bool> remove_group(const std::string& folder) {
  if (::rmdir(folder.c_str()) == 0 || errno == ENOENT) {
    return true;
  }
  if (errno == EBUSY || errno == ENOTEMPTY) {
    return false;
  }
  return std::unexpected(sys::error("rmdir", folder));
}

}  // namespace msb::isolation::cgroup
