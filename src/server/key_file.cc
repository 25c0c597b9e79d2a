// SPDX-License-Identifier: Apache-2.0
#include "server/key_file.h"

#include "base/file.h"
#include "server/random_text.h"

namespace msb::server {
namespace {

constexpr std::size_t kNewKeyChars = 32;
constexpr unsigned kOwnerOnly = 0600;

std::string path_of(const std::string& home) {
  return home + "/server.key";
}

}  // namespace

Result<std::string> read_server_key(const std::string& home) {
  auto key = base::read_file(path_of(home), kMaxServerKeyBytes);
  if (!key && key.error().cause() == ErrorCode::kNotFound) {
    return fail(ErrorCode::kNotFound,
                "Server key file not found. Make sure the server is running in secure mode.");
  }
  if (key && key->empty()) {
    return fail(ErrorCode::kCorrupt, "the server's key file is empty; start with --reset-key");
  }
  return key;
}

Result<std::string> obtain_server_key(const std::string& home, const KeyChoice& choice) {
  if (choice.key && (choice.key->empty() || choice.key->size() > kMaxServerKeyBytes)) {
    return fail(ErrorCode::kInvalidArgument, "a server key is 1 to 4096 bytes");
  }
  if (!choice.key && !choice.reset) {
    auto kept = read_server_key(home);
    if (kept || kept.error().cause() != ErrorCode::kNotFound) {
      return kept;
    }
  }
  std::string key = choice.key ? *choice.key : TRY(random_text(kNewKeyChars));
  TRY(base::write_file_atomic(path_of(home), key, kOwnerOnly));
  return key;
}

}  // namespace msb::server
