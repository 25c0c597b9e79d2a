// SPDX-License-Identifier: Apache-2.0
//
// The parts of one reading of an audit.
#pragma once

#include <string>
#include <vector>

#include "base/try.h"
#include "engine/audit.h"
#include "isolation/host_traces.h"
#include "isolation/process_table.h"

namespace msb::engine {

// What all parts are compared with.
struct AuditGround {
  std::string home;
  std::vector<LivingEngine> engines;
  isolation::ProcessTable processes;
  std::vector<isolation::EngineGroupTrace> groups;

  bool lives(const std::string& engine_id) const;
};

inline constexpr const char* kNextStartRemoves =
    "the next sandbox that is started in this home removes it";

// Locks and processes: who lives.
AuditGround survey(const std::string& home);

AuditTopic audit_processes(const AuditGround& ground);
AuditTopic audit_groups(const AuditGround& ground);
AuditTopic audit_uid_ranges(const AuditGround& ground);
AuditTopic audit_listeners(const AuditGround& ground);
AuditTopic audit_mounts(const AuditGround& ground);
AuditTopic audit_loop_devices(const AuditGround& ground);
AuditTopic audit_folders(const AuditGround& ground);
AuditTopic audit_database(const AuditGround& ground);
AuditTopic audit_server(const AuditGround& ground);

}  // namespace msb::engine
