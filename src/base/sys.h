// SPDX-License-Identifier: Apache-2.0
//
// System calls, each wrapped once under its own name: EINTR is retried, descriptors are owned and
// close-on-exec, and a failure says the call, its subject and errno: "open(/x): Permission denied".
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::base::sys {

// An Error for a call that just failed: kPermissionDenied, kNotFound, ... by errno, kIo otherwise.
Error error(std::string_view call, std::string_view subject = {});
Error error_of(int errno_value, std::string_view call, std::string_view subject = {});
// Of a clone, fork or new thread.
Error no_more_processes(int errno_value, std::string_view call);

// --- files -------------------------------------------------------------------------------------
Result<UniqueFd> open(const std::string& path, int flags, mode_t mode = 0);
Result<UniqueFd> openat(int dir_fd, const std::string& path, int flags, mode_t mode = 0);
// `resolve` is a set of RESOLVE_* bits (linux/openat2.h); for every path foreign hands influence.
Result<UniqueFd> openat2(int dir_fd, const std::string& path, int flags, std::uint64_t resolve,
                         mode_t mode = 0);
// Of what lies beneath the folder, however the path is made up: without "..", without links.
Result<UniqueFd> open_beneath(int dir_fd, const std::string& path, int flags);
Result<std::string> readlink(const std::string& path);
Result<std::size_t> read(int fd, std::span<std::byte> buffer);         // 0 = end of file
Result<std::size_t> write(int fd, std::span<const std::byte> buffer);  // may be short
Result<std::size_t> pread(int fd, std::span<std::byte> buffer, off_t offset);
Result<> mkdir(const std::string& path, mode_t mode);
Result<> mkdirat(int dir_fd, const std::string& path, mode_t mode);
Result<> unlink(const std::string& path);
Result<> rename(const std::string& from, const std::string& to);
// False: `to` is there, and stays as it is.
Result<bool> rename_to_new(const std::string& from, const std::string& to);
Result<> symlink(const std::string& target, const std::string& path);
Result<> ftruncate(int fd, off_t size_bytes);
Result<> fchmod(int fd, mode_t mode);
Result<> fchown(int fd, uid_t uid, gid_t gid);
Result<struct stat> fstat(int fd);
Result<struct stat> stat(const std::string& path);
Result<> fsync(int fd);
Result<UniqueFd> dup(int fd);  // close-on-exec
// Sets close-on-exec off (for a descriptor that a child shall get).
Result<> keep_on_exec(int fd);
Result<> set_nonblocking(int fd, bool nonblocking);

// --- pipes, sockets ----------------------------------------------------------------------------
struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};
Result<Pipe> pipe(int flags = 0);  // O_CLOEXEC is always added
Result<std::pair<UniqueFd, UniqueFd>> socketpair(int domain, int type);  // SOCK_CLOEXEC added
Result<UniqueFd> eventfd(unsigned initial, int flags);
Result<UniqueFd> memfd_create(const std::string& name, unsigned flags);

// One message with descriptors (SCM_RIGHTS) over a unix socket. kMaxFdsPerMessage at most.
inline constexpr std::size_t kMaxFdsPerMessage = 64;
Result<> send_message(int socket, std::span<const std::byte> bytes, std::span<const int> fds);
struct Message {
  std::vector<std::byte> bytes;  // empty: the peer is gone
  std::vector<UniqueFd> fds;
  // Some did not fit into this process's limit, and are closed: RLIMIT_NOFILE was reached.
  bool fds_lost = false;
};
// `max_bytes`: a longer message is an error (kCorrupt), never cut silently.
Result<Message> receive_message(int socket, std::size_t max_bytes);

// --- processes ---------------------------------------------------------------------------------
Result<UniqueFd> pidfd_open(pid_t pid);
Result<> pidfd_send_signal(int pidfd, int signal_number);

// For poll(); rounded up, since waking before the deadline would only spin. No deadline: -1.
int milliseconds_until(std::optional<std::chrono::steady_clock::time_point> deadline);
// Waits until `fd` is ready for `events` (poll bits). False: the deadline passed.
Result<bool> poll_one(int fd, short events, std::optional<std::chrono::milliseconds> timeout);

}  // namespace msb::base::sys
