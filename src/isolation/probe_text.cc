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

std::string to_text(const HostProbe& probe) {
  std::string text;
  for (const Finding& finding : probe.findings) {
    text.append(kLevels[static_cast<std::size_t>(finding.level)]);
    for (const std::string* field : {&finding.topic, &finding.detail, &finding.remedy}) {
      text.append("\t").append(one_line(*field));
    }
    text.append("\n");
  }
  return text;
}

Result<HostProbe> parse_probe(std::string_view text) {
  HostProbe probe;
  probe.jail_usable = true;
  for (const auto line : std::views::split(text, '\n')) {
    if (line.empty()) {
      continue;
    }
    std::vector<std::string> fields;
    for (const auto field : std::views::split(line, '\t')) {
      fields.emplace_back(field.begin(), field.end());
    }
    const auto level = std::ranges::find(kLevels, fields.front());
    if (fields.size() != 4 || level == kLevels.end()) {
      return fail(ErrorCode::kCorrupt, "findings of msb-warden: line '" + fields.front() + "'");
    }
    Finding finding{std::move(fields[1]), static_cast<Finding::Level>(level - kLevels.begin()),
                    std::move(fields[2]), std::move(fields[3])};
    // What a sandbox cannot do without.
    probe.jail_usable = probe.jail_usable && finding.level != Finding::Level::kMissing;
    probe.findings.push_back(std::move(finding));
  }
  if (probe.findings.empty()) {
    return fail(ErrorCode::kCorrupt, "findings of msb-warden: none");
  }
  return probe;
}

}  // namespace msb::isolation
