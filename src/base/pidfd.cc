// SPDX-License-Identifier: Apache-2.0
#include "base/pidfd.h"

#include <cstddef>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/parse.h"

namespace msb::base {

Result<pid_t> pid_of(int pidfd) {
  const std::string info = TRY(read_file("/proc/self/fdinfo/" + std::to_string(pidfd), 4096));
  constexpr std::string_view kKey = "\nPid:\t";
  const std::size_t at = info.find(kKey);
  if (at == std::string::npos) {
    return fail(ErrorCode::kUnsupported, "no Pid in /proc/self/fdinfo");
  }
  const std::size_t begin = at + kKey.size();
  const auto pid =
      parse_number<pid_t>(std::string_view(info).substr(begin, info.find('\n', begin) - begin));
  // -1: reaped; 0: of a pid namespace that ours does not see.
  if (!pid || *pid <= 0) {
    return fail(ErrorCode::kNotFound, "the process of a pidfd has ended");
  }
  return *pid;
}

}  // namespace msb::base
