// SPDX-License-Identifier: Apache-2.0
//
// What the programs of this folder are made of. Each try_*.c attempts one way out of a sandbox in
// every variant it knows, reports what came of each, and ends with verdict():
//
//   0  every try was refused, or led to nothing that is not the sandbox's own
//   1  a try worked
//   2  nothing could be tried; never counted as a success
//
// What only the host can judge (its files, its processes) is judged there; what a program needs to
// know of the host to attack it comes in the environment, as MSB_BAIT_<NAME>.
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

// A call that must fail: 0 or more is an escape. Answers `result`; errno is kept.
long refused(const char* what, long result);
#define REFUSED(call) refused(#call, (long)(call))

// A judgement of the program's own. `detail` may be NULL.
void holds(bool contained, const char* what, const char* detail);

// A call that may work or not, because it leads nowhere; it only counts as tried.
void harmless(const char* what, long result);

// The same call by the 32-bit and the x32 entry of the kernel, each in a child: it has to die, or
// to be told that there is no such call. Pointers must be to static storage, which is below 4 GiB.
void refused_by_other_entries(const char* what, long number64, long number32, const long args[4]);
#define OTHER_ENTRIES(name, number32, ...) \
  refused_by_other_entries(#name, SYS_##name, number32, (const long[4]){__VA_ARGS__})

// Opening for writing what must not be written: the file, and what it becomes by opening.
void refused_to_write(const char* path);

// Nothing to read: no such file, no permission, or no bytes.
void refused_to_read(const char* path);

// Runs `attempt` in a child and judges how it ended: contained means exit status 0 or any signal.
void in_child(const char* what, int (*attempt)(void));

// The host's piece of bait; "" and -1 when there is none.
const char* bait(const char* name);
long bait_number(const char* name);

// A path in a folder that this program may write to.
const char* scratch(const char* name);

// Reads up to size - 1 bytes and ends them with NUL; -1 and errno when it cannot.
long read_text(const char* path, char* text, size_t size);

// Milliseconds since the first call, for tries that race.
long elapsed_ms(void);

// Prints the sum as the last line and answers the exit status.
int verdict(void);
