// SPDX-License-Identifier: Apache-2.0
#include "isolation/warden/rootless_ids.h"

#include <gtest/gtest.h>

namespace msb::isolation::warden {
namespace {

TEST(RootlessIds, FindsTheUserByNameOrNumber) {
  constexpr std::string_view kTable = "root:1:5\nann:100000:65536\n1001:200000:65536\n";
  EXPECT_EQ(find_subordinate_ids(kTable, "ann", 1000), (SubordinateIds{100000, 65535}));
  EXPECT_EQ(find_subordinate_ids(kTable, "bob", 1001), (SubordinateIds{200000, 65535}));
  EXPECT_EQ(find_subordinate_ids(kTable, "eve", 1002), std::nullopt);
}

TEST(RootlessIds, PassesOverWhatIsTooSmallOrMalformed) {
  constexpr std::string_view kTable =
      "ann:1:1000\nann\nann:\nann:x:y\nann:-5:65536\nann:300000:65536";
  EXPECT_EQ(find_subordinate_ids(kTable, "ann", 1000), (SubordinateIds{300000, 65535}));
}

}  // namespace
}  // namespace msb::isolation::warden
