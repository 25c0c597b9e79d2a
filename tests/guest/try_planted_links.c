// SPDX-License-Identifier: Apache-2.0
//
// Links to the host in every place that the next start of this sandbox writes to. The host restarts
// the sandbox and looks at what they point to.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "attempt.h"

static void remove_all(const char* path) {
  DIR* folder = opendir(path);
  if (folder != NULL) {
    for (struct dirent* entry; (entry = readdir(folder)) != NULL;) {
      if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
        char inner[4096];
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        remove_all(inner);
      }
    }
    closedir(folder);
  }
  if (unlink(path) != 0) {
    rmdir(path);
  }
}

// `path` becomes a link to the bait: a file, or the folder it is in.
static void plant(const char* path, const char* target) {
  remove_all(path);
  char what[600];
  snprintf(what, sizeof what, "%s -> %s", path, target);
  harmless(what, symlink(target, path));
}

int main(void) {
  const char* file = bait("FILE");
  const char* folder = bait("FOLDER");
  char upward[512];
  snprintf(upward, sizeof upward, "../../../../../../..%s", file);
  plant("/etc/hosts", file);
  plant("/etc/hostname", upward);
  plant("/etc/resolv.conf", "/proc/1/root/etc/resolv.conf");
  plant("/.sandbox", folder);
  plant("/run", folder);
  plant("/work", folder);
  plant("/etc/passwd", file);
  plant("/etc/group", upward);
  return verdict();
}
