// SPDX-License-Identifier: Apache-2.0
//
// Preloaded into the QEMU of a clone. QEMU 7.2 opens a memory file to write even where it maps it
// privately; of the template's, on a read-only mount, that fails, and must: whoever can write the
// file writes the memory of every clone to come. Opened to read it can be mapped just as well.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_here(const char* path, int flags, unsigned mode) {
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_LARGEFILE, mode);
  if (fd < 0 && (errno == EROFS || errno == EACCES) && (flags & O_ACCMODE) == O_RDWR) {
    return (int)syscall(SYS_openat, AT_FDCWD, path, (flags & ~O_ACCMODE) | O_LARGEFILE, mode);
  }
  return fd;
}

#define OPEN(name)                                                                    \
  __attribute__((visibility("default"))) int name(const char* path, int flags, ...) { \
    va_list arguments;                                                                \
    va_start(arguments, flags);                                                       \
    const unsigned mode = va_arg(arguments, unsigned);                                \
    va_end(arguments);                                                                \
    return open_here(path, flags, mode);                                              \
  }

// All the names under which the C library's headers call it.
OPEN(open)
OPEN(open64)
OPEN(__open_2)    // NOLINT(readability-identifier-naming): not ours
OPEN(__open64_2)  // NOLINT(readability-identifier-naming)
