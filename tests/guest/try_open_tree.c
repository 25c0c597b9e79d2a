// SPDX-License-Identifier: Apache-2.0
//
// A private copy of the tree of mounts, in which covers could be taken off.
#include <fcntl.h>

#include "attempt.h"

#define TREE_CLONE 1

int main(void) {
  static const char* const kTrees[] = {"/", "/proc", "/sys", "/proc/1/root", "/attempts"};
  for (size_t i = 0; i < sizeof kTrees / sizeof kTrees[0]; ++i) {
    refused(kTrees[i], syscall(SYS_open_tree, AT_FDCWD, kTrees[i], 0));
    refused(kTrees[i], syscall(SYS_open_tree, AT_FDCWD, kTrees[i], TREE_CLONE));
    refused(kTrees[i], syscall(SYS_open_tree, AT_FDCWD, kTrees[i],
                               TREE_CLONE | 0x8000 /* AT_RECURSIVE */ | O_CLOEXEC));
    refused(kTrees[i], syscall(467 /* open_tree_attr */, AT_FDCWD, kTrees[i], TREE_CLONE, 0, 0));
  }
  OTHER_ENTRIES(open_tree, 428, AT_FDCWD, (long)"/proc", TREE_CLONE, 0);
  return verdict();
}
