// SPDX-License-Identifier: Apache-2.0
#include "agent/files.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "base/bytes.h"
#include "base/file.h"
#include "base/sys.h"

namespace msb::agent {
namespace {

constexpr std::uint32_t kModeBits = 07777;
constexpr mode_t kSetIdBits = S_ISUID | S_ISGID;
constexpr mode_t kFolderMode = 0755;

bool may_give_away() {
  return ::geteuid() == 0;
}

Result<> fill(int fd, const wire::WriteFile& request, const Identity& owner) {
  TRY(base::write_all(fd, request.content));
  if (may_give_away()) {
    TRY(base::sys::fchown(fd, owner.uid, owner.gid));
  }
  // After the owner: chown takes set-id bits away.
  return base::sys::fchmod(fd, request.mode & kModeBits);
}

// False: what is there is something else, or nothing.
Result<bool> write_over(const wire::WriteFile& request, const Identity& owner) {
  // Not to wait for a reader, should it be a FIFO.
  const auto file = base::sys::open(request.path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file) {
    return false;
  }
  const struct stat status = TRY(base::sys::fstat(file->get()));
  const bool is_alike = S_ISREG(status.st_mode) && status.st_nlink == 1 &&
                        (status.st_mode & kModeBits) == (request.mode & kModeBits) &&
                        status.st_uid == owner.uid && status.st_gid == owner.gid;
  if (!is_alike || (status.st_mode & kSetIdBits) != 0) {  // which writing takes away
    return false;
  }
  TRY(base::write_all(file->get(), request.content));
  const auto size = static_cast<off_t>(request.content.size());
  if (status.st_size > size) {
    TRY(base::sys::ftruncate(file->get(), size));
  }
  return true;
}

}  // namespace

Result<> make_folders(const std::string& path, const Identity& owner) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string folder = path.substr(0, end);
    const auto made = base::sys::mkdir(folder, kFolderMode);
    if (made && may_give_away() && ::lchown(folder.c_str(), owner.uid, owner.gid) < 0) {
      return std::unexpected(base::sys::error("chown", folder));
    }
    if (!made && made.error().sys_errno() != EEXIST) {
      return made;
    }
    if (end == std::string::npos) {
      return {};
    }
  }
}

Result<> write_file(const wire::WriteFile& request) {
  const std::size_t slash = request.path.rfind('/');
  if (!request.path.starts_with('/') || slash + 1 == request.path.size() ||
      request.path.find('\0') != std::string::npos) {
    return fail(ErrorCode::kInvalidArgument, "path '" + request.path + "': not an absolute file");
  }
  // Root without a look at the image's accounts, which takes longer than all else here.
  const Identity owner = request.owner.empty() ? Identity{} : TRY(find_identity(request.owner));
  if (request.in_place && TRY(write_over(request, owner))) {
    return {};
  }
  if (slash > 0) {
    TRY(make_folders(request.path.substr(0, slash), owner));
  }
  std::uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != sizeof random) {
    return std::unexpected(base::sys::error("getrandom"));
  }
  const std::string beside = request.path.substr(0, slash + 1) + ".msb-" + std::to_string(random);
  const base::UniqueFd file =
      TRY(base::sys::open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  auto done = fill(file.get(), request, owner);
  if (done) {
    done = base::sys::rename(beside, request.path);
  }
  if (!done) {
    static_cast<void>(base::sys::unlink(beside));
  }
  return done;
}

}  // namespace msb::agent
