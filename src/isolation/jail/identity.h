// SPDX-License-Identifier: Apache-2.0
//
// Who the calling process is: first a builder with the host's power that makes files in the
// sandbox's name, at the end the sandbox's root with almost none.
#pragma once

#include <linux/capability.h>

#include <cstdint>

#include "base/try.h"
#include "isolation/jail/id_map.h"

namespace msb::isolation::jail {

// Files made from now on belong to the sandbox's root; capabilities are kept.
Result<> build_as(const IdRange& range);

// The host's root again, as before build_as().
Result<> build_as_host_root();

// Enters the sandbox's user namespace as its root, for good: no supplementary groups, no_new_privs,
// and of its capabilities over that namespace only those that concern its own files and processes.
Result<> become_sandbox_root(int user_namespace);

// The same as any other id of that namespace, which needs none that is root, and without a
// capability.
Result<> become_nobody_special(int user_namespace, std::uint32_t uid, std::uint32_t gid);

struct Capability {
  int number;
  const char* name;  // as OCI spells it
};
// All there is inside: neither the guest nor a set-user-id program gains another one.
inline constexpr Capability kKeptCapabilities[] = {
    {CAP_CHOWN, "CAP_CHOWN"},   {CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE"},
    {CAP_FOWNER, "CAP_FOWNER"}, {CAP_FSETID, "CAP_FSETID"},
    {CAP_KILL, "CAP_KILL"},     {CAP_SETGID, "CAP_SETGID"},
    {CAP_SETUID, "CAP_SETUID"}, {CAP_NET_BIND_SERVICE, "CAP_NET_BIND_SERVICE"}};

}  // namespace msb::isolation::jail
