// SPDX-License-Identifier: Apache-2.0
#include "cli/paint.h"

#include <unistd.h>

#include <cstdlib>

namespace msb::cli {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets it
  return value != nullptr ? value : "";
}

}  // namespace

Paint::Paint(int fd)
    : enabled_(environment("NO_COLOR").empty() && environment("TERM") != "dumb" &&
               ::isatty(fd) == 1) {}

std::string Paint::in(std::string_view attribute, std::string_view text) const {
  if (!enabled_) {
    return std::string(text);
  }
  std::string painted = "\033[";
  return painted.append(attribute).append("m").append(text).append("\033[0m");
}

}  // namespace msb::cli
