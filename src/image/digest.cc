// SPDX-License-Identifier: Apache-2.0
#include "image/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/hex.h"
#include "base/sys.h"
#include "image/printable.h"

namespace msb::image {

Result<Digest> Digest::parse(std::string_view text) {
  const bool well_formed = text.size() == 7 + 64 && text.starts_with("sha256:") &&
                           std::ranges::all_of(text.substr(7), [](char c) {
                             return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                           });
  if (!well_formed) {
    return fail(ErrorCode::kCorrupt,
                "'" + printable(text) + "' is not a digest: sha256: and 64 lower-case hex digits");
  }
  return Digest(std::string(text));
}

Digest Digest::of(std::string_view content) {
  Hasher hasher;
  hasher.update(base::bytes_of(content));
  return hasher.finish();
}

void hash_until_the_end() {
  MSB_CHECK(OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr) == 1);
}

struct Hasher::Context {
  Context() : evp(EVP_MD_CTX_new()) {
    MSB_CHECK(evp != nullptr);
    MSB_CHECK(EVP_DigestInit_ex(evp, EVP_sha256(), nullptr) == 1);
  }
  ~Context() { EVP_MD_CTX_free(evp); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  EVP_MD_CTX* evp;
};

Hasher::Hasher() : context_(std::make_unique<Context>()) {}
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::update(std::span<const std::byte> bytes) {
  MSB_CHECK(EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()) == 1);
}

Digest Hasher::finish() {
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  MSB_CHECK(EVP_DigestFinal_ex(context_->evp, hash, &size) == 1);
  MSB_CHECK(EVP_DigestInit_ex(context_->evp, EVP_sha256(), nullptr) == 1);
  return Digest("sha256:" + base::hex_of(std::as_bytes(std::span(hash, size))));
}

Result<Digest> digest_of_file(int fd) {
  Hasher hasher;
  std::vector<std::byte> buffer(256 * 1024);
  for (;;) {
    const std::size_t count = TRY(base::sys::read(fd, buffer));
    if (count == 0) {
      return hasher.finish();
    }
    hasher.update(std::span(buffer).first(count));
  }
}

}  // namespace msb::image
