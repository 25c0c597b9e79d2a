// SPDX-License-Identifier: Apache-2.0
#include "bench/render/plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace msb::bench {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Report sample(std::size_t count) {
  std::vector<double> values;
  for (std::size_t i = 0; i < count; ++i) {
    values.push_back(1 + static_cast<double>(i));
  }
  Report report;
  report.comparisons.push_back({"start",
                                "start → <hi> & \"more\"",
                                "ms",
                                "",
                                {{"start.a", "A", Whose::kOurs, Samples(values), ""},
                                 {"start.b", "B", Whose::kTheirs, Samples(), "not installed"}}});
  return report;
}

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string_view::npos; ++at) {
    ++found;
  }
  return found;
}

TEST(Plot, EverySampleIsADotAndTheMedianANumber) {
  const std::string svg = plot_svg(sample(9), {"start"});
  EXPECT_EQ(count(svg, "h0"), 9U);
  EXPECT_THAT(svg, HasSubstr(">5</text>"));
}

TEST(Plot, OfManySamplesItShowsAsManyAsCanBeSeen) {
  EXPECT_LE(count(plot_svg(sample(5000), {"start"}), "h0"), 120U);
}

TEST(Plot, ItsTextIsEscaped) {
  EXPECT_THAT(plot_svg(sample(1), {"start"}),
              HasSubstr("start → &lt;hi&gt; &amp; &quot;more&quot;"));
}

TEST(Plot, LeavesOutWhatHasNoSamples) {
  EXPECT_THAT(plot_svg(sample(3), {"start"}), Not(HasSubstr(">B<")));
  EXPECT_THAT(plot_svg(sample(3), {"another"}), Not(HasSubstr("<g")));
}

}  // namespace
}  // namespace msb::bench
