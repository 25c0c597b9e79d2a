// SPDX-License-Identifier: Apache-2.0
#include "base/server_record.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/file.h"
#include "base/parse.h"
#include "base/sys.h"

namespace msb::base {
namespace {

constexpr std::size_t kMaxRecordBytes = 64 * 1024;
constexpr int kMaxAttempts = 100;

// The bytes of the file that are locked.
constexpr off_t kStartingByte = 0;
constexpr off_t kLivesByte = 1;

// The last line, once there is nothing to come.
constexpr std::string_view kEnding = "state ending\n";

std::string path_of(const std::string& home) {
  return home + "/server.pid";
}

struct flock lock_of(short type, off_t byte) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  return lock;
}

// Waits until nobody else has it.
Result<> lock(int file, short type, off_t byte) {
  struct flock wanted = lock_of(type, byte);
  while (::fcntl(file, F_SETLKW, &wanted) != 0) {
    if (errno != EINTR) {
      return std::unexpected(sys::error("fcntl(F_SETLKW)", "server.pid"));
    }
  }
  return {};
}

// False: somebody else has it.
Result<bool> try_lock(int file, off_t byte) {
  struct flock wanted = lock_of(F_WRLCK, byte);
  if (::fcntl(file, F_SETLK, &wanted) == 0) {
    return true;
  }
  if (errno == EAGAIN || errno == EACCES) {
    return false;
  }
  return std::unexpected(sys::error("fcntl(F_SETLK)", "server.pid"));
}

void unlock(int file, off_t byte) {
  struct flock wanted = lock_of(F_UNLCK, byte);
  ::fcntl(file, F_SETLK, &wanted);  // cannot fail for a lock that is held
}

// 0: nobody.
Result<pid_t> holder(int file, off_t byte) {
  struct flock asked = lock_of(F_WRLCK, byte);
  if (::fcntl(file, F_GETLK, &asked) != 0) {
    return std::unexpected(sys::error("fcntl(F_GETLK)", "server.pid"));
  }
  if (asked.l_type == F_UNLCK) {
    return 0;
  }
  if (asked.l_pid <= 0) {
    return fail(ErrorCode::kConflict,
                "the server of this home runs out of sight, in another container");
  }
  return asked.l_pid;
}

// Is the open file still the one at `path`?
Result<bool> is_at(const UniqueFd& file, const std::string& path) {
  const struct stat mine = TRY(sys::fstat(file.get()));
  const auto there = sys::stat(path);
  return there && there->st_ino == mine.st_ino && there->st_dev == mine.st_dev;
}

}  // namespace

std::string encode(pid_t pid, const ServerRecord& record) {
  std::string text = std::to_string(pid) + "\n";
  const auto add = [&text](std::string_view key, const std::string& value) {
    if (!value.empty() && value.find('\n') == std::string::npos) {
      text.append(key).append(" ").append(value).append("\n");
    }
  };
  add("url", record.url);
  add("version", record.version);
  add("since", std::to_string(record.started_at));
  add("keys", record.needs_key ? "required" : "none");
  add("certificate", record.certificate);
  add("log", record.log_file);
  text += record.is_ending ? kEnding : "";
  return text;
}

ServerRecord decode_server_record(std::string_view text) {
  ServerRecord record;
  // What follows the last newline is a line that is being written.
  for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    const auto space = line.find(' ');
    if (space == std::string_view::npos) {
      continue;
    }
    const std::string_view key = line.substr(0, space);
    const std::string_view value = line.substr(space + 1);
    if (key == "url") {
      record.url = value;
    } else if (key == "version") {
      record.version = value;
    } else if (key == "since") {
      record.started_at = parse_number<std::int64_t>(value).value_or(0);
    } else if (key == "keys") {
      record.needs_key = value != "none";
    } else if (key == "certificate") {
      record.certificate = value;
    } else if (key == "log") {
      record.log_file = value;
    } else if (key == "state") {
      record.is_ending = value == "ending";
    }
  }
  return record;
}

Result<std::optional<ServerClaim>> ServerClaim::take(const std::string& home) {
  const std::string path = path_of(home);
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    UniqueFd file = TRY(sys::open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
    // Held before anybody can see that we live; and who holds it now is about to tell the outcome.
    TRY(lock(file.get(), F_WRLCK, kStartingByte));
    if (!TRY(try_lock(file.get(), kLivesByte))) {
      if (!decode_server_record(TRY(read_all(file.get(), kMaxRecordBytes))).is_ending) {
        return std::nullopt;
      }
      unlock(file.get(), kStartingByte);
      TRY(lock(file.get(), F_WRLCK, kLivesByte));
      continue;  // it took its file with it
    }
    if (!TRY(is_at(file, path))) {
      continue;  // removed between open and lock: what we hold means nothing
    }
    // What a dead server left must not be taken for ours.
    TRY(sys::ftruncate(file.get(), 0));
    TRY(write_all(file.get(), std::to_string(::getpid()) + "\n"));
    return ServerClaim(path, std::move(file));
  }
  return fail(ErrorCode::kConflict, path + ": it is replaced all the time");
}

ServerClaim::~ServerClaim() {
  if (file_) {
    ::unlink(path_.c_str());  // while it is locked, so it is ours
  }
}

Result<> ServerClaim::publish(const ServerRecord& record) {
  TRY(sys::ftruncate(file_.get(), 0));
  if (::lseek(file_.get(), 0, SEEK_SET) < 0) {
    return std::unexpected(sys::error("lseek", path_));
  }
  TRY(write_all(file_.get(), encode(::getpid(), record)));
  unlock(file_.get(), kStartingByte);
  return {};
}

Result<> ServerClaim::withdraw() {
  return write_all(file_.get(), kEnding);
}

Result<std::optional<FoundServer>> find_server(const std::string& home, Starting starting) {
  const auto file = sys::open(path_of(home), O_RDONLY | O_NOFOLLOW);
  if (!file) {
    if (file.error().cause() == ErrorCode::kNotFound) {
      return std::nullopt;
    }
    return std::unexpected(file.error());
  }
  if (starting == Starting::kWaitFor) {
    TRY(lock(file->get(), F_RDLCK, kStartingByte));
    unlock(file->get(), kStartingByte);
  }
  FoundServer found;
  found.pid = TRY(holder(file->get(), kLivesByte));
  found.record = decode_server_record(TRY(read_all(file->get(), kMaxRecordBytes)));
  return found;
}

}  // namespace msb::base
