// SPDX-License-Identifier: Apache-2.0
#include "isolation/probe_text.h"

#include <algorithm>
#include <array>
#include <ranges>
#include <vector>

namespace msb::isolation {
namespace {

constexpr std::array<std::string_view, 3> kLevels = {"good", "weak", "missing"};

std::string one_line(std::string text) {
  std::ranges::replace_if(text, [](char c) { return c == '\t' || c == '\n'; }, ' ');
  return text;
}

}  // namespace

std::string to_text(const std::vector<TierProbe>& tiers) {
  std::string text;
  for (const TierProbe& tier : tiers) {
    for (const Finding& finding : tier.findings) {
      text.append(tier.tier).append("\t");
      text.append(kLevels[static_cast<std::size_t>(finding.level)]);
      for (const std::string* field : {&finding.topic, &finding.detail, &finding.remedy}) {
        text.append("\t").append(one_line(*field));
      }
      text.append("\n");
    }
  }
  return text;
}

Result<std::vector<TierProbe>> parse_probe(std::string_view text) {
  std::vector<TierProbe> tiers;
  for (const auto line : std::views::split(text, '\n')) {
    if (line.empty()) {
      continue;
    }
    std::vector<std::string> fields;
    for (const auto field : std::views::split(line, '\t')) {
      fields.emplace_back(field.begin(), field.end());
    }
    const auto level = fields.size() == 5 ? std::ranges::find(kLevels, fields[1]) : kLevels.end();
    if (level == kLevels.end()) {
      return fail(ErrorCode::kCorrupt, "findings of msb-warden: line '" + fields.front() + "'");
    }
    if (tiers.empty() || tiers.back().tier != fields[0]) {
      tiers.push_back({.tier = std::move(fields[0]), .findings = {}});
    }
    tiers.back().findings.push_back({std::move(fields[2]),
                                     static_cast<Finding::Level>(level - kLevels.begin()),
                                     std::move(fields[3]), std::move(fields[4])});
  }
  if (tiers.empty()) {
    return fail(ErrorCode::kCorrupt, "findings of msb-warden: none");
  }
  return tiers;
}

}  // namespace msb::isolation
