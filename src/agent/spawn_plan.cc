// SPDX-License-Identifier: Apache-2.0
#include "agent/spawn_plan.h"

namespace msb::agent {

Result<SpawnPlan> plan_process(const wire::Configure& settings, const Overrides& overrides) {
  SpawnPlan plan;
  plan.identity = TRY(find_identity(overrides.user.empty() ? settings.user : overrides.user));
  plan.workdir = overrides.workdir.empty() ? settings.workdir : overrides.workdir;
  if (plan.workdir.empty()) {
    plan.workdir = "/";
  }
  plan.env.merge(settings.env);
  plan.env.merge(overrides.env);
  plan.env.set_default("PATH", kDefaultPath);
  plan.env.set_default("HOME", plan.identity.home);
  return plan;
}

}  // namespace msb::agent
