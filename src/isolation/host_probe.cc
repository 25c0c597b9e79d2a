// SPDX-License-Identifier: Apache-2.0
#include "isolation/host_probe.h"

#include <algorithm>

#include "base/child_process.h"
#include "base/file.h"
#include "base/sys.h"
#include "isolation/probe_text.h"

namespace msb::isolation {

bool TierProbe::is_usable() const {
  return std::ranges::none_of(
      findings, [](const Finding& each) { return each.level == Finding::Level::kMissing; });
}

Result<std::vector<TierProbe>> probe_host(const std::string& warden_path,
                                          const std::string& agent_path, const std::string& home) {
  constexpr std::size_t kMaxFindingsBytes = 256 * 1024;
  base::sys::Pipe output = TRY(base::sys::pipe());
  base::ChildProcess warden =
      TRY(base::ChildProcess::spawn({.path = warden_path,
                                     .argv = {"msb-warden", "probe", home, agent_path},
                                     .env = std::vector<std::string>{},
                                     .fds = {{output.write_end.get(), 1}},
                                     .new_session = true}));
  output.write_end.reset();
  const std::string text =
      TRY_WRAP(base::read_all(output.read_end.get(), kMaxFindingsBytes), "examine the host");
  const base::ExitStatus status = TRY(warden.wait());
  if (!status.success()) {
    return fail(ErrorCode::kInternal, "msb-warden probe ended with " + status.text());
  }
  return parse_probe(text);
}

}  // namespace msb::isolation
