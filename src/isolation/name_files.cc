// SPDX-License-Identifier: Apache-2.0
#include "isolation/name_files.h"

namespace msb::isolation {

std::string hostname_file(const std::string& hostname) {
  return hostname + "\n";
}

std::string hosts_file(const std::string& hostname) {
  return "127.0.0.1\tlocalhost\n"
         "::1\tlocalhost ip6-localhost ip6-loopback\n"
         "127.0.1.1\t" +
         hostname + "\n";
}

}  // namespace msb::isolation
