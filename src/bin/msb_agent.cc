// SPDX-License-Identifier: Apache-2.0
//
// msb-agent: the program inside a sandbox. Executed with the stream to the host at descriptor 3.
#include "agent/init.h"
#include "base/unique_fd.h"

namespace {

constexpr int kStreamFd = 3;

}  // namespace

int main() {
  return msb::agent::run(msb::base::UniqueFd(kStreamFd));
}
