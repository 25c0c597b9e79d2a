// SPDX-License-Identifier: Apache-2.0
#include "engine/tier_choice.h"

#include <algorithm>
#include <utility>

namespace msb::engine {

Result<TierChoice> TierChoice::create(const std::vector<std::string>& allowed) {
  std::vector<isolation::Tier> tiers;
  tiers.reserve(allowed.size());
  for (const std::string& text : allowed) {
    tiers.push_back(TRY(isolation::parse_tier(text)));
  }
  return TierChoice(std::move(tiers));
}

Result<isolation::Tier> TierChoice::choose(std::string_view text) const {
  if (text.empty()) {
    return allowed_.empty() ? isolation::Tier{} : allowed_.front();
  }
  isolation::Tier tier = TRY(isolation::parse_tier(text));
  if (allowed_.empty() || std::ranges::find(allowed_, tier) != allowed_.end()) {
    return tier;
  }
  std::string message = "isolation '" + std::string(text) + "': is not allowed here; allowed:";
  for (const isolation::Tier& each : allowed_) {
    message.append(" ").append(isolation::to_text(each));
  }
  return fail(ErrorCode::kPermissionDenied, std::move(message));
}

}  // namespace msb::engine
