// SPDX-License-Identifier: Apache-2.0
#include "image/registry/download.h"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <string_view>

#include "base/file.h"
#include "base/parse.h"
#include "base/sys.h"
#include "image/printable.h"
#include "image/registry/client.h"

namespace msb::image {
namespace {

namespace sys = base::sys;

constexpr std::chrono::seconds kMaxPause{10};

// What another try may mend: the network and the registry's bad moments.
bool is_passing(const Error& error) {
  return error.cause() == ErrorCode::kUnavailable || error.cause() == ErrorCode::kResourceExhausted;
}

struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t total = 0;
};

// "bytes 100-199/200"
std::optional<ContentRange> parse_content_range(std::string_view text) {
  if (!text.starts_with("bytes ")) {
    return std::nullopt;
  }
  text.remove_prefix(6);
  const std::size_t dash = text.find('-');
  const std::size_t slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash) {
    return std::nullopt;
  }
  const auto first = base::parse_number<std::uint64_t>(text.substr(0, dash));
  const auto total = base::parse_number<std::uint64_t>(text.substr(slash + 1));
  return first && total ? std::optional(ContentRange{*first, *total}) : std::nullopt;
}

}  // namespace

Result<> Download::run(int max_attempts, std::chrono::milliseconds first_pause) {
  TRY(take_up());
  std::chrono::milliseconds next_pause = first_pause;
  int attempts_left = max_attempts;
  while (done_bytes_ < descriptor_.size_bytes) {
    const std::uint64_t before = done_bytes_;
    auto requested = request_rest();
    if (requested && done_bytes_ < descriptor_.size_bytes) {
      requested = fail(ErrorCode::kUnavailable, "the registry sent less than the whole");
    }
    if (requested) {
      continue;
    }
    if (!is_passing(requested.error())) {
      return requested;
    }
    if (done_bytes_ >= before + RegistryClient::kGainBytes) {
      attempts_left = max_attempts;
      next_pause = first_pause;
    }
    if (--attempts_left <= 0) {
      return requested;
    }
    TRY(pause(next_pause));
    next_pause = std::min<std::chrono::milliseconds>(next_pause * 2, kMaxPause);
  }
  return verify();
}

// What an earlier program has left in the file is read once more: it may be of any kind.
Result<> Download::take_up() {
  if (::lseek(file_, 0, SEEK_SET) < 0) {
    return std::unexpected(sys::error("lseek"));
  }
  std::vector<std::byte> buffer(256 * 1024);
  for (;;) {
    const std::size_t count = TRY(sys::read(file_, buffer));
    if (count == 0) {
      break;
    }
    hasher_.update(std::span(buffer).first(count));
    done_bytes_ += count;
    if (done_bytes_ > descriptor_.size_bytes) {
      return start_anew();
    }
  }
  return {};
}

Result<> Download::start_anew() {
  static_cast<void>(hasher_.finish());
  done_bytes_ = 0;
  TRY(sys::ftruncate(file_, 0));
  if (::lseek(file_, 0, SEEK_SET) < 0) {
    return std::unexpected(sys::error("lseek"));
  }
  return {};
}

Result<> Download::request_rest() {
  HttpRequest request;
  request.stop = stop_;
  request.range_start_bytes = done_bytes_;
  const HttpReceiver receiver{
      .on_head = [this](const HttpHead& head) { return on_head(head); },
      .on_body = [this](std::span<const std::byte> bytes) { return on_body(bytes); }};
  return session_.stream("blobs/" + descriptor_.digest.str(), std::move(request), receiver);
}

Result<> Download::on_head(const HttpHead& head) {
  ignore_body_ = head.status == 416;
  if (ignore_body_) {
    if (done_bytes_ == 0) {
      return fail(ErrorCode::kCorrupt, "the registry refuses to send the blob");
    }
    return start_anew();
  }
  if (head.status == 206) {
    const auto range = parse_content_range(head.header("content-range"));
    if (!range || range->first != done_bytes_ || range->total != descriptor_.size_bytes) {
      return fail(ErrorCode::kCorrupt, "the registry sends another part than was asked for: '" +
                                           printable(head.header("content-range")) + "'");
    }
    return {};
  }
  if (head.status != 200) {
    return fail(ErrorCode::kCorrupt,
                "the registry answers with status " + std::to_string(head.status));
  }
  const std::string length = head.header("content-length");
  if (!length.empty() && base::parse_number<std::uint64_t>(length) != descriptor_.size_bytes) {
    return fail(ErrorCode::kCorrupt, "the blob has " + printable(length) +
                                         " bytes, the manifest promises " +
                                         std::to_string(descriptor_.size_bytes));
  }
  return start_anew();
}

Result<> Download::on_body(std::span<const std::byte> bytes) {
  if (ignore_body_) {
    return {};
  }
  if (bytes.size() > descriptor_.size_bytes - done_bytes_) {
    TRY(start_anew());
    return fail(ErrorCode::kCorrupt, "the registry sends more than the promised " +
                                         std::to_string(descriptor_.size_bytes) + " bytes");
  }
  TRY(base::write_all(file_, bytes));
  hasher_.update(bytes);
  done_bytes_ += bytes.size();
  if (on_bytes_) {
    on_bytes_(done_bytes_);
  }
  return {};
}

Result<> Download::verify() {
  const Digest digest = hasher_.finish();
  if (digest != descriptor_.digest) {
    TRY(start_anew());
    return fail(ErrorCode::kCorrupt, "the registry sent " + digest.str());
  }
  return {};
}

Result<> Download::pause(std::chrono::milliseconds duration) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock guard(mutex);
  stopped.wait_for(guard, stop_, duration, [this] { return stop_.stop_requested(); });
  if (stop_.stop_requested()) {
    return fail(ErrorCode::kCancelled, "cancelled");
  }
  return {};
}

}  // namespace msb::image
