// SPDX-License-Identifier: Apache-2.0
#include "cli/pull_progress.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace msb::cli {
namespace {

using Stage = ImageProgress::Stage;

ImageProgress layer(char digit, Stage stage, std::uint64_t done = 0, std::uint64_t total = 0) {
  ImageProgress progress;
  progress.item = "sha256:" + std::string(64, digit);
  progress.stage = stage;
  progress.done_bytes = done;
  progress.total_bytes = total;
  return progress;
}

TEST(ProgressRows, ShowOneBarForEachLayer) {
  const auto rows = progress_rows({layer('a', Stage::kDownload, 1 << 19, 1 << 20),
                                   layer('b', Stage::kDone, 10, 10), layer('c', Stage::kResolve)},
                                  100, 10);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0], "aaaaaaaaaaaa  downloading  [============            ] 512.0 KiB / 1.0 MiB");
  EXPECT_EQ(rows[1], "bbbbbbbbbbbb  done        ");
  EXPECT_EQ(rows[2], "cccccccccccc  waiting     ");
}

TEST(ProgressRows, NeverAreWiderThanTheTerminal) {
  for (const auto& row : progress_rows({layer('a', Stage::kDownload, 1, 2)}, 20, 10)) {
    EXPECT_LE(row.size(), 20U);
  }
}

TEST(ProgressRows, LeaveFinishedLayersOutWhenTheyDoNotFit) {
  std::vector<ImageProgress> layers(30, layer('a', Stage::kDone));
  layers.resize(50, layer('b', Stage::kUnpack));
  const auto rows = progress_rows(layers, 80, 5);
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_NE(rows[0].find("unpacking"), std::string::npos);
  EXPECT_EQ(rows[4], "30 of 50 layers done");
}

TEST(ProgressRows, SurviveMoreBytesThanPromised) {
  const auto rows = progress_rows({layer('a', Stage::kDownload, 300, 200)}, 100, 5);
  EXPECT_NE(rows[0].find("[========================]"), std::string::npos);
}

TEST(ShortDigest, IsTwelveDigits) {
  EXPECT_EQ(short_digest("sha256:0123456789abcdef"), "0123456789ab");
  EXPECT_EQ(short_digest("no digest"), "no digest");
}

}  // namespace
}  // namespace msb::cli
