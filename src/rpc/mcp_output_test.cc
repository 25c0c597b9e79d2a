// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "rpc/mcp.h"

namespace msb::rpc {
namespace {

Json line(std::string text) {
  return {{"stream", "stdout"}, {"text", std::move(text)}};
}

Json run_of(Json lines) {
  return {{"status", "success"}, {"output", std::move(lines)}};
}

TEST(ShortenedOutput, LeavesAloneWhatIsShortOrNoRun) {
  const Json run = run_of({line("a"), line("b")});
  EXPECT_EQ(with_shortened_output(run), run);
  EXPECT_EQ(with_shortened_output("Sandbox x started successfully"),
            "Sandbox x started successfully");
  EXPECT_EQ(with_shortened_output({{"output", 1}}), (Json{{"output", 1}}));
}

TEST(ShortenedOutput, KeepsBothEndsAndCountsTheRest) {
  constexpr int kLines = 20'000;
  Json lines = Json::array();
  std::size_t all_bytes = 0;
  for (int i = 0; i < kLines; ++i) {
    lines.push_back(line("line " + std::to_string(i)));
    all_bytes += std::to_string(i).size() + 6;
  }
  const Json result = with_shortened_output(run_of(lines));
  const Json& kept = result["output"];
  EXPECT_LT(to_text(kept).size(), 2 * kMaxToolOutputBytes);
  EXPECT_EQ(kept.front(), lines.front());
  EXPECT_EQ(kept.back(), lines.back());
  std::size_t kept_bytes = 0;
  std::size_t markers = 0;
  for (const Json& one : kept) {
    if (one["stream"] == "stderr") {
      ++markers;
      const std::string number = std::to_string(result["left_out_bytes"].get<std::size_t>());
      EXPECT_TRUE(one["text"].get<std::string>().starts_with("[" + number + " bytes"));
    } else {
      kept_bytes += one["text"].get<std::string>().size() + 1;
    }
  }
  EXPECT_EQ(markers, 1U);
  EXPECT_EQ(kept_bytes + result["left_out_bytes"].get<std::size_t>(), all_bytes);
}

TEST(ShortenedOutput, CutsALineThatIsTooLongBetweenCharacters) {
  std::string text;
  while (text.size() < 3 * kMaxToolOutputBytes) {
    text += "\u20ac";  // three bytes
  }
  const Json result = with_shortened_output(run_of({line(text), line("end")}));
  const Json& kept = result["output"];
  ASSERT_EQ(kept.size(), 3U);
  const std::string piece = kept[0]["text"];
  EXPECT_EQ(piece.size() % 3, 0U);
  EXPECT_TRUE(text.starts_with(piece));
  EXPECT_EQ(kept[2], line("end"));
  EXPECT_EQ(result["left_out_bytes"].get<std::size_t>(), text.size() + 1 - piece.size());
}

}  // namespace
}  // namespace msb::rpc
