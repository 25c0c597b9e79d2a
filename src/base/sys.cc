// SPDX-License-Identifier: Apache-2.0
#include "base/sys.h"

#include <linux/openat2.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <limits>

namespace msb::base::sys {
namespace {

template <typename Call>
auto retry(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

ErrorCode code_of(int errno_value) {
  switch (errno_value) {
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::kPermissionDenied;
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::kNotFound;
    case EEXIST:
      return ErrorCode::kAlreadyExists;
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::kDiskFull;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
      return ErrorCode::kResourceExhausted;
    case EPIPE:
    case ECONNRESET:
    case ECONNREFUSED:
      return ErrorCode::kUnavailable;
    default:
      return ErrorCode::kIo;
  }
}

// Which limit it is that was reached: the kernel's words for it name none.
std::string limit_behind(int errno_value) {
  rlimit limit{};
  switch (errno_value) {
    case EMFILE:
      ::getrlimit(RLIMIT_NOFILE, &limit);
      return " with all " + std::to_string(limit.rlim_cur) +
             " descriptors of this process in use (RLIMIT_NOFILE)";
    case ENFILE:
      return " with all open files of this host in use (fs.file-max)";
    default:
      return {};
  }
}

Result<> done(int result, std::string_view call, std::string_view subject = {}) {
  if (result < 0) {
    return std::unexpected(error(call, subject));
  }
  return {};
}

Result<UniqueFd> owned(int fd, std::string_view call, std::string_view subject = {}) {
  if (fd < 0) {
    return std::unexpected(error(call, subject));
  }
  return UniqueFd(fd);
}

Result<std::size_t> counted(ssize_t count, std::string_view call) {
  if (count < 0) {
    return std::unexpected(error(call));
  }
  return static_cast<std::size_t>(count);
}

}  // namespace

Error error_of(int errno_value, std::string_view call, std::string_view subject) {
  std::string text(call);
  if (!subject.empty()) {
    text.append("(").append(subject).append(")");
  }
  text.append(limit_behind(errno_value));
  return Error(code_of(errno_value), std::move(text), errno_value);
}

Error no_more_processes(int errno_value, std::string_view call) {
  return error_of(errno_value,
                  std::string(call) + (errno_value == EAGAIN
                                           ? ": no more processes and threads may be made "
                                             "(RLIMIT_NPROC of the user, or pids.max of a cgroup)"
                                           : ""));
}

Error error(std::string_view call, std::string_view subject) {
  return error_of(errno, call, subject);
}

Result<UniqueFd> open(const std::string& path, int flags, mode_t mode) {
  return owned(retry([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); }), "open", path);
}

Result<UniqueFd> openat(int dir_fd, const std::string& path, int flags, mode_t mode) {
  return owned(retry([&] { return ::openat(dir_fd, path.c_str(), flags | O_CLOEXEC, mode); }),
               "openat", path);
}

Result<UniqueFd> openat2(int dir_fd, const std::string& path, int flags, std::uint64_t resolve,
                         mode_t mode) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = resolve;
  return owned(static_cast<int>(retry(
                   [&] { return ::syscall(SYS_openat2, dir_fd, path.c_str(), &how, sizeof how); })),
               "openat2", path);
}

Result<UniqueFd> open_beneath(int dir_fd, const std::string& path, int flags) {
  return openat2(dir_fd, path, flags, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

Result<std::string> readlink(const std::string& path) {
  std::string target(PATH_MAX, '\0');
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  if (size < 0 || static_cast<std::size_t>(size) == target.size()) {
    return std::unexpected(error_of(size < 0 ? errno : ENAMETOOLONG, "readlink", path));
  }
  target.resize(static_cast<std::size_t>(size));
  return target;
}

Result<std::size_t> read(int fd, std::span<std::byte> buffer) {
  return counted(retry([&] { return ::read(fd, buffer.data(), buffer.size()); }), "read");
}

Result<std::size_t> write(int fd, std::span<const std::byte> buffer) {
  return counted(retry([&] { return ::write(fd, buffer.data(), buffer.size()); }), "write");
}

Result<std::size_t> pread(int fd, std::span<std::byte> buffer, off_t offset) {
  return counted(retry([&] { return ::pread(fd, buffer.data(), buffer.size(), offset); }), "pread");
}

Result<> mkdir(const std::string& path, mode_t mode) {
  return done(::mkdir(path.c_str(), mode), "mkdir", path);
}

Result<> mkdirat(int dir_fd, const std::string& path, mode_t mode) {
  return done(::mkdirat(dir_fd, path.c_str(), mode), "mkdirat", path);
}

Result<> unlink(const std::string& path) {
  return done(::unlink(path.c_str()), "unlink", path);
}

Result<> rename(const std::string& from, const std::string& to) {
  return done(::rename(from.c_str(), to.c_str()), "rename", from + ", " + to);
}

Result<bool> rename_to_new(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
    return true;
  }
  if (errno == EEXIST) {
    return false;
  }
  return std::unexpected(error("renameat2", to));
}

Result<> symlink(const std::string& target, const std::string& path) {
  return done(::symlink(target.c_str(), path.c_str()), "symlink", path);
}

Result<> ftruncate(int fd, off_t size_bytes) {
  return done(retry([&] { return ::ftruncate(fd, size_bytes); }), "ftruncate");
}

Result<> fchmod(int fd, mode_t mode) {
  return done(::fchmod(fd, mode), "fchmod");
}

Result<> fchown(int fd, uid_t uid, gid_t gid) {
  return done(::fchown(fd, uid, gid), "fchown");
}

// Not by glibc, which may (2.36) go by an empty path, and the kernel then looks that up.
Result<struct stat> fstat(int fd) {
  struct stat status{};
  TRY(done(static_cast<int>(::syscall(SYS_fstat, fd, &status)), "fstat"));
  return status;
}

Result<struct stat> stat(const std::string& path) {
  struct stat status{};
  TRY(done(::stat(path.c_str(), &status), "stat", path));
  return status;
}

Result<> fsync(int fd) {
  return done(::fsync(fd), "fsync");
}

Result<UniqueFd> dup(int fd) {
  return owned(::fcntl(fd, F_DUPFD_CLOEXEC, 3), "fcntl(F_DUPFD)");
}

Result<> keep_on_exec(int fd) {
  return done(::fcntl(fd, F_SETFD, 0), "fcntl(F_SETFD)");
}

Result<> set_nonblocking(int fd, bool nonblocking) {
  // One call where fcntl needs two.
  int wanted = nonblocking ? 1 : 0;
  return done(::ioctl(fd, FIONBIO, &wanted), "ioctl(FIONBIO)");
}

Result<Pipe> pipe(int flags) {
  int fds[2];
  TRY(done(::pipe2(fds, flags | O_CLOEXEC), "pipe2"));
  return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Result<std::pair<UniqueFd, UniqueFd>> socketpair(int domain, int type) {
  int fds[2];
  TRY(done(::socketpair(domain, type | SOCK_CLOEXEC, 0, fds), "socketpair"));
  return std::pair(UniqueFd(fds[0]), UniqueFd(fds[1]));
}

Result<UniqueFd> eventfd(unsigned initial, int flags) {
  return owned(::eventfd(initial, flags | EFD_CLOEXEC), "eventfd");
}

Result<UniqueFd> memfd_create(const std::string& name, unsigned flags) {
  return owned(::memfd_create(name.c_str(), flags | MFD_CLOEXEC), "memfd_create");
}

Result<> send_message(int socket, std::span<const std::byte> bytes, std::span<const int> fds) {
  if (fds.size() > kMaxFdsPerMessage) {
    return fail(ErrorCode::kInternal, "send_message: too many descriptors");
  }
  // SAFETY: sendmsg does not write through iov_base; its type is not const for readv's sake.
  iovec vector{const_cast<std::byte*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxFdsPerMessage * sizeof(int))];
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    std::memset(control, 0, sizeof control);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
  }
  const ssize_t sent = retry([&] { return ::sendmsg(socket, &message, MSG_NOSIGNAL); });
  if (sent < 0) {
    return std::unexpected(error("sendmsg"));
  }
  if (static_cast<std::size_t>(sent) != bytes.size()) {
    return fail(ErrorCode::kIo, "sendmsg: message was cut");
  }
  return {};
}

Result<Message> receive_message(int socket, std::size_t max_bytes) {
  Message result;
  result.bytes.resize(max_bytes);
  iovec vector{result.bytes.data(), result.bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxFdsPerMessage * sizeof(int))];
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t count = retry([&] { return ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC); });
  if (count < 0) {
    return std::unexpected(error("recvmsg"));
  }
  std::size_t received = 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
      const std::size_t fd_count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < fd_count; ++i) {
        int fd;
        std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
        result.fds.emplace_back(fd);
      }
      received += fd_count;
    }
  }
  result.fds_lost = (message.msg_flags & MSG_CTRUNC) != 0 && received < kMaxFdsPerMessage;
  if ((message.msg_flags & MSG_TRUNC) != 0 ||
      ((message.msg_flags & MSG_CTRUNC) != 0 && !result.fds_lost)) {
    return fail(ErrorCode::kCorrupt, "recvmsg: message is larger than its kind may be");
  }
  result.bytes.resize(static_cast<std::size_t>(count));
  return result;
}

Result<UniqueFd> pidfd_open(pid_t pid) {
  return owned(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)), "pidfd_open");
}

Result<> pidfd_send_signal(int pidfd, int signal_number) {
  return done(static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, signal_number, nullptr, 0)),
              "pidfd_send_signal");
}

int milliseconds_until(std::optional<std::chrono::steady_clock::time_point> deadline) {
  if (!deadline) {
    return -1;
  }
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now());
  return static_cast<int>(
      std::clamp<std::int64_t>(left.count(), 0, std::numeric_limits<int>::max()));
}

Result<bool> poll_one(int fd, short events, std::optional<std::chrono::milliseconds> timeout) {
  std::optional<std::chrono::steady_clock::time_point> deadline;
  if (timeout) {
    deadline = std::chrono::steady_clock::now() + *timeout;
  }
  pollfd entry{fd, events, 0};
  for (;;) {
    const int ready = ::poll(&entry, 1, milliseconds_until(deadline));
    if (ready > 0) {
      return true;
    }
    if (ready == 0) {
      return false;
    }
    if (errno != EINTR) {
      return std::unexpected(error("poll"));
    }
  }
}

}  // namespace msb::base::sys
