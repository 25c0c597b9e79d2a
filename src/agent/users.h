// SPDX-License-Identifier: Apache-2.0
//
// Who a process runs as. Names are looked up in the sandbox's own /etc/passwd and /etc/group, read
// here line by line: a static program has no NSS, and the files are the guest's, so they are read
// within bounds.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"

namespace msb::agent {

inline constexpr std::size_t kMaxAccountFileBytes = 1024 * 1024;
inline constexpr std::size_t kMaxGroups = 1024;

struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups = {};  // supplementary
  std::string home = "/";
};

// `user` is "name|uid[:group|gid]"; empty is root. As container runtimes do: a uid without an entry
// gets group 0 and home "/"; an explicit group replaces the user's supplementary ones.
// kInvalidArgument: no such user or group. `etc` is the folder of both files.
Result<Identity> find_identity(std::string_view user, const std::string& etc = "/etc");

}  // namespace msb::agent
