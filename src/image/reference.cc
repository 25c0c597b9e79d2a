// SPDX-License-Identifier: Apache-2.0
#include "image/reference.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>

#include "base/parse.h"
#include "image/printable.h"

namespace msb::image {
namespace {

constexpr std::size_t kMaxNameBytes = 255;
constexpr std::size_t kMaxTagBytes = 128;
constexpr std::string_view kDefaultRegistry = "docker.io";

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_alphanumeric(char c) {
  return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

// alphanumeric runs joined by '.', '_', '__' or any number of '-'
bool is_path_component(std::string_view component) {
  if (component.empty() || !is_lower_or_digit(component.front()) ||
      !is_lower_or_digit(component.back())) {
    return false;
  }
  for (std::size_t at = 0; at < component.size();) {
    if (is_lower_or_digit(component[at])) {
      ++at;
      continue;
    }
    const std::size_t end = std::min(
        component.size(),
        static_cast<std::size_t>(std::ranges::find_if(component.substr(at), is_lower_or_digit) -
                                 component.substr(at).begin()) +
            at);
    const std::string_view separator = component.substr(at, end - at);
    if (separator != "." && separator != "_" && separator != "__" &&
        separator.find_first_not_of('-') != std::string_view::npos) {
      return false;
    }
    at = end;
  }
  return true;
}

bool is_host(std::string_view host) {
  if (host.starts_with('[')) {
    if (!host.ends_with(']') ||
        host.find_first_not_of("[]0123456789abcdefABCDEF:.") != std::string_view::npos) {
      return false;
    }
    const std::string address(host.substr(1, host.size() - 2));
    in6_addr parsed{};
    return ::inet_pton(AF_INET6, address.c_str(), &parsed) == 1;
  }
  while (true) {
    const std::size_t dot = host.find('.');
    const std::string_view label = host.substr(0, dot);
    const bool valid =
        !label.empty() && is_alphanumeric(label.front()) && is_alphanumeric(label.back()) &&
        std::ranges::all_of(label, [](char c) { return is_alphanumeric(c) || c == '-'; });
    if (!valid || dot == std::string_view::npos) {
      return valid;
    }
    host.remove_prefix(dot + 1);
  }
}

bool is_registry(std::string_view registry) {
  const std::size_t colon = registry.rfind(':');
  const bool has_port = colon != std::string_view::npos && !registry.ends_with(']');
  if (has_port) {
    const auto port = base::parse_number<std::uint16_t>(registry.substr(colon + 1));
    if (!port || *port == 0) {
      return false;
    }
    registry = registry.substr(0, colon);
  }
  return is_host(registry);
}

bool is_tag(std::string_view tag) {
  return !tag.empty() && tag.size() <= kMaxTagBytes && tag.front() != '.' && tag.front() != '-' &&
         std::ranges::all_of(
             tag, [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

// What tells "host/name" from "user/name". Docker takes a name with capitals for a host as well;
// here it is refused, because in lower case it would be another image.
bool looks_like_registry(std::string_view first) {
  return first.find_first_of(".:") != std::string_view::npos || first == "localhost";
}

std::unexpected<Error> broken(std::string_view text, std::string_view rule) {
  return fail(ErrorCode::kInvalidArgument,
              "image reference '" + printable(text) + "': " + std::string(rule));
}

}  // namespace

Result<Reference> Reference::parse(std::string_view text) {
  const std::string_view whole = text;
  if (text.empty()) {
    return broken(whole, "it is empty");
  }
  Reference reference;
  if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
    auto digest = Digest::parse(text.substr(at + 1));
    if (!digest) {
      return broken(whole, "after '@' comes a digest: sha256: and 64 lower-case hex digits");
    }
    reference.digest = std::move(*digest);
    text = text.substr(0, at);
  }
  const std::size_t slash = text.rfind('/');
  const std::size_t name_start = slash == std::string_view::npos ? 0 : slash + 1;
  if (const std::size_t colon = text.find(':', name_start); colon != std::string_view::npos) {
    const std::string_view tag = text.substr(colon + 1);
    if (!is_tag(tag)) {
      return broken(whole,
                    "a tag is 1 to 128 of [A-Za-z0-9_.-] and does not begin with '.' or '-'");
    }
    reference.tag = tag;
    text = text.substr(0, colon);
  }
  const std::size_t first_slash = text.find('/');
  if (first_slash != std::string_view::npos && looks_like_registry(text.substr(0, first_slash))) {
    reference.registry = text.substr(0, first_slash);
    text = text.substr(first_slash + 1);
    if (!is_registry(reference.registry)) {
      return broken(whole, "the registry is not host or host:port");
    }
    std::ranges::transform(reference.registry, reference.registry.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (reference.registry == "index.docker.io") {
      reference.registry = kDefaultRegistry;
    }
  } else {
    reference.registry = kDefaultRegistry;
  }
  reference.repository = text;
  if (reference.registry == kDefaultRegistry && text.find('/') == std::string_view::npos) {
    reference.repository = "library/" + std::string(text);
  }
  while (true) {
    const std::size_t end = text.find('/');
    if (!is_path_component(text.substr(0, end))) {
      return broken(whole,
                    "a repository name is lower-case letters and digits, joined by '.', '_', '__', "
                    "'-' or '/'");
    }
    if (end == std::string_view::npos) {
      break;
    }
    text.remove_prefix(end + 1);
  }
  if (reference.name().size() > kMaxNameBytes) {
    return broken(whole, "the name is longer than 255 characters");
  }
  if (reference.tag.empty() && !reference.digest) {
    reference.tag = "latest";
  }
  return reference;
}

std::string Reference::str() const {
  std::string text = name();
  if (!tag.empty()) {
    text += ":" + tag;
  }
  if (digest) {
    text += "@" + digest->str();
  }
  return text;
}

}  // namespace msb::image
