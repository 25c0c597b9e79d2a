// SPDX-License-Identifier: Apache-2.0
#include "cli/table.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace msb::cli {
namespace {

TEST(Table, AlignsColumnsWithoutTrailingBlanks) {
  Table table({"NAME", "SIZE"});
  table.add({"a-long-name", "1 B"});
  table.add({"b", "2 B"});
  EXPECT_EQ(table.text(),
            "NAME         SIZE\n"
            "a-long-name  1 B\n"
            "b            2 B\n");
}

TEST(SizeText, PicksTheUnitThatReadsBest) {
  EXPECT_EQ(size_text(0), "0 B");
  EXPECT_EQ(size_text(1023), "1023 B");
  EXPECT_EQ(size_text(1024), "1.0 KiB");
  EXPECT_EQ(size_text(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(size_text(std::uint64_t{3} << 29), "1.5 GiB");
  EXPECT_EQ(size_text(std::numeric_limits<std::uint64_t>::max()), "16777216.0 TiB");
}

}  // namespace
}  // namespace msb::cli
