// SPDX-License-Identifier: Apache-2.0
//
// Which tiers the sandboxes of an engine may have, and which one they have unless they say.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "isolation/tier.h"

namespace msb::engine {

class TierChoice {
 public:
  // The first is the default. None: any tier, by default the jail.
  static Result<TierChoice> create(const std::vector<std::string>& allowed);

  // Of a sandbox's config; empty: the default. kInvalidArgument: not a tier. kPermissionDenied: not
  // of those that are allowed.
  Result<isolation::Tier> choose(std::string_view text) const;

 private:
  explicit TierChoice(std::vector<isolation::Tier> allowed) : allowed_(std::move(allowed)) {}

  std::vector<isolation::Tier> allowed_;
};

}  // namespace msb::engine
