// SPDX-License-Identifier: Apache-2.0
//
// The agent's own program, which comes from the host: executing it, mapping it, writing to it.
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>

#include "attempt.h"

int main(void) {
  static const char* const kPaths[] = {"/proc/1/exe", "/proc/1/fd/4", "/proc/1/task/1/exe"};
  for (size_t i = 0; i < sizeof kPaths / sizeof kPaths[0]; ++i) {
    refused_to_write(kPaths[i]);
    refused(kPaths[i], open(kPaths[i], O_RDONLY | O_CLOEXEC));
    refused(kPaths[i], link(kPaths[i], "/tmp/agent"));
    refused(kPaths[i], linkat(AT_FDCWD, kPaths[i], AT_FDCWD, "/tmp/agent", AT_SYMLINK_FOLLOW));
    refused(kPaths[i], truncate(kPaths[i], 0));
    char* arguments[] = {"agent", NULL};
    char* environment[] = {NULL};
    const pid_t child = fork();
    if (child == 0) {
      execve(kPaths[i], arguments, environment);
      _exit(errno == EACCES || errno == ENOENT || errno == EPERM ? 0 : 1);
    }
    int ended = 0;
    waitpid(child, &ended, 0);
    holds(WIFEXITED(ended) && WEXITSTATUS(ended) == 0, "cannot be executed", kPaths[i]);
  }
  return verdict();
}
