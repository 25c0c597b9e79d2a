// SPDX-License-Identifier: Apache-2.0
//
// Columns for people: as wide as their widest cell, two spaces apart, no trailing blanks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace msb::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> heads) { add(std::move(heads)); }
  // As many cells as there are heads.
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// "17 B", "4.0 KiB", "1.5 GiB".
std::string size_text(std::uint64_t bytes);

}  // namespace msb::cli
