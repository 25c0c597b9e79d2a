// SPDX-License-Identifier: Apache-2.0
//
// Content addresses. Only sha256 is accepted: it is what every registry and tool uses, and the one
// whose names cannot be mistaken for anything else in a path.
#pragma once

#include <compare>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/try.h"

namespace msb::image {

// "sha256:" and 64 lower-case hex digits; hex() is therefore safe as a file name.
class Digest {
 public:
  // kCorrupt names the rule.
  static Result<Digest> parse(std::string_view text);
  static Digest of(std::string_view content);

  const std::string& str() const { return text_; }
  std::string_view hex() const { return std::string_view(text_).substr(7); }
  friend auto operator<=>(const Digest&, const Digest&) = default;

 private:
  friend class Hasher;
  explicit Digest(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// sha256 of bytes as they pass by.
class Hasher {
 public:
  Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  ~Hasher();

  void update(std::span<const std::byte> bytes);
  // Once; the hasher starts anew.
  Digest finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// The library beneath takes itself down when the program exits, when threads of ours may still
// hash. Not after this: before the first hash, and before anything else of the program has used
// that library.
void hash_until_the_end();

// The rest of a file, from its current position.
Result<Digest> digest_of_file(int fd);

}  // namespace msb::image
