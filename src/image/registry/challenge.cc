// SPDX-License-Identifier: Apache-2.0
#include "image/registry/challenge.h"

#include "image/registry/lower_case.h"

namespace msb::image {
namespace {

constexpr std::size_t kMaxChallenges = 16;
constexpr std::size_t kMaxParameters = 32;

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool at_end() const { return text_.empty(); }
  void skip(std::string_view set) {
    text_.remove_prefix(std::min(text_.find_first_not_of(set), text_.size()));
  }
  bool take(char c) {
    if (!text_.starts_with(c)) {
      return false;
    }
    text_.remove_prefix(1);
    return true;
  }
  std::string_view token() {
    const std::string_view found = text_.substr(0, text_.find_first_of(" \t,=\"\r\n"));
    text_.remove_prefix(found.size());
    return found;
  }
  std::string quoted() {  // after the opening quote
    std::string value;
    while (!text_.empty() && !text_.starts_with('"')) {
      if (text_.starts_with('\\') && text_.size() > 1) {
        text_.remove_prefix(1);
      }
      value += text_.front();
      text_.remove_prefix(1);
    }
    take('"');
    return value;
  }

 private:
  std::string_view text_;
};

}  // namespace

std::string Challenge::parameter(const std::string& name) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? "" : found->second;
}

// A word followed by '=' is a parameter of the challenge before it, any other word a new scheme.
std::vector<Challenge> parse_challenges(std::string_view header) {
  std::vector<Challenge> challenges;
  Scanner scanner(header);
  for (;;) {
    scanner.skip(" \t,\r\n");
    if (scanner.at_end()) {
      return challenges;
    }
    const std::string_view word = scanner.token();
    scanner.skip(" \t");
    if (scanner.take('=')) {
      scanner.skip(" \t");
      std::string value = scanner.take('"') ? scanner.quoted() : std::string(scanner.token());
      if (!challenges.empty() && challenges.back().parameters.size() < kMaxParameters) {
        challenges.back().parameters.emplace(lower_case(word), std::move(value));
      }
      continue;
    }
    if (word.empty()) {
      scanner.take('"');  // Nothing a challenge begins with: passed over.
      continue;
    }
    if (challenges.size() == kMaxChallenges) {
      return challenges;
    }
    challenges.push_back({lower_case(word), {}});
  }
}

}  // namespace msb::image
