// SPDX-License-Identifier: Apache-2.0
#include "image/registry/http.h"

#include <curl/curl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string_view>

#include "base/bytes.h"
#include "image/printable.h"
#include "image/registry/lower_case.h"

namespace msb::image {
namespace {

constexpr int kMaxHops = 10;
constexpr std::size_t kMaxHeaderBytes = 64 * 1024;
constexpr long kStallBytesPerSecond = 1024;

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Easy = std::unique_ptr<CURL, Free<&::curl_easy_cleanup>>;
using Multi = std::unique_ptr<CURLM, Free<&::curl_multi_cleanup>>;
using List = std::unique_ptr<curl_slist, Free<&::curl_slist_free_all>>;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  const auto last = text.find_last_not_of(" \t\r\n");
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, last - first + 1);
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// Whether curl leaves the proxy aside for this host: "*", or names and the domains above them.
bool is_exempt(std::string_view host, std::string_view no_proxy) {
  constexpr std::string_view kBetween = ", \t";
  while (!no_proxy.empty()) {
    const std::size_t end = std::min(no_proxy.find_first_of(kBetween), no_proxy.size());
    std::string_view entry = no_proxy.substr(0, end);
    no_proxy.remove_prefix(std::min(end + 1, no_proxy.size()));
    if (entry == "*") {
      return true;
    }
    if (entry.starts_with('.')) {
      entry.remove_prefix(1);
    }
    if (!entry.empty() && host.ends_with(entry) &&
        (host.size() == entry.size() || host[host.size() - entry.size() - 1] == '.')) {
      return true;
    }
  }
  return false;
}

// With a proxy it is the proxy that resolves names and connects; where it stands is the user's
// word.
bool has_proxy(const Url& url) {
  const auto value_of_any = [](std::initializer_list<const char*> names) -> std::string_view {
    for (const char* name : names) {
      const char* const value = std::getenv(name);
      if (value != nullptr && *value != '\0') {
        return value;
      }
    }
    return {};
  };
  const std::string_view proxy =
      url.scheme == "https" ? value_of_any({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"})
                            : value_of_any({"http_proxy", "all_proxy", "ALL_PROXY"});
  return !proxy.empty() && !is_exempt(url.host, value_of_any({"no_proxy", "NO_PROXY"}));
}

// One request and its answer: what curl's callbacks work on.
class Exchange {
 public:
  Exchange(const HttpRequest& request, const HttpReceiver& receiver)
      : request_(request), receiver_(receiver) {}

  // `may_be_local`: the host may resolve to an address of this machine.
  Result<> run(const Url& url, bool with_authorization, bool may_be_local,
               const HttpClient::Options& options) {
    easy_.reset(::curl_easy_init());
    multi_.reset(::curl_multi_init());
    if (easy_ == nullptr || multi_ == nullptr) {
      return fail(ErrorCode::kResourceExhausted, "curl: out of memory");
    }
    set_options(url, with_authorization, options);
    if (!may_be_local && !has_proxy(url)) {
      ::curl_easy_setopt(easy_.get(), CURLOPT_OPENSOCKETFUNCTION, &Exchange::open_elsewhere);
      ::curl_easy_setopt(easy_.get(), CURLOPT_OPENSOCKETDATA, this);
    }
    ::curl_multi_add_handle(multi_.get(), easy_.get());
    const auto result = drive();
    ::curl_multi_remove_handle(multi_.get(), easy_.get());
    if (error_) {
      return std::unexpected(*error_);
    }
    return result;
  }

  const HttpHead& head() const { return head_; }
  // Absolute; empty when the answer names none.
  std::string redirect_url() const {
    char* text = nullptr;
    ::curl_easy_getinfo(easy_.get(), CURLINFO_REDIRECT_URL, &text);
    return text != nullptr ? text : "";
  }

 private:
  void set_options(const Url& url, bool with_authorization, const HttpClient::Options& options) {
    CURL* const easy = easy_.get();
    ::curl_easy_setopt(easy, CURLOPT_URL, url.text.c_str());
    ::curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    ::curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    ::curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    ::curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    ::curl_easy_setopt(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    ::curl_easy_setopt(easy, CURLOPT_USERAGENT, "microsandbox");
    ::curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    if (is_loopback(url.host)) {
      ::curl_easy_setopt(easy, CURLOPT_PROXY, "");  // A proxy has another loopback.
    }
    ::curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                       static_cast<long>(options.connect_timeout.count()));
    ::curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, kStallBytesPerSecond);
    ::curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
                       static_cast<long>(options.stall_timeout.count()));
    ::curl_easy_setopt(easy, CURLOPT_TIMEOUT, static_cast<long>(request_.timeout.count()));
    ::curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text_);
    ::curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Exchange::take_header);
    ::curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
    ::curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Exchange::take_body);
    ::curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
    if (with_authorization && !request_.authorization.empty()) {
      add_header("Authorization: " + request_.authorization);
    }
    for (const std::string& type : request_.accept) {
      add_header("Accept: " + type);
    }
    if (request_.range_start_bytes > 0) {
      add_header("Range: bytes=" + std::to_string(request_.range_start_bytes) + "-");
    }
    if (request_.form) {
      ::curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request_.form->size()));
      ::curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request_.form->c_str());
    }
    ::curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
  }

  void add_header(const std::string& line) {
    if (curl_slist* const longer = ::curl_slist_append(headers_.get(), line.c_str())) {
      static_cast<void>(headers_.release());
      headers_.reset(longer);
    }
  }

  Result<> drive() {
    const std::stop_callback on_stop(request_.stop, [this] { ::curl_multi_wakeup(multi_.get()); });
    int running = 1;
    while (running > 0) {
      if (request_.stop.stop_requested()) {
        return fail(ErrorCode::kCancelled, "cancelled");
      }
      CURLMcode code = ::curl_multi_perform(multi_.get(), &running);
      if (code == CURLM_OK && running > 0) {
        code = ::curl_multi_poll(multi_.get(), nullptr, 0, 1000, nullptr);
      }
      if (code != CURLM_OK) {
        return fail(ErrorCode::kInternal, std::string("curl: ") + ::curl_multi_strerror(code));
      }
    }
    int left = 0;
    const CURLMsg* const message = ::curl_multi_info_read(multi_.get(), &left);
    if (message == nullptr || message->msg != CURLMSG_DONE) {
      return fail(ErrorCode::kInternal, "curl: a transfer without an end");
    }
    return message->data.result == CURLE_OK ? Result<>() : failed(message->data.result);
  }

  std::unexpected<Error> failed(CURLcode code) const {
    const std::string detail =
        printable(*error_text_ != '\0' ? error_text_ : ::curl_easy_strerror(code));
    switch (code) {
      case CURLE_OPERATION_TIMEDOUT:
        return fail(ErrorCode::kUnavailable, "no answer in time: " + detail);
      case CURLE_PEER_FAILED_VERIFICATION:
        return fail(ErrorCode::kPermissionDenied, "its certificate is not trusted: " + detail);
      default:
        return fail(ErrorCode::kUnavailable, detail);
    }
  }

  // A name that leads to this machine all the same is found out here, before a byte is sent.
  static curl_socket_t open_elsewhere(void* self, curlsocktype, curl_sockaddr* address) {
    if (is_local_address(address->addr)) {
      static_cast<Exchange*>(self)->error_ =
          Error(ErrorCode::kPermissionDenied, "it resolves to an address of this machine");
      return CURL_SOCKET_BAD;
    }
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  }

  static std::size_t take_header(char* data, std::size_t, std::size_t size, void* self) {
    return static_cast<Exchange*>(self)->header(std::string_view(data, size)) ? size : 0;
  }

  static std::size_t take_body(char* data, std::size_t, std::size_t size, void* self) {
    const auto bytes = std::as_bytes(std::span(data, size));
    return static_cast<Exchange*>(self)->body(bytes) ? size : 0;
  }

  bool header(std::string_view line) {
    header_bytes_ += line.size();
    if (header_bytes_ > kMaxHeaderBytes) {
      error_ = Error(ErrorCode::kCorrupt, "an answer with more than 64 KiB of headers");
      return false;
    }
    line = trimmed(line);
    if (line.empty()) {
      return finish_head();
    }
    if (line.starts_with("HTTP/")) {
      head_ = {};  // an interim answer may have come before
      return true;
    }
    if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
      std::string name = lower_case(line.substr(0, colon));
      std::string value(trimmed(line.substr(colon + 1)));
      if (name == "www-authenticate") {
        head_.challenges.push_back(value);
      }
      head_.headers.insert_or_assign(std::move(name), std::move(value));
    }
    return true;
  }

  bool finish_head() {
    long status = 0;
    ::curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    head_.status = static_cast<int>(status);
    if (head_.status < 200 || is_redirect(head_.status)) {
      return true;
    }
    return keep(receiver_.on_head(head_));
  }

  bool body(std::span<const std::byte> bytes) {
    if (!is_redirect(head_.status)) {
      return keep(receiver_.on_body(bytes));
    }
    redirect_bytes_ += bytes.size();  // a page for people
    return redirect_bytes_ <= kMaxHeaderBytes ||
           keep(fail(ErrorCode::kCorrupt, "a redirect with more than 64 KiB of text"));
  }

  // The receiver's error becomes the exchange's. False: curl shall end.
  bool keep(const Result<>& taken) {
    if (!taken) {
      error_ = taken.error();
    }
    return taken.has_value();
  }

  const HttpRequest& request_;
  const HttpReceiver& receiver_;
  List headers_;
  Easy easy_;
  Multi multi_;
  HttpHead head_;
  std::size_t header_bytes_ = 0;
  std::size_t redirect_bytes_ = 0;
  std::optional<Error> error_;
  char error_text_[CURL_ERROR_SIZE] = {};
};

}  // namespace

std::string HttpHead::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

Result<> HttpClient::stream(const HttpRequest& request, const HttpReceiver& receiver) const {
  static std::once_flag initialised;
  std::call_once(initialised, [] { ::curl_global_init(CURL_GLOBAL_DEFAULT); });
  const Url start = TRY(Url::parse(request.url));
  const std::string& chosen_host = request.chosen_host.empty() ? start.host : request.chosen_host;
  Url current = start;
  for (int hop = 0; hop < kMaxHops; ++hop) {
    Exchange exchange(request, receiver);
    const bool may_be_local = is_loopback(chosen_host) || current.host == chosen_host;
    TRY_WRAP(exchange.run(current, current.same_origin(start), may_be_local, options_),
             printable(current.host));
    if (!is_redirect(exchange.head().status)) {
      return {};
    }
    if (request.form) {
      return fail(ErrorCode::kPermissionDenied,
                  printable(current.host) + " redirects a request that holds credentials");
    }
    Url next =
        TRY_WRAP(Url::parse(exchange.redirect_url()), "redirect by " + printable(current.host));
    TRY_WRAP(check_hop(current, next, options_.plain_http), "redirect");
    current = std::move(next);
  }
  return fail(ErrorCode::kUnavailable, printable(start.host) + " redirects without end");
}

HttpReceiver collect(HttpResponse& response, std::size_t max_bytes) {
  return {.on_head = [&response](const HttpHead& head) -> Result<> {
            response = {head, {}};
            return {};
          },
          .on_body = [&response, max_bytes](std::span<const std::byte> bytes) -> Result<> {
            if (bytes.size() > max_bytes - response.body.size()) {
              return fail(ErrorCode::kCorrupt,
                          "an answer of more than " + std::to_string(max_bytes) + " bytes");
            }
            response.body += base::text_of(bytes);
            return {};
          }};
}

Result<HttpResponse> HttpClient::fetch(HttpRequest request, std::size_t max_bytes) const {
  HttpResponse response;
  request.timeout = options_.document_timeout;
  TRY(stream(request, collect(response, max_bytes)));
  return response;
}

}  // namespace msb::image
