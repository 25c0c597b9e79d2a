// SPDX-License-Identifier: Apache-2.0
#include "image/registry/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>

#include "image/printable.h"

namespace msb::image {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { ::curl_url_cleanup(url); }
};
struct FreeText {
  void operator()(char* text) const { ::curl_free(text); }
};

std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (::curl_url_get(url, which, &text, flags) != CURLUE_OK) {
    return {};
  }
  const std::unique_ptr<char, FreeText> owner(text);
  return text;
}

bool is_local_v4(std::uint32_t address) {
  const std::uint32_t first = address >> 24;
  return first == 127 || first == 0 || address >> 16 == 0xa9fe;  // 169.254: cloud metadata
}

bool is_local_v6(const in6_addr& address) {
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    std::uint32_t mapped = 0;
    std::memcpy(&mapped, &address.s6_addr[12], sizeof mapped);
    return is_local_v4(ntohl(mapped));
  }
  return IN6_IS_ADDR_LOOPBACK(&address) || IN6_IS_ADDR_UNSPECIFIED(&address) ||
         IN6_IS_ADDR_LINKLOCAL(&address);
}

// By its text alone; what a name resolves to is looked at when the connection is made.
bool is_local_host(std::string_view host) {
  in_addr v4{};
  in6_addr v6{};
  const std::string text(host);
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) {
    return is_local_v4(ntohl(v4.s_addr));
  }
  if (::inet_pton(AF_INET6, text.c_str(), &v6) == 1) {
    return is_local_v6(v6);
  }
  return is_loopback(host);
}

}  // namespace

Result<Url> Url::parse(const std::string& text) {
  const std::unique_ptr<CURLU, FreeUrl> parsed(::curl_url());
  if (parsed == nullptr || ::curl_url_set(parsed.get(), CURLUPART_URL, text.c_str(),
                                          CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
    return fail(ErrorCode::kCorrupt, "'" + printable(text) + "' is not a URL");
  }
  Url url;
  url.scheme = part(parsed.get(), CURLUPART_SCHEME);
  url.host = part(parsed.get(), CURLUPART_HOST);
  url.port = part(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  url.text = part(parsed.get(), CURLUPART_URL);
  if ((url.scheme != "http" && url.scheme != "https") || url.host.empty()) {
    return fail(ErrorCode::kCorrupt, "'" + printable(text) + "' is not an http or https URL");
  }
  if (url.host.starts_with('[') && url.host.ends_with(']')) {
    url.host = url.host.substr(1, url.host.size() - 2);
  }
  std::ranges::transform(url.host, url.host.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  return url;
}

bool is_loopback(std::string_view host) {
  if (host.ends_with('.')) {
    host.remove_suffix(1);
  }
  if (host == "localhost" || host.ends_with(".localhost")) {
    return true;
  }
  in_addr v4{};
  in6_addr v6{};
  const std::string text(host);
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) {
    return ntohl(v4.s_addr) >> 24 == 127;
  }
  return ::inet_pton(AF_INET6, text.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool is_local_address(const sockaddr& address) {
  // SAFETY: the family says what it is.
  if (address.sa_family == AF_INET) {
    return is_local_v4(ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr));
  }
  return address.sa_family != AF_INET6 ||
         is_local_v6(reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
}

Result<> check_hop(const Url& from, const Url& to, PlainHttp plain_http) {
  if (to.same_origin(from)) {
    return {};
  }
  if (!is_loopback(from.host) && is_local_host(to.host)) {
    return fail(ErrorCode::kPermissionDenied, "'" + printable(from.host) +
                                                  "' points to an address of this machine: '" +
                                                  printable(to.text) + "'");
  }
  if (to.scheme == "http" && !is_loopback(to.host) && plain_http == PlainHttp::kLoopbackOnly) {
    return fail(ErrorCode::kPermissionDenied, "'" + printable(from.host) +
                                                  "' points to an unprotected address: '" +
                                                  printable(to.text) + "'");
  }
  return {};
}

std::string percent_encode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      result += c;
    } else {
      result += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return result;
}

}  // namespace msb::image
