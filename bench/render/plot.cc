// SPDX-License-Identifier: Apache-2.0
#include "bench/render/plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "bench/number.h"
#include "bench/render/axis.h"

namespace msb::bench {
namespace {

// Pixels.
constexpr double kWidth = 1000;
constexpr double kNames = 330;   // left of the axis
constexpr double kNumbers = 90;  // right of it
constexpr double kRow = 30;
constexpr double kTitle = 44;  // above the rows of a panel
constexpr double kTicks = 44;  // below them
constexpr double kBar = 8;
constexpr double kDots = 14;  // how far they spread, to be told apart
constexpr std::size_t kMaxDots = 120;

constexpr std::string_view kStyle =
    "text{font:14px system-ui,'DejaVu Sans',sans-serif;fill:#24292f}"
    ".title{font-weight:600;font-size:16px}.number{font-weight:600}.end{text-anchor:end}"
    ".tick{font-size:12px;fill:#57606a;text-anchor:middle}.grid{stroke:#d8dee4}"
    ".dots{fill:none;stroke-width:3.4;stroke-linecap:round;stroke-opacity:.35}"
    ".bar{fill-opacity:.45}.median{stroke-width:2.6}"
    ".ours .dots,.ours .median{stroke:#0550ae}.ours .bar{fill:#0550ae}.ours text{fill:#0550ae}"
    ".theirs .dots,.theirs .median{stroke:#6e7781}.theirs .bar{fill:#6e7781}";

// One decimal is enough for a pixel.
std::string px(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value);
  return text.data();
}

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string text_at(double x, double y, std::string_view style, std::string_view text) {
  return "<text class=\"" + std::string(style) + "\" x=\"" + px(x) + "\" y=\"" + px(y) + "\">" +
         escaped(text) + "</text>\n";
}

std::string line(std::string_view style, double x, double top, double bottom) {
  return "<path class=\"" + std::string(style) + "\" d=\"M" + px(x) + " " + px(top) + "V" +
         px(bottom) + "\"/>\n";
}

// Evenly spread over the ranks, so that of many samples the picture is the same.
std::string dots(const Samples& samples, const LogAxis& axis, double y) {
  const std::size_t count = std::min(samples.size(), kMaxDots);
  std::string path;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t rank = count == 1 ? 0 : i * (samples.size() - 1) / (count - 1);
    // The golden ratio scatters neighbours, the same way each time.
    const double scatter = std::fmod(static_cast<double>(i) * 0.618, 1.0) - 0.5;
    path +=
        "M" + px(kNames + axis.at(samples.values()[rank])) + " " + px(y + scatter * kDots) + "h0";
  }
  return "<path class=\"dots\" d=\"" + path + "\"/>\n";
}

std::string row(const Series& series, const LogAxis& axis, double y) {
  const Samples& samples = series.samples;
  const double from = kNames + axis.at(samples.percentile(0.25));
  const double to = kNames + axis.at(samples.percentile(0.75));
  const double median = kNames + axis.at(samples.median());
  std::string svg =
      std::string("<g class=\"") + (series.whose == Whose::kOurs ? "ours" : "theirs") + "\">\n";
  svg += text_at(kNames - 14, y + 5, "end", series.name);
  svg += dots(samples, axis, y);
  svg += "<rect class=\"bar\" x=\"" + px(from) + "\" y=\"" + px(y - kBar / 2) + "\" width=\"" +
         px(std::max(1.0, to - from)) + "\" height=\"" + px(kBar) + "\"/>\n";
  svg += line("median", median, y - kRow / 3, y + kRow / 3);
  svg += text_at(kWidth - 16, y + 5, "number end", number(samples.median()));
  return svg + "</g>\n";
}

std::vector<const Series*> measured(const Comparison& comparison) {
  std::vector<const Series*> all;
  for (const Series& series : comparison.series) {
    if (!series.samples.empty() && series.samples.min() > 0) {
      all.push_back(&series);
    }
  }
  return all;
}

// Appends a panel below `top`; where it ends.
double append_panel(std::string& svg, const Comparison& comparison,
                    const std::vector<const Series*>& all, double top) {
  double smallest = all.front()->samples.min();
  double largest = all.front()->samples.max();
  for (const Series* series : all) {
    smallest = std::min(smallest, series->samples.min());
    largest = std::max(largest, series->samples.max());
  }
  const LogAxis axis(smallest, largest, kWidth - kNames - kNumbers);
  const double first = top + kTitle;
  const double bottom = first + kRow * static_cast<double>(all.size());
  svg += text_at(16, top + 26, "title", comparison.title);
  svg += text_at(kWidth - 16, top + 26, "end", "median, " + comparison.unit);
  for (const double tick : axis.ticks()) {
    svg += line("grid", kNames + axis.at(tick), first, bottom);
    svg += text_at(kNames + axis.at(tick), bottom + 17, "tick", number(tick));
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    svg += row(*all[i], axis, first + kRow * (static_cast<double>(i) + 0.5));
  }
  return bottom + kTicks;
}

}  // namespace

std::string plot_svg(const Report& report, const std::vector<std::string_view>& ids) {
  std::string body;
  double height = 0;
  for (const std::string_view id : ids) {
    for (const Comparison& comparison : report.comparisons) {
      const std::vector<const Series*> all = measured(comparison);
      if (comparison.id == id && !all.empty()) {
        height = append_panel(body, comparison, all, height);
      }
    }
  }
  const std::string size = "width=\"" + px(kWidth) + "\" height=\"" + px(height) + "\"";
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" " + size + " viewBox=\"0 0 " + px(kWidth) +
         " " + px(height) + "\">\n<style>" + std::string(kStyle) + "</style>\n<rect " + size +
         " fill=\"#fff\"/>\n" + body + "</svg>\n";
}

}  // namespace msb::bench
