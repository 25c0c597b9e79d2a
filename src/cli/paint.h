// SPDX-License-Identifier: Apache-2.0
//
// Colour, where it is seen: on a terminal that knows it, unless NO_COLOR is set (no-color.org).
#pragma once

#include <string>
#include <string_view>

namespace msb::cli {

class Paint {
 public:
  explicit Paint(int fd);

  std::string good(std::string_view text) const { return in("32", text); }
  std::string weak(std::string_view text) const { return in("33", text); }
  std::string bad(std::string_view text) const { return in("31", text); }
  std::string strong(std::string_view text) const { return in("1", text); }
  std::string faint(std::string_view text) const { return in("2", text); }

 private:
  std::string in(std::string_view attribute, std::string_view text) const;

  bool enabled_;
};

}  // namespace msb::cli
