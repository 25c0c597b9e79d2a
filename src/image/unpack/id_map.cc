// SPDX-License-Identifier: Apache-2.0
//
// A map is written from outside of the namespace. So a helper process is forked first; it waits
// until this process has entered its new namespace, writes the maps and ends:
//
//   this process            helper
//   fork ─────────────────► waits on the pipe
//   unshare(NEWUSER)
//   writes a byte ────────► writes uid_map, gid_map (itself, or newuidmap/newgidmap)
//   waits for it ◄───────── exit 0: full map, 1: single id, 2: neither
#include "image/unpack/id_map.h"

#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/child_process.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/sys.h"
#include "image/unpack/protocol.h"

namespace msb::image::unpack {
namespace {

namespace sys = base::sys;

enum HelperExit : int { kFullMap = 0, kSingleMap = 1, kNoMap = 2 };

Result<> write_proc(pid_t pid, const char* file, const std::string& content) {
  const std::string path = "/proc/" + std::to_string(pid) + "/" + file;
  const base::UniqueFd fd = TRY(sys::open(path, O_WRONLY));
  // A map must arrive in one write.
  if (TRY_WRAP(sys::write(fd.get(), base::bytes_of(content)), path) != content.size()) {
    return fail(ErrorCode::kIo, path + ": short write");
  }
  return {};
}

struct SubordinateRange {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

// "name-or-uid:first:count" lines; the first range that is the user's and large enough.
std::optional<SubordinateRange> find_subordinate_range(const char* path) {
  const auto content = base::read_file(path, 1 << 20);
  if (!content) {
    return std::nullopt;
  }
  const uid_t uid = ::getuid();
  const passwd* account = ::getpwuid(uid);  // NOLINT(concurrency-mt-unsafe): one thread
  const std::string name = account != nullptr ? account->pw_name : "";
  std::string_view rest = *content;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    const std::size_t one = line.find(':');
    const std::size_t two = line.find(':', one + 1);
    if (one == std::string_view::npos || two == std::string_view::npos) {
      continue;
    }
    const std::string_view owner = line.substr(0, one);
    const auto first = base::parse_number<std::uint32_t>(line.substr(one + 1, two - one - 1));
    const auto count = base::parse_number<std::uint32_t>(line.substr(two + 1));
    const bool mine = owner == std::to_string(uid) || (!name.empty() && owner == name);
    if (mine && first && count && *count >= kStoreIdCount - 1) {
      return SubordinateRange{*first, *count};
    }
  }
  return std::nullopt;
}

bool run_map_tool(const char* tool, pid_t pid, std::uint32_t own_id, SubordinateRange range) {
  for (const char* folder : {"/usr/bin/", "/bin/", "/usr/local/bin/"}) {
    base::ChildSpec spec;
    spec.path = std::string(folder) + tool;
    spec.argv = {tool,
                 std::to_string(pid),
                 "0",
                 std::to_string(own_id),
                 "1",
                 "1",
                 std::to_string(range.first),
                 std::to_string(kStoreIdCount - 1)};
    auto child = base::ChildProcess::spawn(spec);
    if (!child) {
      continue;
    }
    const auto status = child->wait();
    return status && status->success();
  }
  return false;
}

int map_rootless(pid_t pid) {
  const auto uids = find_subordinate_range("/etc/subuid");
  const auto gids = find_subordinate_range("/etc/subgid");
  if (uids && gids && run_map_tool("newuidmap", pid, ::getuid(), *uids) &&
      run_map_tool("newgidmap", pid, ::getgid(), *gids)) {
    return kFullMap;
  }
  // The kernel lets an unprivileged writer map its own group only when setgroups is off.
  const bool mapped = write_proc(pid, "uid_map", "0 " + std::to_string(::getuid()) + " 1") &&
                      write_proc(pid, "setgroups", "deny") &&
                      write_proc(pid, "gid_map", "0 " + std::to_string(::getgid()) + " 1");
  return mapped ? kSingleMap : kNoMap;
}

int write_maps(pid_t pid, std::uint32_t base) {
  if (::geteuid() != 0) {
    return map_rootless(pid);
  }
  const std::string map = "0 " + std::to_string(base) + " " + std::to_string(kStoreIdCount);
  return write_proc(pid, "uid_map", map) && write_proc(pid, "gid_map", map) ? kFullMap : kNoMap;
}

Result<int> wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) {
      return std::unexpected(sys::error("waitpid"));
    }
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : kNoMap;
}

Result<> become_root_inside(IdMap map) {
  if (map == IdMap::kFull && ::setgroups(0, nullptr) < 0) {
    return std::unexpected(sys::error("setgroups"));
  }
  if (::setresgid(0, 0, 0) < 0) {
    return std::unexpected(sys::error("setresgid"));
  }
  if (::setresuid(0, 0, 0) < 0) {
    return std::unexpected(sys::error("setresuid"));
  }
  return {};
}

}  // namespace

Result<IdMap> enter_user_namespace(int clone_flags, std::uint32_t base) {
  sys::Pipe go = TRY(sys::pipe());
  const pid_t self = ::getpid();
  const pid_t helper = ::fork();
  if (helper < 0) {
    return std::unexpected(sys::error("fork"));
  }
  if (helper == 0) {
    go.write_end.reset();
    std::byte byte{};
    const auto told = base::read_exact(go.read_end.get(), std::span(&byte, 1));
    ::_exit(told && *told ? write_maps(self, base) : kNoMap);
  }
  go.read_end.reset();
  const int unshared = ::unshare(CLONE_NEWUSER | clone_flags);
  const int reason = errno;
  if (unshared == 0) {
    TRY(base::write_all(go.write_end.get(), "g"));
  }
  go.write_end.reset();
  const int outcome = TRY(wait_for(helper));
  if (unshared != 0) {
    return std::unexpected(
        sys::error_of(reason, "unshare(user namespace)")
            .wrap(ErrorCode::kUnsupported, "this host does not allow user namespaces"));
  }
  if (outcome == kNoMap) {
    return fail(ErrorCode::kUnsupported, "the ids of the new user namespace could not be set");
  }
  const IdMap map = outcome == kFullMap ? IdMap::kFull : IdMap::kSingle;
  TRY(become_root_inside(map));
  return map;
}

}  // namespace msb::image::unpack
