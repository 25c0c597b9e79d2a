// SPDX-License-Identifier: Apache-2.0
//
// A machine's memory on the host, and a copy of it as a file that clones map.
//
// A machine that has booted has its memory in a memfd. That of a clone is its template's file,
// mapped privately: what the guest has written since are pages of QEMU's own, and the kernel says
// which (proc_pid_pagemap(5)).
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::isolation::microvm {

// Of a machine that boots.
Result<base::UniqueFd> make_own_memory(std::uint64_t size_bytes);

// That of a clone that stands still, into `file`, which is empty. `process` is its QEMU, which has
// `path` mapped.
Result<> copy_clone_memory(pid_t process, const char* path, int file);

}  // namespace msb::isolation::microvm
