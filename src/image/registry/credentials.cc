// SPDX-License-Identifier: Apache-2.0
#include "image/registry/credentials.h"

#include <openssl/evp.h>

#include <cstdlib>
#include <optional>
#include <vector>

#include "base/file.h"
#include "image/json.h"

namespace msb::image {
namespace {

constexpr std::size_t kMaxConfigFileBytes = 1u << 20;
constexpr std::size_t kMaxAuthBytes = 64 * 1024;

std::optional<std::string> base64_decode(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) {
    text.remove_suffix(1);
  }
  if (text.empty() || text.size() % 4 != 0 || text.size() > kMaxAuthBytes) {
    return std::nullopt;
  }
  std::string bytes(text.size() / 4 * 3, '\0');
  // SAFETY: unsigned char may alias char.
  const int count = ::EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                      reinterpret_cast<const unsigned char*>(text.data()),
                                      static_cast<int>(text.size()));
  if (count < 0) {
    return std::nullopt;
  }
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  bytes.resize(static_cast<std::size_t>(count) - padding);
  return bytes;
}

// The spellings under which docker, podman and others store one registry.
std::vector<std::string> keys_of(const std::string& registry) {
  if (registry == "docker.io") {
    return {"https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"};
  }
  return {registry,
          "https://" + registry,
          "http://" + registry,
          "https://" + registry + "/",
          "http://" + registry + "/",
          "https://" + registry + "/v1/",
          "https://" + registry + "/v2/"};
}

Result<Credentials> parse_entry(const json::Value& entry) {
  Credentials credentials;
  credentials.user = TRY(json::string(entry, "username"));
  credentials.password = TRY(json::string(entry, "password"));
  credentials.identity_token = TRY(json::string(entry, "identitytoken"));
  const std::string auth = TRY(json::string(entry, "auth"));
  if (!auth.empty()) {
    const auto decoded = base64_decode(auth);
    const std::size_t colon = decoded ? decoded->find(':') : std::string::npos;
    if (!decoded || colon == std::string::npos) {
      return fail(ErrorCode::kCorrupt, "an 'auth' is not user:password in base64");
    }
    credentials.user = decoded->substr(0, colon);
    credentials.password = decoded->substr(colon + 1);
  }
  return credentials;
}

}  // namespace

Result<Credentials> find_credentials(std::string_view config_json, const std::string& registry) {
  const json::Value document = TRY(json::parse(config_json, "docker config"));
  const json::Value& auths = json::member(document, "auths");
  const json::Value& helpers = json::member(document, "credHelpers");
  for (const std::string& key : keys_of(registry)) {
    if (const json::Value& entry = json::member(auths, key.c_str()); entry.is_object()) {
      Credentials credentials = TRY_WRAP(parse_entry(entry), "docker config");
      if (credentials.usable()) {
        return credentials;
      }
    }
  }
  Credentials elsewhere;
  for (const std::string& key : keys_of(registry)) {
    if (elsewhere.helper.empty()) {
      elsewhere.helper = TRY_WRAP(json::string(helpers, key.c_str()), "docker config");
    }
  }
  if (elsewhere.helper.empty()) {
    elsewhere.helper = TRY_WRAP(json::string(document, "credsStore"), "docker config");
  }
  return elsewhere;
}

Result<Credentials> load_credentials(const std::string& registry) {
  const char* const folder = std::getenv("DOCKER_CONFIG");
  const char* const home = std::getenv("HOME");
  std::string path;
  if (folder != nullptr && *folder != '\0') {
    path = std::string(folder) + "/config.json";
  } else if (home != nullptr) {
    path = std::string(home) + "/.docker/config.json";
  }
  const auto content =
      path.empty() ? Result<std::string>("{}") : base::read_file(path, kMaxConfigFileBytes);
  if (!content) {
    if (content.error().is(ErrorCode::kNotFound)) {
      return Credentials{};
    }
    return std::unexpected(content.error());
  }
  return TRY_WRAP(find_credentials(*content, registry), path);
}

std::string base64_encode(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  // SAFETY: unsigned char may alias char. The function ends its output with a NUL.
  const int count = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                      reinterpret_cast<const unsigned char*>(bytes.data()),
                                      static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(count));
  return text;
}

}  // namespace msb::image
