// SPDX-License-Identifier: Apache-2.0
#include "isolation/oci/complaints.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/sys.h"

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
  text.erase(text.find_last_not_of(" \n") + 1);
  text.erase(0, text.rfind('\n') + 1);
  text.resize(std::min(text.size(), kMaxComplaintBytes));
  std::ranges::replace_if(text, [](char each) { return each < ' ' || each > '~'; }, '?');
  return text;
}

}  // namespace msb::isolation::oci
