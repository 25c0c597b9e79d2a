// SPDX-License-Identifier: Apache-2.0
//
// newuidmap must be run by a process outside of the new namespace, once it is there: a child that
// is forked before waits for it.
#include "isolation/warden/rootless_ids.h"

#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/child_process.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/sys.h"

namespace msb::isolation::warden {
namespace {

namespace sys = base::sys;

constexpr std::size_t kMaxTableBytes = 1 << 20;

std::string user_name(uid_t uid) {
  // Read directly: a static program cannot load what the C library would ask.
  const auto table = base::read_file("/etc/passwd", kMaxTableBytes);
  std::string_view rest = table ? std::string_view(*table) : std::string_view();
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const std::size_t name_end = line.find(':');
    const std::size_t uid_begin = name_end == line.npos ? line.npos : line.find(':', name_end + 1);
    if (uid_begin == line.npos) {
      continue;
    }
    const std::string_view after = line.substr(uid_begin + 1);
    if (base::parse_number<std::uint32_t>(after.substr(0, after.find(':'))) == uid) {
      return std::string(line.substr(0, name_end));
    }
  }
  return {};
}

std::optional<SubordinateIds> subordinate_ids(const char* path, std::string_view user, uid_t uid) {
  const auto table = base::read_file(path, kMaxTableBytes);
  return table ? find_subordinate_ids(*table, user, uid) : std::nullopt;
}

Result<> run_map_tool(const std::string& tool, pid_t target, std::uint32_t own,
                      const SubordinateIds& ids) {
  const std::vector<std::string> argv = {tool,
                                         std::to_string(target),
                                         "0",
                                         std::to_string(own),
                                         "1",
                                         "1",
                                         std::to_string(ids.first),
                                         std::to_string(ids.count)};
  base::ChildProcess child = TRY(base::ChildProcess::spawn(
      {.path = "/usr/bin/" + tool, .argv = argv, .env = std::vector<std::string>{}, .fds = {}}));
  const base::ExitStatus status = TRY(child.wait());
  if (!status.success()) {
    return fail(ErrorCode::kPermissionDenied, tool + ": " + status.text());
  }
  return {};
}

// Runs outside: waits for a byte, maps, answers by its exit status.
[[noreturn]] void run_mapper(int go, pid_t target, uid_t uid, gid_t gid, const SubordinateIds& uids,
                             const SubordinateIds& gids) {
  char byte = 0;
  if (::read(go, &byte, 1) != 1) {
    ::_exit(1);
  }
  const bool mapped =
      run_map_tool("newuidmap", target, uid, uids) && run_map_tool("newgidmap", target, gid, gids);
  ::_exit(mapped ? 0 : 1);
}

Result<> write_file(const char* path, const std::string& text) {
  const base::UniqueFd file = TRY(sys::open(path, O_WRONLY));
  return base::write_all(file.get(), text);
}

Result<> unshare_user() {
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) {
    return std::unexpected(
        sys::error("unshare(user)")
            .wrap(ErrorCode::kUnsupported, "this user may not make user namespaces"));
  }
  return {};
}

Result<> map_own_id(uid_t uid, gid_t gid) {
  TRY(write_file("/proc/self/setgroups", "deny"));
  TRY(write_file("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1"));
  return write_file("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1");
}

}  // namespace

std::optional<SubordinateIds> find_subordinate_ids(std::string_view text, std::string_view user,
                                                   std::uint32_t uid) {
  const std::string number = std::to_string(uid);
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t first = line.find(':');
    const std::size_t second = first == line.npos ? line.npos : line.find(':', first + 1);
    if (second == line.npos || (line.substr(0, first) != user && line.substr(0, first) != number)) {
      continue;
    }
    const auto start =
        base::parse_number<std::uint32_t>(line.substr(first + 1, second - first - 1));
    const auto count = base::parse_number<std::uint32_t>(line.substr(second + 1));
    // Fewer than a sandbox's ids would look whole and fail in the middle of an image.
    if (start && count && *count >= jail::kIdsPerSandbox - 1) {
      return SubordinateIds{*start, jail::kIdsPerSandbox - 1};
    }
  }
  return std::nullopt;
}

Result<jail::IdRange> enter_own_user_namespace() {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  const std::string user = user_name(uid);
  const auto uids = subordinate_ids("/etc/subuid", user, uid);
  const auto gids = subordinate_ids("/etc/subgid", user, uid);
  const bool can_map = uids && gids && ::access("/usr/bin/newuidmap", X_OK) == 0 &&
                       ::access("/usr/bin/newgidmap", X_OK) == 0;
  if (!can_map) {
    TRY(unshare_user());
    TRY(map_own_id(uid, gid));
    return jail::IdRange{0, 1};
  }
  sys::Pipe go = TRY(sys::pipe());
  const pid_t target = ::getpid();
  const pid_t mapper = ::fork();
  if (mapper < 0) {
    return std::unexpected(sys::error("fork"));
  }
  if (mapper == 0) {
    go.write_end.reset();
    run_mapper(go.read_end.get(), target, uid, gid, *uids, *gids);
  }
  auto entered = unshare_user();
  if (entered) {
    entered = base::write_all(go.write_end.get(), "g");
  }
  go.write_end.reset();
  int status = 0;
  while (::waitpid(mapper, &status, 0) < 0 && errno == EINTR) {
  }
  TRY(std::move(entered));
  if (status != 0) {
    return fail(ErrorCode::kPermissionDenied, "newuidmap and newgidmap could not map the ids of " +
                                                  user + " in /etc/subuid and /etc/subgid");
  }
  return jail::IdRange{0, jail::kIdsPerSandbox};
}

}  // namespace msb::isolation::warden
