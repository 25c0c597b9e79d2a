// SPDX-License-Identifier: Apache-2.0
#include "image/registry/session.h"

#include <algorithm>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "image/json.h"
#include "image/printable.h"

namespace msb::image {
namespace {

constexpr std::size_t kMaxAnswerBytes = 64 * 1024;  // of errors and pings
constexpr std::size_t kMaxTokenBytes = 1024 * 1024;

// The name people use is not the host that serves.
std::string host_of(const std::string& registry) {
  return registry == "docker.io" ? "registry-1.docker.io" : registry;
}

// What is tried, in order. A registry on this machine rarely has a certificate.
std::vector<std::string> candidates_of(const std::string& registry, PlainHttp plain_http) {
  const std::string host = host_of(registry);
  const auto url = Url::parse("http://" + host + "/");
  if (url && is_loopback(url->host)) {
    return {"http://" + host, "https://" + host};
  }
  if (plain_http == PlainHttp::kAllowed) {
    return {"https://" + host, "http://" + host};
  }
  return {"https://" + host};
}

bool answers_as_registry(const HttpHead& head) {
  return head.status == 200 || head.status == 401 ||
         head.headers.contains("docker-distribution-api-version");
}

// A header must stay one line.
bool is_one_line(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

// {"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}
std::string message_of(std::string_view body) {
  const auto document = json::parse(body, "answer");
  if (!document) {
    return {};
  }
  const json::Value& errors = json::member(*document, "errors");
  if (!errors.is_array() || errors.empty()) {
    return {};
  }
  const auto message = json::string(errors.front(), "message");
  const auto code = json::string(errors.front(), "code");
  return printable(message && !message->empty() ? *message : code.value_or(""));
}

}  // namespace

Session::Session(Session&& other) noexcept
    : reference_(std::move(other.reference_)),
      http_(other.http_),
      base_(std::move(other.base_)),
      authorization_(std::move(other.authorization_)),
      credentials_(std::move(other.credentials_)) {}

Result<Session> Session::open(const Reference& reference, HttpClient http, std::stop_token stop) {
  std::optional<Error> first_error;
  for (const std::string& base : candidates_of(reference.registry, http.options().plain_http)) {
    HttpRequest ping;
    ping.url = base + "/v2/";
    ping.stop = stop;
    const auto answer = http.fetch(ping, kMaxAnswerBytes);
    if (answer && answers_as_registry(answer->head)) {
      Session session(reference, http, base);
      session.credentials_ = TRY(load_credentials(reference.registry));
      if (answer->head.status == 401) {
        static_cast<void>(TRY(session.authorize(answer->head, "", stop)));
      }
      return session;
    }
    if (!answer && answer.error().is(ErrorCode::kCancelled)) {
      return std::unexpected(answer.error());
    }
    // One that has answered says more than one that could not be spoken to.
    if (!first_error || (first_error->cause() == ErrorCode::kUnavailable && !answer &&
                         answer.error().cause() != ErrorCode::kUnavailable)) {
      first_error = answer ? Error(ErrorCode::kUnavailable, "it is no registry: " + base +
                                                                "/v2/ answers with status " +
                                                                std::to_string(answer->head.status))
                           : answer.error();
    }
  }
  MSB_CHECK(first_error);  // there is always a candidate
  return std::unexpected(first_error->wrap("registry " + reference.registry));
}

std::string Session::url_of(const std::string& path) const {
  return base_ + "/v2/" + reference_.repository + "/" + path;
}

std::string Session::authorization() {
  const std::lock_guard guard(mutex_);
  return authorization_;
}

Result<HttpResponse> Session::fetch(const std::string& path, HttpRequest request,
                                    std::size_t max_bytes) {
  HttpResponse response;
  request.timeout = http_.options().document_timeout;
  TRY(stream(path, std::move(request), collect(response, max_bytes)));
  return response;
}

Result<> Session::stream(const std::string& path, HttpRequest request,
                         const HttpReceiver& receiver) {
  request.url = url_of(path);
  for (int attempt = 0;; ++attempt) {
    request.authorization = authorization();
    HttpHead refused;
    std::string refusal;
    const HttpReceiver sorted{.on_head = [&](const HttpHead& head) -> Result<> {
                                if (head.status < 400 || head.status == 416) {
                                  return receiver.on_head(head);
                                }
                                refused = head;
                                return {};
                              },
                              .on_body = [&](std::span<const std::byte> bytes) -> Result<> {
                                if (refused.status == 0) {
                                  return receiver.on_body(bytes);
                                }
                                const std::size_t room = kMaxAnswerBytes - refusal.size();
                                refusal += base::text_of(bytes).substr(0, room);
                                return {};
                              }};
    TRY(http_.stream(request, sorted));
    if (refused.status == 0) {
      return {};
    }
    if (refused.status != 401 || attempt > 0 ||
        !TRY(authorize(refused, request.authorization, request.stop))) {
      return std::unexpected(error_of(refused, refusal));
    }
  }
}

Result<bool> Session::authorize(const HttpHead& refused, const std::string& used,
                                std::stop_token stop) {
  const std::lock_guard guard(mutex_);
  if (authorization_ != used) {
    return true;  // another thread has renewed it meanwhile
  }
  for (const std::string& header : refused.challenges) {
    for (const Challenge& challenge : parse_challenges(header)) {
      if (challenge.scheme == "bearer" && !challenge.parameter("realm").empty()) {
        const std::string token = TRY_WRAP(request_token(challenge, credentials_, stop),
                                           "log in to " + reference_.registry);
        authorization_ = "Bearer " + token;
        return authorization_ != used;
      }
      if (challenge.scheme == "basic" && !credentials_.user.empty() && used.empty()) {
        authorization_ = "Basic " + base64_encode(credentials_.user + ":" + credentials_.password);
        return true;
      }
    }
  }
  return false;
}

Result<std::string> Session::request_token(const Challenge& challenge,
                                           const Credentials& credentials, std::stop_token stop) {
  const std::string realm = challenge.parameter("realm");
  const Url from = TRY(Url::parse(base_));
  const Url to = TRY_WRAP(Url::parse(realm), "token service");
  TRY_WRAP(check_hop(from, to, http_.options().plain_http), "token service");
  const std::string scope = "repository:" + reference_.repository + ":pull";
  std::string query = "scope=" + percent_encode(scope);
  if (const std::string service = challenge.parameter("service"); !service.empty()) {
    query += "&service=" + percent_encode(service);
  }
  HttpRequest request;
  request.stop = std::move(stop);
  request.url = to.text;
  request.chosen_host = from.host;
  if (!credentials.identity_token.empty()) {
    request.form = "grant_type=refresh_token&client_id=microsandbox&refresh_token=" +
                   percent_encode(credentials.identity_token) + "&" + query;
  } else {
    request.url += (realm.find('?') == std::string::npos ? "?" : "&") + query;
    if (!credentials.user.empty()) {
      request.authorization =
          "Basic " + base64_encode(credentials.user + ":" + credentials.password);
    }
  }
  const HttpResponse response = TRY(http_.fetch(request, kMaxTokenBytes));
  if (response.head.status == 401 || response.head.status == 403) {
    return std::unexpected(login_error());
  }
  if (response.head.status != 200) {
    return fail(ErrorCode::kUnavailable, "the token service " + printable(to.host) +
                                             " answers with status " +
                                             std::to_string(response.head.status));
  }
  const json::Value document = TRY(json::parse(response.body, "token"));
  std::string token = TRY(json::string(document, "token"));
  if (token.empty()) {
    token = TRY(json::string(document, "access_token"));
  }
  if (token.empty() || !is_one_line(token)) {
    return fail(ErrorCode::kCorrupt, "the token service " + printable(to.host) + " gave no token");
  }
  return token;
}

Error Session::login_error() const {
  const std::string login =
      "docker login" + (reference_.registry == "docker.io" ? "" : " " + reference_.registry);
  if (!credentials_.helper.empty()) {
    return {ErrorCode::kPermissionDenied,
            "the login for " + reference_.registry + " is kept by docker-credential-" +
                printable(credentials_.helper) +
                ", which is not asked; put it into the 'auths' of ~/.docker/config.json"};
  }
  if (credentials_.usable()) {
    return {
        ErrorCode::kPermissionDenied,
        "the registry refuses the login in ~/.docker/config.json; renew it with '" + login + "'"};
  }
  return {ErrorCode::kPermissionDenied, "the image does not exist or needs a login: '" + login +
                                            "' (it is read from ~/.docker/config.json)"};
}

Error Session::error_of(const HttpHead& head, std::string_view body) const {
  const std::string message = message_of(body);
  const std::string says = message.empty()
                               ? "the registry answers with status " + std::to_string(head.status)
                               : "the registry says: " + message;
  if (head.status == 401) {
    return login_error();
  }
  if (head.status == 403) {
    return {ErrorCode::kPermissionDenied, says};
  }
  if (head.status == 404) {
    return {ErrorCode::kNotFound, says};
  }
  if (head.status == 429) {
    return {ErrorCode::kResourceExhausted, says + " (too many requests; wait, or log in)"};
  }
  return {head.status >= 500 ? ErrorCode::kUnavailable : ErrorCode::kInvalidArgument, says};
}

}  // namespace msb::image
