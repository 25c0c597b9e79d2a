// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "isolation/cgroup/backend.h"
#include "isolation/cgroup/process_share.h"

namespace msb::isolation::cgroup {

// Version 2: one tree, whose inner groups hold no processes.
class V2Backend final : public Backend {
 public:
  V2Backend(const Place& place, const std::string& engine_id, pid_t engine_pid);

  Result<> make(const std::string& id, const Limits& limits, CpuWeight weight) override;
  Result<> adjust(const std::string& id, const Limits& from, const Limits& to) override;
  Result<base::UniqueFd> birth_folder(const std::string& id) override;
  Result<> enter(const std::string& id) override;
  Result<> set_motion(const std::string& id, Motion motion) override;
  Result<bool> is_frozen(const std::string& id) override;
  void open_gauges(const std::string& id, SandboxGauges& gauges) override;
  bool ran_out_of_memory(const std::string& id) override;
  bool ran_out_of_processes(const std::string& id) override;
  Result<bool> remove(const std::string& id) override;
  void remove_engine() override;
  void sweep() override;
  bool v2() const override { return true; }

  // The group beneath which the engine's own is made; empty when no group will do.
  const std::string& parent() const { return parent_; }

  // Sets the limits of an existing group.
  Result<> set_limits(const std::string& folder, const Limits& limits) const;

 private:
  Result<> make_engine();
  Result<> set_weight(const std::string& folder, CpuWeight weight) const;
  std::string folder(const std::string& id) const { return engine_folder_ + "/" + id; }

  Place place_;
  std::string parent_;
  std::string engine_folder_;
  base::UniqueFd claim_;
  std::string controllers_;  // as written to cgroup.subtree_control: "+cpu +memory +pids"
  // Found when the engine starts, in the host's pid namespace.
  std::optional<std::uint64_t> process_share_ = host_process_share();
};

}  // namespace msb::isolation::cgroup
