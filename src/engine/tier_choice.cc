// SPDX-License-Identifier: Apache-2.0
#include "engine/tier_choice.h"

#include <utility>

namespace msb::engine {

Result<TierChoice> TierChoice::create(const std::vector<std::string>& allowed) {
  return TierChoice(TRY(isolation::parse_tiers(allowed)));
}

Result<isolation::Tier> TierChoice::choose(std::string_view text) const {
  if (text.empty()) {
    return allowed_.empty() ? isolation::Tier{} : allowed_.front();
  }
  isolation::Tier tier = TRY(isolation::parse_tier(text));
  TRY(isolation::check_allowed(tier, allowed_));
  return tier;
}

}  // namespace msb::engine
