// SPDX-License-Identifier: Apache-2.0
//
// A program of our own from memory, made to look like one of root's: it runs, as who we are.
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "attempt.h"

int main(int argc, char** argv) {
  if (argc > 1) {
    unsigned uid = 0;
    sscanf(argv[1], "%u", &uid);
    return geteuid() == uid ? 0 : 1;
  }
  const int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  struct stat status;
  fstat(from, &status);
  const int memory = memfd_create("program", 0);
  holds(sendfile(memory, from, NULL, (size_t)status.st_size) == status.st_size, "copied", NULL);
  harmless("fchmod(06777)", fchmod(memory, 06777));
  REFUSED(fchown(memory, 0x70000000, 0x70000000));
  char text[16];
  snprintf(text, sizeof text, "%u", geteuid());
  static const int kFlags[] = {0x1000 /* AT_EMPTY_PATH */};
  for (size_t i = 0; i < sizeof kFlags / sizeof kFlags[0]; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      char* arguments[] = {argv[0], text, NULL};
      char* environment[] = {NULL};
      syscall(SYS_execveat, memory, "", arguments, environment, kFlags[i]);
      _exit(0);
    }
    int ended = 0;
    waitpid(child, &ended, 0);
    holds(WIFEXITED(ended) && WEXITSTATUS(ended) == 0, "it runs as its caller", NULL);
  }
  return verdict();
}
