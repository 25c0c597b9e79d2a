// SPDX-License-Identifier: Apache-2.0
//
// The HTTP edge: GET and POST over libcurl, and nothing of registries. Redirects are followed here,
// one checked hop at a time (url.h), and credentials stay with the origin they are for. Proxies are
// taken from the environment as curl does.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/try.h"
#include "image/registry/url.h"

namespace msb::image {

struct HttpRequest {
  std::string url;
  // The host that the user has named, which may be this machine. Another that the request leads to
  // may not, whatever its name resolves to. Empty: the URL's.
  std::string chosen_host;
  std::string authorization;            // "Bearer ...", "Basic ..."; empty: none
  std::vector<std::string> accept;      // media types
  std::uint64_t range_start_bytes = 0;  // 0: the whole
  std::optional<std::string> form;      // POST with this body
  std::chrono::seconds timeout{0};      // for all of it; 0: as long as it moves
  std::stop_token stop;
};

struct HttpHead {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; the last of a name
  std::vector<std::string> challenges;         // every WWW-Authenticate
  std::string header(const std::string& name) const;
};

struct HttpResponse {
  HttpHead head;
  std::string body;
};

// Gets a response that is not a redirect as it comes. An error ends the transfer and is its result.
struct HttpReceiver {
  std::function<Result<>(const HttpHead&)> on_head;
  std::function<Result<>(std::span<const std::byte>)> on_body;
};

// Collects a body into `response`; kCorrupt when it is longer than `max_bytes`.
HttpReceiver collect(HttpResponse& response, std::size_t max_bytes);

class HttpClient {
 public:
  struct Options {
    std::chrono::milliseconds connect_timeout{20'000};
    // A transfer below 1 KiB/s for that long has ended.
    std::chrono::seconds stall_timeout{30};
    // For a whole document, in fetch().
    std::chrono::seconds document_timeout{120};
    PlainHttp plain_http = PlainHttp::kLoopbackOnly;
  };
  explicit HttpClient(Options options) : options_(options) {}

  // Any status is a response. kUnavailable (no answer, too slow, cut), kPermissionDenied (a hop
  // that is not allowed), kCorrupt (body over `max_bytes`), kCancelled.
  Result<HttpResponse> fetch(HttpRequest request, std::size_t max_bytes) const;
  Result<> stream(const HttpRequest& request, const HttpReceiver& receiver) const;

  const Options& options() const { return options_; }

 private:
  Options options_;
};

}  // namespace msb::image
