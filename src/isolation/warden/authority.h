// SPDX-License-Identifier: Apache-2.0
//
// What this warden may do on this host, taken hold of before anything else.
//
//   the host's root         a uid range per sandbox; layers mapped to it by idmapped mounts
//     ... that cannot map   all sandboxes in the range in which layers are stored
//   somebody else           root of a user namespace over the ids that /etc/subuid gives, or over
//                           the own id alone
#pragma once

#include <string>
#include <vector>

#include "base/try.h"
#include "isolation/jail/jail.h"
#include "isolation/warden/identities.h"

namespace msb::isolation::warden {

struct Authority {
  jail::Powers powers;
  Identities identities;
  std::vector<std::string> weaknesses;
};

// Without the host's root, the calling process, which must be single-threaded, enters a user and a
// mount namespace of its own; descriptors of folders that were opened before cannot be mounted
// after.
Result<Authority> take_authority(const std::string& home);

// True for a root that is not merely the root of a container's user namespace.
bool is_host_root();

// Whether overlay can have idmapped layers that lie in `folder`.
Result<> try_mapped_layers(const std::string& folder);

}  // namespace msb::isolation::warden
