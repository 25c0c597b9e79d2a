// SPDX-License-Identifier: Apache-2.0
//
// An overlay in the overlay, and the attributes by which the outer one looks things up: redirects
// to other folders, opaque folders, metacopies.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "attempt.h"

int main(void) {
  const char* folder = scratch("lower");
  mkdir(folder, 0777);
  char options[256];
  snprintf(options, sizeof options, "lowerdir=/:%s", folder);
  REFUSED(mount("overlay", "/tmp", "overlay", 0, options));
  REFUSED(mount("overlay", "/tmp", "overlay", 0, "lowerdir=/proc:/sys"));
  static const char* const kNames[] = {"trusted.overlay.redirect", "trusted.overlay.opaque",
                                       "trusted.overlay.metacopy", "trusted.overlay.origin",
                                       "trusted.overlay.upper",    "trusted.overlay.whiteout"};
  for (size_t i = 0; i < sizeof kNames / sizeof kNames[0]; ++i) {
    refused(kNames[i], setxattr(folder, kNames[i], "/../../../etc", 13, 0));
    refused(kNames[i], lsetxattr("/etc/passwd", kNames[i], "y", 1, 0));
  }
  // The overlay of an unprivileged mount reads user.overlay.*: what it would lead to must not
  // change for it.
  const int before = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
  harmless("user.overlay.redirect", setxattr(folder, "user.overlay.redirect", "/etc", 4, 0));
  harmless("user.overlay.opaque", setxattr(folder, "user.overlay.opaque", "y", 1, 0));
  char inner[160];
  snprintf(inner, sizeof inner, "%s/passwd", folder);
  holds(access(inner, F_OK) != 0, "a redirect of ours leads nowhere", NULL);
  close(before);
  rmdir(folder);
  return verdict();
}
