// SPDX-License-Identifier: Apache-2.0
//
// Programs that run as their owner: the image's, and one made here. None may gain anything.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "attempt.h"

// A copy of this program that belongs to root and is setuid, if this user can make one.
static int make_copy(const char* path) {
  const int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  const int to = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0755);
  struct stat status;
  if (from < 0 || to < 0 || fstat(from, &status) != 0 ||
      sendfile(to, from, NULL, (size_t)status.st_size) != status.st_size) {
    return -1;
  }
  harmless("chmod(u+s, g+s)", fchmod(to, 06755));
  close(from);
  close(to);
  return 0;
}

int main(int argc, char** argv) {
  if (argc > 1) {
    // The copy: as whom does it run?
    unsigned uid = 0;
    sscanf(argv[1], "%u", &uid);
    return geteuid() == uid && getegid() == uid ? 0 : 1;
  }
  static const char* const kPrograms[] = {"/bin/su",         "/usr/bin/passwd", "/bin/mount",
                                          "/usr/bin/sudo",   "/usr/bin/chsh",   "/usr/bin/newgrp",
                                          "/usr/bin/gpasswd"};
  for (size_t i = 0; i < sizeof kPrograms / sizeof kPrograms[0]; ++i) {
    struct statvfs file_system;
    if (statvfs(kPrograms[i], &file_system) == 0) {
      holds((file_system.f_flag & ST_NOSUID) != 0, kPrograms[i], "not on a nosuid mount");
    }
  }
  static const char* const kFolders[] = {"/",    "/tmp",      "/dev/shm", "/proc",
                                         "/sys", "/attempts", "/shared"};
  for (size_t i = 0; i < sizeof kFolders / sizeof kFolders[0]; ++i) {
    struct statvfs file_system;
    if (statvfs(kFolders[i], &file_system) == 0) {
      holds((file_system.f_flag & ST_NOSUID) != 0, kFolders[i], "not a nosuid mount");
    }
  }
  holds(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, "no_new_privs is set", NULL);
  const char* copy = scratch("setuid");
  if (make_copy(copy) == 0) {
    const pid_t child = fork();
    if (child == 0) {
      // As root inside: become another user first, whom the copy must not turn back into root.
      const unsigned uid = geteuid() == 0 ? 4242 : geteuid();
      if (geteuid() == 0 &&
          (setresgid(4242, 4242, 4242) != 0 || setresuid(4242, 4242, 4242) != 0)) {
        _exit(2);
      }
      char text[16];
      snprintf(text, sizeof text, "%u", uid);
      if (getegid() != uid) {
        _exit(0);  // this user's group has another number: nothing to compare
      }
      execl(copy, copy, text, (char*)NULL);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    // 2: a sandbox of one user id has no other to become.
    holds(WIFEXITED(status) && WEXITSTATUS(status) != 1, "a setuid copy runs as its caller", NULL);
    unlink(copy);
  }
  return verdict();
}
