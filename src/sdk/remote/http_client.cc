// SPDX-License-Identifier: Apache-2.0
//
// A connection is an easy handle on a multi handle of its own: the multi handle keeps the socket
// between calls and can be woken from another thread, which is how a stop token ends a call at
// once. Before libcurl repeats a request on a fresh connection it asks to rewind the body; the
// answer is always no, so only a request of which nothing was sent is repeated.
#include "sdk/remote/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

namespace msb::sdk {
namespace {

constexpr std::size_t kMaxHeaderBytes = 64 * 1024;
constexpr auto kForever = std::chrono::hours(24 * 365);

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Easy = std::unique_ptr<CURL, Free<&::curl_easy_cleanup>>;
using Multi = std::unique_ptr<CURLM, Free<&::curl_multi_cleanup>>;
using Url = std::unique_ptr<CURLU, Free<&::curl_url_cleanup>>;
using List = std::unique_ptr<curl_slist, Free<&::curl_slist_free_all>>;

bool append(List& list, const std::string& line) {
  curl_slist* const longer = ::curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) {
    return false;
  }
  static_cast<void>(list.release());
  list.reset(longer);
  return true;
}

bool has_control_bytes(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

std::string part_of(const Url& url, CURLUPart part) {
  char* text = nullptr;
  if (::curl_url_get(url.get(), part, &text, 0) != CURLUE_OK) {
    return {};
  }
  const std::unique_ptr<char, Free<&::curl_free>> owner(text);
  return text;
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

Result<bool> check_url(const std::string& text) {
  const Url url(::curl_url());
  if (url == nullptr) {
    return fail(ErrorCode::kResourceExhausted, "curl: out of memory");
  }
  if (const CURLUcode code = ::curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0);
      code != CURLUE_OK || has_control_bytes(text)) {
    return fail(ErrorCode::kInvalidArgument,
                std::string("server_url: ") +
                    (code == CURLUE_OK ? "control characters" : ::curl_url_strerror(code)));
  }
  const std::string scheme = part_of(url, CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") {
    return fail(ErrorCode::kInvalidArgument, "server_url: must begin with http:// or https://");
  }
  // curl forgives one slash and three, and would take a part of the path for the host.
  const std::string_view rest = std::string_view(text).substr(scheme.size());
  if (!rest.starts_with("://") || rest.starts_with(":///")) {
    return fail(ErrorCode::kInvalidArgument, "server_url: names no host");
  }
  if (!part_of(url, CURLUPART_USER).empty() || !part_of(url, CURLUPART_PASSWORD).empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "server_url: must not hold a name or a password; give the key as api_key");
  }
  if (!part_of(url, CURLUPART_QUERY).empty() || !part_of(url, CURLUPART_FRAGMENT).empty()) {
    return fail(ErrorCode::kInvalidArgument, "server_url: must not have a query or a fragment");
  }
  return is_loopback(part_of(url, CURLUPART_HOST));
}

ErrorCode reason_of(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return ErrorCode::kTimeout;
    case CURLE_PEER_FAILED_VERIFICATION:
      return ErrorCode::kPermissionDenied;
    case CURLE_SSL_CACERT_BADFILE:
      return ErrorCode::kInvalidArgument;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return ErrorCode::kCorrupt;
    default:
      return ErrorCode::kUnavailable;
  }
}

}  // namespace

class HttpClient::Connection {
 public:
  static Result<std::unique_ptr<Connection>> create(const HttpClient& client) {
    auto connection = std::unique_ptr<Connection>(new Connection(client));
    if (connection->easy_ == nullptr || connection->multi_ == nullptr) {
      return fail(ErrorCode::kResourceExhausted, "curl: out of memory");
    }
    TRY(connection->configure());
    return connection;
  }

  Result<HttpReply> send(const HttpRequest& request, const std::stop_token& stop,
                         Deadline deadline) {
    request_ = &request;
    url_ = client_.url_ + request.path;
    reply_ = {};
    unsent_ = request.body;
    header_bytes_ = 0;
    has_head_ = false;
    lines_.reset();
    refusal_.reset();
    error_text_[0] = '\0';
    set(CURLOPT_URL, url_.c_str());
    if (request.body.data() == nullptr) {
      set(CURLOPT_HTTPGET, 1L);
    } else {
      set(CURLOPT_POST, 1L);
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    }
    TRY(set_headers(request.accept));
    const CURLcode code = TRY(drive(stop, deadline));
    if (refusal_) {
      return std::unexpected(*std::move(refusal_));
    }
    if (code == CURLE_SEND_FAIL_REWIND) {
      return failed(ErrorCode::kUnavailable, "the connection was lost before an answer came");
    }
    if (code != CURLE_OK) {
      return failed(reason_of(code),
                    *error_text_ != '\0' ? error_text_ : ::curl_easy_strerror(code));
    }
    if (lines_) {
      reply_.body = lines_->take_answer();
    }
    return std::move(reply_);
  }

 private:
  explicit Connection(const HttpClient& client)
      : client_(client), easy_(::curl_easy_init()), multi_(::curl_multi_init()) {}

  template <typename T>
  void set(CURLoption option, T value) {
    ::curl_easy_setopt(easy_.get(), option, value);
  }

  Result<> configure() {
    const HttpOptions& options = client_.options_;
    const bool is_local = TRY(check_url(client_.url_));
    if (has_control_bytes(client_.authorization_) || has_control_bytes(options.user_agent)) {
      return fail(ErrorCode::kInvalidArgument, "api_key, user_agent: control characters");
    }
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_HTTP09_ALLOWED, 0L);
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_TCP_NODELAY, 1L);
    set(CURLOPT_TCP_KEEPALIVE, 1L);  // a call may rightly be silent for hours
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set(CURLOPT_MAXAGE_CONN, static_cast<long>(options.idle_timeout.count()));
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
    set(CURLOPT_USERAGENT, options.user_agent.c_str());
    if (options.proxy) {
      set(CURLOPT_PROXY, options.proxy->c_str());
    } else if (is_local) {
      set(CURLOPT_PROXY, "");  // a proxy has another loopback
    }
    if (!options.ca_file.empty()) {
      set(CURLOPT_CAINFO, options.ca_file.c_str());
    }
    if (!options.ca_path.empty()) {
      set(CURLOPT_CAPATH, options.ca_path.c_str());
    }
    set(CURLOPT_SSL_VERIFYPEER, options.verify_tls ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYHOST, options.verify_tls ? 2L : 0L);
    set(CURLOPT_ERRORBUFFER, error_text_);
    set(CURLOPT_READFUNCTION, &Connection::give_body);
    set(CURLOPT_READDATA, this);
    set(CURLOPT_SEEKFUNCTION, &Connection::refuse_rewind);
    set(CURLOPT_HEADERFUNCTION, &Connection::take_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &Connection::take_body);
    set(CURLOPT_WRITEDATA, this);
    return {};
  }

  Result<> set_headers(const std::string& accept) {
    headers_.reset();
    // "Expect:" alone: a body of any size is sent without asking first.
    const bool complete = append(headers_, "Content-Type: application/json") &&
                          append(headers_, "Accept: " + accept) && append(headers_, "Expect:") &&
                          (client_.authorization_.empty() ||
                           append(headers_, "Authorization: " + client_.authorization_));
    if (!complete) {
      return std::unexpected(Error(ErrorCode::kResourceExhausted, "curl: out of memory")
                                 .wrap(ErrorCode::kCreateRequestFailed));
    }
    set(CURLOPT_HTTPHEADER, headers_.get());
    return {};
  }

  Result<CURLcode> drive(const std::stop_token& stop, Deadline deadline) {
    const std::stop_callback on_stop(stop, [this] { ::curl_multi_wakeup(multi_.get()); });
    ::curl_multi_add_handle(multi_.get(), easy_.get());
    const auto end = transfer(stop, deadline);
    ::curl_multi_remove_handle(multi_.get(), easy_.get());
    return end;
  }

  Result<CURLcode> transfer(const std::stop_token& stop, Deadline deadline) {
    using std::chrono::milliseconds;
    for (int running = 1; running > 0;) {
      CURLMcode code = ::curl_multi_perform(multi_.get(), &running);
      if (code == CURLM_OK && running > 0) {
        if (stop.stop_requested()) {
          return failed(ErrorCode::kCancelled, "cancelled");
        }
        const auto left = std::chrono::ceil<milliseconds>(deadline - Deadline::clock::now());
        if (left <= milliseconds(0)) {
          return failed(ErrorCode::kTimeout, "no answer within http.total_timeout");
        }
        code = ::curl_multi_poll(multi_.get(), nullptr, 0,
                                 static_cast<int>(std::min(left, milliseconds(60'000)).count()),
                                 nullptr);
      }
      if (code != CURLM_OK) {
        return failed(ErrorCode::kInternal, ::curl_multi_strerror(code));
      }
    }
    int left = 0;
    const CURLMsg* const message = ::curl_multi_info_read(multi_.get(), &left);
    if (message == nullptr || message->msg != CURLMSG_DONE) {
      return failed(ErrorCode::kInternal, "curl: a transfer without an end");
    }
    return message->data.result;
  }

  std::unexpected<Error> failed(ErrorCode code, const std::string& text) const {
    return std::unexpected(error(code, text));
  }

  Error error(ErrorCode code, const std::string& text) const {
    return Error(code,
                 (request_->body.data() == nullptr ? "Get \"" : "Post \"") + url_ + "\": " + text)
        .wrap(has_head_ ? ErrorCode::kReadResponseFailed : ErrorCode::kSendRequestFailed);
  }

  static std::size_t give_body(char* buffer, std::size_t size, std::size_t count, void* self) {
    std::string_view& unsent = static_cast<Connection*>(self)->unsent_;
    const std::size_t length = std::min(size * count, unsent.size());
    std::memcpy(buffer, unsent.data(), length);
    unsent.remove_prefix(length);
    return length;
  }

  static int refuse_rewind(void*, curl_off_t, int) { return CURL_SEEKFUNC_FAIL; }

  static std::size_t take_header(char* data, std::size_t, std::size_t size, void* self) {
    return static_cast<Connection*>(self)->header(std::string_view(data, size)) ? size : 0;
  }

  static std::size_t take_body(char* data, std::size_t, std::size_t size, void* self) {
    return static_cast<Connection*>(self)->body(std::string_view(data, size)) ? size : 0;
  }

  bool header(std::string_view line) {
    header_bytes_ += line.size();
    if (header_bytes_ > kMaxHeaderBytes) {
      return refuse("an answer with more than 64 KiB of headers");
    }
    if (line == "\r\n" || line == "\n") {
      long status = 0;
      ::curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
      reply_.status = static_cast<int>(status);
      has_head_ = status >= 200;  // an interim answer is not one
      char* type = nullptr;
      ::curl_easy_getinfo(easy_.get(), CURLINFO_CONTENT_TYPE, &type);
      if (status == 200 && request_->on_line && type != nullptr &&
          std::string_view(type).starts_with("application/x-ndjson")) {
        lines_.emplace(request_->on_line, client_.options_.max_response_bytes);
      }
    }
    return true;
  }

  bool body(std::string_view bytes) {
    if (lines_) {
      const auto added = lines_->add(bytes);
      if (!added) {
        // What the reader itself has found wrong is told as other faults of an answer are.
        const bool is_whole = added.error().is(ErrorCode::kUnmarshalResponseFailed);
        refusal_ = is_whole ? added.error() : error(ErrorCode::kCorrupt, added.error().message());
      }
      return added.has_value();
    }
    if (bytes.size() > client_.options_.max_response_bytes - reply_.body.size()) {
      return refuse("an answer of more than " +
                    std::to_string(client_.options_.max_response_bytes) + " bytes");
    }
    reply_.body.append(bytes);
    return true;
  }

  bool refuse(const std::string& text) {
    refusal_ = error(ErrorCode::kCorrupt, text);
    return false;
  }

  const HttpClient& client_;
  List headers_;
  Easy easy_;
  Multi multi_;

  // Of the call under way.
  const HttpRequest* request_ = nullptr;
  std::string url_;
  HttpReply reply_;
  std::string_view unsent_;
  std::size_t header_bytes_ = 0;
  bool has_head_ = false;
  std::optional<LineReader> lines_;  // of an answer that comes in lines
  std::optional<Error> refusal_;     // why a callback has ended it
  char error_text_[CURL_ERROR_SIZE] = {};
};

// Gives its connection back, whichever way the call ends.
class HttpClient::Lease {
 public:
  Lease(HttpClient& client, std::unique_ptr<Connection> connection)
      : client_(client), connection_(std::move(connection)) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() { client_.release(std::move(connection_)); }
  Connection* operator->() const { return connection_.get(); }

 private:
  HttpClient& client_;
  std::unique_ptr<Connection> connection_;
};

HttpClient::HttpClient(std::string url, std::string authorization, HttpOptions options)
    : url_(std::move(url)),
      authorization_(std::move(authorization)),
      options_(std::move(options)) {}

HttpClient::~HttpClient() = default;

Result<std::unique_ptr<HttpClient::Connection>> HttpClient::acquire(const std::stop_token& stop,
                                                                    Deadline deadline) {
  const std::size_t limit = std::max<std::size_t>(options_.max_connections, 1);
  std::unique_lock lock(mutex_);
  if (!returned_.wait_until(lock, stop, deadline, [&] { return taken_ < limit; })) {
    const bool is_cancelled = stop.stop_requested();
    return std::unexpected(
        Error(is_cancelled ? ErrorCode::kCancelled : ErrorCode::kTimeout,
              is_cancelled ? "cancelled" : "all http.max_connections were busy for too long")
            .wrap(ErrorCode::kSendRequestFailed));
  }
  ++taken_;
  if (idle_.empty()) {
    return nullptr;
  }
  auto connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void HttpClient::release(std::unique_ptr<Connection> connection) {
  {
    const std::lock_guard lock(mutex_);
    --taken_;
    if (connection && idle_.size() < options_.max_idle_connections) {
      idle_.push_back(std::move(connection));
    }
  }
  returned_.notify_one();
}

Result<HttpReply> HttpClient::send(const HttpRequest& request, const std::stop_token& stop) {
  static std::once_flag initialised;
  std::call_once(initialised, [] { ::curl_global_init(CURL_GLOBAL_DEFAULT); });
  const Deadline deadline = Deadline::clock::now() + (options_.total_timeout.count() > 0
                                                          ? options_.total_timeout
                                                          : std::chrono::milliseconds(kForever));
  auto taken = TRY(acquire(stop, deadline));
  if (!taken) {
    auto made = Connection::create(*this);
    if (!made) {
      release(nullptr);
      return std::unexpected(std::move(made).error().wrap(ErrorCode::kCreateRequestFailed));
    }
    taken = *std::move(made);
  }
  const Lease connection(*this, std::move(taken));
  return connection->send(request, stop, deadline);
}

}  // namespace msb::sdk
