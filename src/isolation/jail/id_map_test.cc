// SPDX-License-Identifier: Apache-2.0
#include "isolation/jail/id_map.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>

namespace msb::isolation::jail {
namespace {

constexpr IdRange kRange = range_of_slot(3);

std::optional<std::uint32_t> map(const IdMap& extents, std::uint32_t on_disk) {
  for (const IdExtent& extent : extents) {
    if (on_disk >= extent.inside && on_disk - extent.inside < extent.count) {
      return extent.outside + (on_disk - extent.inside);
    }
  }
  return std::nullopt;
}

std::uint64_t size(const IdMap& extents) {
  std::uint64_t total = 0;
  for (const IdExtent& extent : extents) {
    total += extent.count;
  }
  return total;
}

TEST(IdMap, SlotsDoNotOverlap) {
  EXPECT_EQ(range_of_slot(0).base, kStoreBase);
  EXPECT_EQ(range_of_slot(1).base, kStoreBase + 65536);
  EXPECT_EQ(to_text(sandbox_map(range_of_slot(1))), "0 1879113728 65536\n");
}

TEST(IdMap, AVolumesOwnerAppearsAsTheSandboxesUser) {
  const IdMap extents = volume_map(kRange, 501, 1000);
  EXPECT_EQ(map(extents, 501), kRange.base + 1000);
  EXPECT_EQ(map(extents, kStoreBase + 0), kRange.base + 0);
  EXPECT_EQ(map(extents, kStoreBase + 999), kRange.base + 999);
  EXPECT_EQ(map(extents, kStoreBase + 1000), std::nullopt);
  EXPECT_EQ(map(extents, kStoreBase + 1001), kRange.base + 1001);
  EXPECT_EQ(map(extents, 0), std::nullopt);
  EXPECT_EQ(size(extents), kRange.count);
}

TEST(IdMap, TheFirstAndTheLastUserWorkToo) {
  EXPECT_EQ(to_text(volume_map(kRange, 0, 0)), "0 1879244800 1\n1879048193 1879244801 65535\n");
  const IdMap last = volume_map(kRange, 0, 65535);
  EXPECT_EQ(map(last, 0), kRange.base + 65535);
  EXPECT_EQ(size(last), kRange.count);
}

TEST(IdMap, AnOwnerInTheStoresRangeChangesPlaces) {
  const IdMap extents = volume_map(kRange, kStoreBase + 7, 1000);
  EXPECT_EQ(map(extents, kStoreBase + 7), kRange.base + 1000);
  EXPECT_EQ(map(extents, kStoreBase + 1000), kRange.base + 7);
  EXPECT_EQ(map(extents, kStoreBase + 8), kRange.base + 8);
  EXPECT_EQ(size(extents), kRange.count);
  const IdMap same = volume_map(kRange, kStoreBase + 1000, 1000);
  EXPECT_EQ(same, store_map(kRange));
}

TEST(IdMap, EveryMapIsOneToOne) {
  for (const std::uint32_t owner : {0u, 1000u, kStoreBase, kStoreBase + 1, kStoreBase + 65535}) {
    for (const std::uint32_t user : {0u, 1u, 1000u, 65535u}) {
      const IdMap extents = volume_map(kRange, owner, user);
      std::set<std::uint32_t> outside;
      for (const IdExtent& extent : extents) {
        for (std::uint32_t i = 0; i < extent.count; ++i) {
          EXPECT_TRUE(outside.insert(extent.outside + i).second);
        }
      }
      EXPECT_EQ(outside.size(), kRange.count);
      EXPECT_EQ(*outside.begin(), kRange.base);
      EXPECT_EQ(map(extents, owner), kRange.base + user);
    }
  }
}

}  // namespace
}  // namespace msb::isolation::jail
