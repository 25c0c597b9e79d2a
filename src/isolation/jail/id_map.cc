// SPDX-License-Identifier: Apache-2.0
#include "isolation/jail/id_map.h"

#include <linux/sched.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/bytes.h"
#include "base/file.h"
#include "base/pidfd.h"
#include "base/sys.h"

namespace msb::isolation::jail {
namespace {

namespace sys = base::sys;

constexpr const char* kNamespaceLimits[] = {"user", "mnt", "pid",    "net",
                                            "ipc",  "uts", "cgroup", "time"};

void append(IdMap& map, IdExtent extent) {
  if (extent.count == 0) {
    return;
  }
  if (!map.empty()) {
    IdExtent& last = map.back();
    if (last.inside + last.count == extent.inside && last.outside + last.count == extent.outside) {
      last.count += extent.count;
      return;
    }
  }
  map.push_back(extent);
}

// Where there is no such id (a rootless warden may have a single one) the caller stays the owner.
void become_owner(const IdMap& uids) {
  if (uids.empty()) {
    return;
  }
  // The capabilities stay: some hosts let nobody else make user namespaces.
  ::prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0);
  const uid_t owner = uids.front().outside;
  [[maybe_unused]] const int ignored = ::setresuid(owner, owner, owner);
}

// Makes the namespace, and lives until its maps are written.
[[noreturn]] void run_holder(int control, NamespaceUse use, const IdMap& uids) {
  char go = 0;
  if (use == NamespaceUse::kSandbox) {
    become_owner(uids);
  }
  if (::unshare(CLONE_NEWUSER) < 0) {
    ::_exit(1);
  }
  if (::write(control, "", 1) != 1) {
    ::_exit(1);
  }
  if (::read(control, &go, 1) == 1 && use == NamespaceUse::kSandbox) {
    // The kernel's own refusal of namespaces inside, beside the system call filter's. Where
    // /proc/sys is read-only (in a container) the filter stands alone.
    for (const char* kind : kNamespaceLimits) {
      const std::string path = std::string("/proc/sys/user/max_") + kind + "_namespaces";
      const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
      if (fd >= 0) {
        [[maybe_unused]] const ssize_t ignored = ::write(fd, "0", 1);
        ::close(fd);
      }
    }
  }
  [[maybe_unused]] ssize_t ignored = ::write(control, "", 1);
  ignored = ::read(control, &go, 1);  // until the caller has opened the namespace
  ::_exit(0);
}

Result<> write_map(const std::string& path, const IdMap& map) {
  const base::UniqueFd fd = TRY(sys::open(path, O_WRONLY));
  const std::string text = to_text(map);
  if (::write(fd.get(), text.data(), text.size()) < 0) {
    return std::unexpected(sys::error("write", path));
  }
  return {};
}

Result<base::UniqueFd> map_and_open(int pidfd, int control, const IdMap& uids, const IdMap& gids) {
  const pid_t pid = TRY(base::pid_of(pidfd));
  const std::string proc = "/proc/" + std::to_string(pid);
  std::byte done{};
  if (!TRY(base::read_exact(control, std::span(&done, 1)))) {
    return fail(ErrorCode::kUnsupported, "unshare(CLONE_NEWUSER) is refused");
  }
  TRY(write_map(proc + "/uid_map", uids));
  TRY(write_map(proc + "/gid_map", gids));
  TRY(base::write_all(control, "g"));
  if (!TRY(base::read_exact(control, std::span(&done, 1)))) {
    return fail(ErrorCode::kInternal, "the process that holds the new user namespace died");
  }
  return sys::open(proc + "/ns/user", O_RDONLY);
}

}  // namespace

IdMap sandbox_map(const IdRange& range) {
  return {{0, range.base, range.count}};
}

IdMap store_map(const IdRange& range) {
  return {{kStoreBase, range.base, range.count}};
}

IdMap volume_map(const IdRange& range, std::uint32_t owner, std::uint32_t appears_as) {
  // Inside id x lies on disk as kStoreBase + x, but for appears_as, which lies there as `owner`. If
  // `owner` is itself some kStoreBase + x, the two change places: the map must stay one to one.
  std::array<IdExtent, 2> moved = {{{owner, range.base + appears_as, 1}, {0, 0, 0}}};
  std::vector<std::uint32_t> exceptions = {appears_as};
  if (owner >= kStoreBase && owner < kStoreBase + range.count && owner - kStoreBase != appears_as) {
    moved[1] = {kStoreBase + appears_as, range.base + (owner - kStoreBase), 1};
    exceptions.push_back(owner - kStoreBase);
  }
  std::ranges::sort(exceptions);
  IdMap map;
  std::uint32_t next = 0;
  for (const std::uint32_t exception : exceptions) {
    append(map, {kStoreBase + next, range.base + next, exception - next});
    const auto& extent = exception == appears_as ? moved[0] : moved[1];
    append(map, extent);
    next = exception + 1;
  }
  append(map, {kStoreBase + next, range.base + next, range.count - next});
  return map;
}

std::string to_text(const IdMap& map) {
  std::string text;
  for (const IdExtent& extent : map) {
    text += std::to_string(extent.inside) + " " + std::to_string(extent.outside) + " " +
            std::to_string(extent.count) + "\n";
  }
  return text;
}

Result<base::UniqueFd> make_user_namespace(const IdMap& uids, const IdMap& gids, NamespaceUse use) {
  auto [ours, theirs] = TRY(sys::socketpair(AF_UNIX, SOCK_STREAM));
  int pidfd_number = -1;
  clone_args args{};
  args.flags = CLONE_PIDFD;
  args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd_number);
  args.exit_signal = SIGCHLD;
  const long pid = ::syscall(SYS_clone3, &args, sizeof args);
  if (pid < 0) {
    return std::unexpected(sys::no_more_processes(errno, "clone3"));
  }
  if (pid == 0) {
    ours.reset();
    run_holder(theirs.get(), use, uids);
  }
  const base::UniqueFd pidfd(pidfd_number);
  theirs.reset();
  auto opened = map_and_open(pidfd.get(), ours.get(), uids, gids);
  ours.reset();
  while (::waitpid(static_cast<pid_t>(pid), nullptr, 0) < 0 && errno == EINTR) {
  }
  return opened;
}

}  // namespace msb::isolation::jail
