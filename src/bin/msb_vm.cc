// SPDX-License-Identifier: Apache-2.0
//
// msb-vm: holds one micro VM. Executed by msb-warden in the machine's jail, not by people.
#include <string_view>
#include <vector>

#include "isolation/microvm/supervisor.h"

int main(int argc, char** argv) {
  return msb::isolation::microvm::supervise(std::vector<std::string_view>(argv + 1, argv + argc));
}
