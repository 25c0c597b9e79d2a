// SPDX-License-Identifier: Apache-2.0
#include "isolation/oci/complaints.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "base/sys.h"
#include "isolation/last_line.h"

namespace msb::isolation::oci {

Result<Complaints> open_complaints() {
  base::sys::Pipe pipe = TRY(base::sys::pipe(O_NONBLOCK));
  return Complaints{.ours = std::move(pipe.read_end), .theirs = std::move(pipe.write_end)};
}

std::string read_complaint(const base::UniqueFd& ours) {
  constexpr std::size_t kMaxPipeBytes = 64 * 1024;
  std::string text(kMaxPipeBytes, '\0');
  const ssize_t size = ::read(ours.get(), text.data(), text.size());
  text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return last_line(std::move(text)).substr(0, kMaxComplaintBytes);
}

}  // namespace msb::isolation::oci
