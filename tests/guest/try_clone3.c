// SPDX-License-Identifier: Apache-2.0
//
// clone3, whose flags no filter can see: namespaces, a cgroup to be born into, a pid of choice.
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>

#include "attempt.h"

static struct clone_args arguments;

static void with_flags(const char* what, unsigned long long flags) {
  arguments.flags = flags;
  arguments.exit_signal = SIGCHLD;
  static const size_t kSizes[] = {CLONE_ARGS_SIZE_VER0, CLONE_ARGS_SIZE_VER1, CLONE_ARGS_SIZE_VER2};
  for (size_t i = 0; i < sizeof kSizes / sizeof kSizes[0]; ++i) {
    const long made = syscall(SYS_clone3, &arguments, kSizes[i]);
    if (made == 0) {
      _exit(0);
    }
    refused(what, made);
  }
  OTHER_ENTRIES(clone3, 435, (long)&arguments, CLONE_ARGS_SIZE_VER2, 0, 0);
}

int main(void) {
  with_flags("clone3()", 0);
  with_flags("clone3(NEWUSER)", CLONE_NEWUSER);
  with_flags("clone3(NEWUSER | NEWNS | NEWPID | NEWNET)",
             CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET);
  with_flags("clone3(NEWTIME)", 0x80);
  arguments.cgroup = (unsigned long long)open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY);
  with_flags("clone3(INTO_CGROUP)", CLONE_INTO_CGROUP);
  static int pid = 1;
  arguments.set_tid = (unsigned long long)&pid;
  arguments.set_tid_size = 1;
  with_flags("clone3(set_tid)", 0);
  return verdict();
}
