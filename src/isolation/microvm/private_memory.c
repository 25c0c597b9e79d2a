// SPDX-License-Identifier: Apache-2.0
//
// Preloaded into the QEMU of a clone, for its template's memory, which is on a read-only mount:
// whoever can write the file writes the memory of every clone to come. QEMU opens a memory file to
// write and maps it shared, as it must believe that it is to leave it out of a state that it saves.
// What fails here for the mount's sake is opened to read instead, and mapped privately.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>
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

typedef void* pointer;

static pointer map_here(pointer address, size_t size, int protection, int flags, int fd,
                        off_t offset) {
  long at = syscall(SYS_mmap, address, size, protection, flags, fd, offset);
  if (at == -1 && errno == EACCES && fd >= 0 && (flags & MAP_TYPE) != MAP_PRIVATE) {
    const int private_flags = (flags & ~MAP_TYPE) | MAP_PRIVATE;
    at = syscall(SYS_mmap, address, size, protection, private_flags, fd, offset);
  }
  return (pointer)at;  // NOLINT(performance-no-int-to-ptr): that is what the call gives
}

#define MAP(name)                                                                      \
  __attribute__((visibility("default"))) pointer name(                                 \
      pointer address, size_t size, int protection, int flags, int fd, off_t offset) { \
    return map_here(address, size, protection, flags, fd, offset);                     \
  }

MAP(mmap)
MAP(mmap64)
