// SPDX-License-Identifier: Apache-2.0
#include "isolation/tier.h"

#include <algorithm>
#include <utility>

namespace msb::isolation {
namespace {

constexpr std::string_view kJail = "jail";
constexpr std::string_view kMicrovm = "microvm";
constexpr std::string_view kOciPrefix = "oci:";
// A closed list: each is driven in a way of its own, and a program of any other name would be run
// as the host's root.
constexpr std::string_view kOciRuntimes[] = {"crun", "runc", "runsc"};
constexpr std::size_t kMaxShownBytes = 64;

}  // namespace

Result<Tier> parse_tier(std::string_view text) {
  if (text == kJail) {
    return Tier{};
  }
  if (text == kMicrovm) {
    return Tier{.kind = Tier::Kind::kMicrovm, .runtime = {}};
  }
  if (text.starts_with(kOciPrefix)) {
    const auto* const runtime = std::ranges::find(kOciRuntimes, text.substr(kOciPrefix.size()));
    if (runtime != std::end(kOciRuntimes)) {
      return Tier{.kind = Tier::Kind::kOci, .runtime = std::string(*runtime)};
    }
  }
  std::string rule = "isolation '" + std::string(text.substr(0, kMaxShownBytes)) +
                     "': must be one of " + std::string(kJail);
  for (const std::string_view runtime : kOciRuntimes) {
    rule.append(", ").append(kOciPrefix).append(runtime);
  }
  rule.append(", ").append(kMicrovm);
  return fail(ErrorCode::kInvalidArgument, std::move(rule));
}

std::string to_text(const Tier& tier) {
  switch (tier.kind) {
    case Tier::Kind::kJail:
      break;
    case Tier::Kind::kOci:
      return std::string(kOciPrefix) + tier.runtime;
    case Tier::Kind::kMicrovm:
      return std::string(kMicrovm);
  }
  return std::string(kJail);
}

Result<std::vector<Tier>> parse_tiers(const std::vector<std::string>& texts) {
  std::vector<Tier> tiers;
  tiers.reserve(texts.size());
  for (const std::string& text : texts) {
    tiers.push_back(TRY(parse_tier(text)));
  }
  return tiers;
}

Result<> check_allowed(const Tier& tier, const std::vector<Tier>& allowed) {
  if (allowed.empty() || std::ranges::find(allowed, tier) != allowed.end()) {
    return {};
  }
  std::string message = "isolation '" + to_text(tier) + "': is not allowed here; allowed:";
  for (const Tier& each : allowed) {
    message.append(" ").append(to_text(each));
  }
  return fail(ErrorCode::kPermissionDenied, std::move(message));
}

}  // namespace msb::isolation
