// SPDX-License-Identifier: Apache-2.0
#include "image/unpacker.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/child_process.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/sys.h"
#include "image/printable.h"
#include "image/unpack/protocol.h"

namespace msb::image {
namespace {

namespace sys = base::sys;

constexpr int kPipeBytes = 1 << 20;
constexpr std::size_t kChunkBytes = 256 * 1024;
constexpr std::uint64_t kMaxLayerBytes = 32ull << 30;
constexpr std::uint64_t kMaxLayerEntries = 2'000'000;
// The pieces of tar around the files' bytes.
constexpr std::uint64_t kMaxTarBytes = kMaxLayerBytes + (kMaxLayerEntries << 12);
// What is worth shipping packs to a tenth or a twentieth. Beyond a first part, in which a few files
// of zeros may stand, more than this is a bomb; it ends before it has filled the disk.
constexpr std::uint64_t kUnpackedFreeBytes = 128ull << 20;
constexpr std::uint64_t kMaxUnpackedRatio = 200;
// A process that was taken over may do nothing at all, for ever.
constexpr std::chrono::minutes kStallTimeout{5};

struct ChildSays {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
};

// Refuses more bytes than should ever come of `packed_bytes`.
Result<> check_growth(std::uint64_t unpacked_bytes, std::uint64_t packed_bytes) {
  const std::uint64_t ratio_bytes = packed_bytes > kMaxTarBytes / kMaxUnpackedRatio
                                        ? kMaxTarBytes
                                        : packed_bytes * kMaxUnpackedRatio;
  if (unpacked_bytes > kUnpackedFreeBytes + ratio_bytes) {
    return fail(ErrorCode::kResourceExhausted,
                std::to_string(packed_bytes) + " bytes unpack to more than " +
                    std::to_string(kMaxUnpackedRatio) +
                    " times as many and 128 MiB: a "
                    "decompression bomb; what is mostly zeros can be archived sparse (tar -S)");
  }
  return {};
}

// The unpacker's text has foreign names in it, which it has made printable; once more, and their
// backslashes would be doubled. Only one that was taken over sends anything else.
std::string shown(std::string_view text) {
  const bool is_printable = std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
  return is_printable ? std::string(text) : printable(text, unpack::kMaxStatusBytes);
}

// One run of msb-unpack.
class Worker {
 public:
  static Result<Worker> start(const std::string& program, std::vector<std::string> arguments,
                              std::vector<std::pair<int, int>> fds) {
    sys::Pipe status = TRY(sys::pipe());
    base::ChildSpec spec;
    spec.path = program;
    spec.argv = {"msb-unpack"};
    spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
    spec.env = std::vector<std::string>{};
    spec.fds = std::move(fds);
    spec.fds.emplace_back(status.write_end.get(), unpack::kStatusFd);
    spec.new_session = true;
    Worker worker;
    worker.child_ = TRY(base::ChildProcess::spawn(spec));
    worker.status_ = std::move(status.read_end);
    return worker;
  }

  // Waits for its end.
  Result<ChildSays> finish() {
    const auto exit = TRY(child_.wait(kStallTimeout));
    if (!exit) {
      return fail(ErrorCode::kTimeout, "the unpacker does not end");
    }
    // All that it has said is in the pipe. For the pipe's end nobody waits: whatever another thread
    // is about to execute holds it open for some moments.
    TRY(sys::set_nonblocking(status_.get(), true));
    std::array<std::byte, unpack::kMaxStatusBytes> said;
    const auto size = sys::read(status_.get(), said);
    const std::string_view line = base::text_of(std::span(said).first(size.value_or(0)));
    if (exit->signaled && exit->code == SIGXCPU) {
      return fail(ErrorCode::kResourceExhausted,
                  "unpacking takes more than " + std::to_string(unpack::kMaxProcessorSeconds / 60) +
                      " minutes of processor time");
    }
    if (line.empty()) {
      return fail(ErrorCode::kCorrupt, "the unpacker ended early: " + exit->text());
    }
    return parse(line.substr(0, line.find('\n')));
  }

 private:
  static Result<ChildSays> parse(std::string_view line) {
    const std::size_t one = line.find(' ');
    const std::size_t two = line.find(' ', one + 1);
    if (one != std::string_view::npos && two != std::string_view::npos) {
      const std::string_view verb = line.substr(0, one);
      const auto first = base::parse_number<std::uint64_t>(line.substr(one + 1, two - one - 1));
      if (verb == "error" && first) {
        return fail(code_of(*first), shown(line.substr(two + 1)));
      }
      const auto second = base::parse_number<std::uint64_t>(line.substr(two + 1));
      if (verb == "ok" && first && second) {
        return ChildSays{.entries = *first, .bytes = *second};
      }
    }
    return fail(ErrorCode::kCorrupt, "the unpacker answers nonsense");
  }

  static ErrorCode code_of(std::uint64_t number) {
    for (const ErrorCode code :
         {ErrorCode::kUnsupported, ErrorCode::kResourceExhausted, ErrorCode::kDiskFull,
          ErrorCode::kPermissionDenied, ErrorCode::kIo, ErrorCode::kInternal}) {
      if (number == static_cast<std::uint64_t>(code)) {
        return code;
      }
    }
    return ErrorCode::kCorrupt;
  }

  base::ChildProcess child_;
  base::UniqueFd status_;
};

// An eventfd that is readable once stop is requested: for poll.
class StopEvent {
 public:
  static Result<StopEvent> create() { return StopEvent(TRY(sys::eventfd(0, EFD_NONBLOCK))); }
  int fd() const { return event_.get(); }
  void raise() const {
    const std::uint64_t one = 1;
    static_cast<void>(sys::write(event_.get(), std::as_bytes(std::span(&one, 1))));
  }

 private:
  explicit StopEvent(base::UniqueFd event) : event_(std::move(event)) {}
  base::UniqueFd event_;
};

// kCancelled when asked to stop, kTimeout when nothing happens for too long.
Result<> wait_ready(int fd, short events, const StopEvent& stop) {
  pollfd fds[] = {{fd, events, 0}, {stop.fd(), POLLIN, 0}};
  const auto timeout = std::chrono::milliseconds(kStallTimeout);
  int count = 0;
  do {
    count = ::poll(fds, 2, static_cast<int>(timeout.count()));
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    return std::unexpected(sys::error("poll"));
  }
  if (fds[1].revents != 0) {
    return fail(ErrorCode::kCancelled, "cancelled while unpacking");
  }
  if (count == 0) {
    return fail(ErrorCode::kTimeout, "the unpacker makes no progress");
  }
  return {};
}

// Hands on what comes out of `source`, until its end or until `take` says false.
Result<> for_each_chunk(int source, const StopEvent& stop,
                        const std::function<Result<bool>(std::span<const std::byte>)>& take) {
  std::vector<std::byte> buffer(kChunkBytes);
  for (;;) {
    TRY(wait_ready(source, POLLIN, stop));
    const std::size_t count = TRY(sys::read(source, buffer));
    if (count == 0 || !TRY(take(std::span(buffer).first(count)))) {
      return {};
    }
  }
}

Result<sys::Pipe> wide_pipe() {
  sys::Pipe pipe = TRY(sys::pipe());
  // Refused beyond /proc/sys/fs/pipe-max-size; then the pipe is narrow, and right.
  ::fcntl(pipe.write_end.get(), F_SETPIPE_SZ, kPipeBytes);
  return pipe;
}

// The decompressor reads through this very descriptor, so its position is shared.
std::uint64_t position_of(const BlobSlice& blob) {
  const off_t position = ::lseek(blob.file.get(), 0, SEEK_CUR);
  const auto used = static_cast<std::uint64_t>(position) - blob.offset_bytes;
  return position < 0 ? 0 : std::min(used, blob.size_bytes);
}

Result<> seek_to_start(const BlobSlice& blob) {
  if (::lseek(blob.file.get(), static_cast<off_t>(blob.offset_bytes), SEEK_SET) < 0) {
    return std::unexpected(sys::error("lseek"));
  }
  return {};
}

Result<Worker> start_decompressor(const std::string& program, const BlobSlice& blob, int output) {
  TRY(seek_to_start(blob));
  return Worker::start(program, {"decompress", std::to_string(blob.size_bytes)},
                       {{blob.file.get(), STDIN_FILENO}, {output, STDOUT_FILENO}});
}

// False: the reader has closed its end.
Result<bool> write_chunk(int fd, std::span<const std::byte> bytes, const StopEvent& stop) {
  while (!bytes.empty()) {
    TRY(wait_ready(fd, POLLOUT, stop));
    const auto count = sys::write(fd, bytes);
    if (!count && count.error().sys_errno() == EPIPE) {
      return false;
    }
    if (!count && count.error().sys_errno() == EAGAIN) {
      continue;
    }
    bytes = bytes.subspan(TRY(count));
  }
  return true;
}

// SIGPIPE would end the program this library lives in: blocked for this thread, and taken back.
class NoSigpipe {
 public:
  NoSigpipe() {
    ::sigemptyset(&sigpipe_);
    ::sigaddset(&sigpipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }
  ~NoSigpipe() {
    if (::sigismember(&before_, SIGPIPE) == 0) {
      const timespec now{};
      while (::sigtimedwait(&sigpipe_, nullptr, &now) < 0 && errno == EINTR) {
      }
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;

 private:
  sigset_t sigpipe_{};
  sigset_t before_{};
};

}  // namespace

Result<> Unpacker::make_folder(const std::string& folder) {
  TRY(sys::mkdir(folder, 0755));
  if (::geteuid() != 0) {
    return {};
  }
  const base::UniqueFd fd = TRY(sys::open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  return sys::fchown(fd.get(), unpack::kStoreIdBase, unpack::kStoreIdBase);
}

Result<Unpacked> Unpacker::unpack(const BlobSlice& blob, const std::string& folder,
                                  const SliceProgress& progress, std::stop_token stop) const {
  const base::UniqueFd root = TRY(sys::open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  sys::Pipe plain = TRY(wide_pipe());
  sys::Pipe tar = TRY(wide_pipe());
  Worker decompressor = TRY(start_decompressor(program_, blob, plain.write_end.get()));
  plain.write_end.reset();
  Worker extractor = TRY(Worker::start(
      program_, {"extract", std::to_string(kMaxLayerBytes), std::to_string(kMaxLayerEntries)},
      {{tar.read_end.get(), STDIN_FILENO}, {root.get(), unpack::kRootFd}}));
  tar.read_end.reset();

  const StopEvent stop_event = TRY(StopEvent::create());
  const std::stop_callback on_stop(stop, [&stop_event] { stop_event.raise(); });
  const NoSigpipe no_sigpipe;
  TRY(sys::set_nonblocking(tar.write_end.get(), true));
  Hasher hasher;
  std::uint64_t tar_bytes = 0;
  bool extractor_reads = true;
  const auto hand_on = [&](std::span<const std::byte> chunk) -> Result<bool> {
    tar_bytes += chunk.size();
    if (tar_bytes > kMaxTarBytes) {
      return fail(ErrorCode::kResourceExhausted, "the layer is larger than 32 GiB");
    }
    TRY(check_growth(tar_bytes, blob.size_bytes));
    hasher.update(chunk);
    extractor_reads = TRY(write_chunk(tar.write_end.get(), chunk, stop_event));
    if (progress) {
      progress(position_of(blob));
    }
    return extractor_reads;
  };
  TRY(for_each_chunk(plain.read_end.get(), stop_event, hand_on));
  plain.read_end.reset();
  tar.write_end.reset();
  // Whoever failed first has the reason: the extractor sees a broken stream end early, the
  // decompressor sees a closed pipe.
  const auto extracted = extractor.finish();
  const auto decompressed = decompressor.finish();
  if (extractor_reads && !decompressed) {
    return std::unexpected(decompressed.error());
  }
  if (!extracted) {
    return std::unexpected(extracted.error());
  }
  if (!extractor_reads) {
    return fail(ErrorCode::kCorrupt, "the unpacker did not read the whole layer");
  }
  return Unpacked{hasher.finish(), extracted->bytes, extracted->entries};
}

Result<> Unpacker::decompress_to(const BlobSlice& blob, int output_fd, std::uint64_t max_bytes,
                                 std::stop_token stop) const {
  sys::Pipe plain = TRY(wide_pipe());
  Worker decompressor = TRY(start_decompressor(program_, blob, plain.write_end.get()));
  plain.write_end.reset();
  const StopEvent stop_event = TRY(StopEvent::create());
  const std::stop_callback on_stop(stop, [&stop_event] { stop_event.raise(); });
  std::uint64_t total = 0;
  const auto keep = [&](std::span<const std::byte> chunk) -> Result<bool> {
    total += chunk.size();
    if (total > max_bytes) {
      return fail(ErrorCode::kResourceExhausted,
                  "uncompressed, it is larger than " + std::to_string(max_bytes) + " bytes");
    }
    TRY(check_growth(total, blob.size_bytes));
    TRY(base::write_all(output_fd, chunk));
    return true;
  };
  TRY(for_each_chunk(plain.read_end.get(), stop_event, keep));
  TRY(decompressor.finish());
  return {};
}

Result<Packed> Unpacker::pack(int layer, int output_fd, std::stop_token stop) const {
  sys::Pipe tar = TRY(wide_pipe());
  Worker packer = TRY(Worker::start(
      program_, {"pack", std::to_string(kMaxLayerBytes), std::to_string(kMaxLayerEntries)},
      {{tar.write_end.get(), STDOUT_FILENO}, {layer, unpack::kRootFd}}));
  tar.write_end.reset();
  const StopEvent stop_event = TRY(StopEvent::create());
  const std::stop_callback on_stop(stop, [&stop_event] { stop_event.raise(); });
  Hasher hasher;
  std::uint64_t total = 0;
  const auto keep = [&](std::span<const std::byte> chunk) -> Result<bool> {
    total += chunk.size();
    if (total > kMaxTarBytes) {
      return fail(ErrorCode::kResourceExhausted, "the files are larger than 32 GiB");
    }
    hasher.update(chunk);
    TRY(base::write_all(output_fd, chunk));
    return true;
  };
  TRY(for_each_chunk(tar.read_end.get(), stop_event, keep));
  TRY(packer.finish());
  return Packed{hasher.finish(), total};
}

Result<> Unpacker::remove(const std::string& folder) const {
  const base::UniqueFd root = TRY(sys::open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  Worker worker = TRY(Worker::start(program_, {"remove"}, {{root.get(), unpack::kRootFd}}));
  TRY(worker.finish());
  if (::rmdir(folder.c_str()) < 0) {
    return std::unexpected(sys::error("rmdir", folder));
  }
  return {};
}

}  // namespace msb::image
