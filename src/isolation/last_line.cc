// SPDX-License-Identifier: Apache-2.0
#include "isolation/last_line.h"

#include <algorithm>

namespace msb::isolation {

std::string last_line(std::string said) {
  said.erase(said.find_last_not_of(" \r\n") + 1);
  said.erase(0, said.rfind('\n') + 1);
  std::ranges::replace_if(said, [](char each) { return each < ' ' || each > '~'; }, '?');
  return said;
}

}  // namespace msb::isolation
