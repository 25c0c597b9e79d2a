// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "isolation/cgroup/backend.h"
#include "isolation/cgroup/process_share.h"

namespace msb::isolation::cgroup {

// Version 1: one hierarchy per controller (or per few), each with the same small tree. In the
// hybrid layout there is one more, of version 2, that carries no controller, but a freezer.
class V1Backend final : public Backend {
 public:
  V1Backend(const Places& places, const std::string& engine_id);

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
  bool v2() const override { return false; }

 private:
  Result<> claim(const std::string& engine_folder);
  Result<> make_groups(const std::string& id);
  Result<> limit_memory(const std::string& id, std::uint64_t from_bytes, std::uint64_t to_bytes);
  Result<> limit_cpus(const std::string& id, double cpus);
  Result<> limit_processes(const std::string& id, std::uint32_t max_processes);
  Result<> set_weight(const std::string& id, CpuWeight weight);
  Result<> set_limits(const std::string& id, const Limits& limits);
  // The sandbox's folder in the hierarchy of `controller`; empty when there is none.
  std::string folder(std::string_view controller, const std::string& id) const;

  std::map<std::string, std::string, std::less<>> engine_folders_;  // by controller
  std::string freezer_;                           // the engine's folder of version 2; empty: none
  std::map<std::string, base::UniqueFd> claims_;  // by engine folder, each hierarchy once
  std::map<std::string, Place> parents_;          // by folder, each hierarchy once
  bool counts_swap_ = false;
  // Found when the engine starts, in the host's pid namespace.
  std::optional<std::uint64_t> process_share_ = host_process_share();
};

}  // namespace msb::isolation::cgroup
