// SPDX-License-Identifier: Apache-2.0
//
// The sandboxes of one warden, from the clone of their first process to the end of their last.
//
//            create()                 agent executed                first process dead
//   (none) ──────────► building ─────────────────► running ──┐
//                         │                                   ├──► ending ──────────► (none)
//                         └── set-up failed, killed, ... ─────┘     cgroups and identity given back
//
// The death of the first process is the death of all: it is the init of their pid namespace.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/try.h"
#include "base/unique_fd.h"
#include "isolation/cgroup/backend.h"
#include "isolation/jail/jail.h"
#include "isolation/jail/status_report.h"
#include "isolation/warden/event_loop.h"
#include "isolation/warden/identities.h"
#include "isolation/warden/protocol.h"
#include "isolation/warden/spare.h"
#include "isolation/warden/volume_roots.h"

namespace msb::isolation::warden {

// What all sandboxes of a warden share.
struct Ground {
  base::UniqueFd home;
  base::UniqueFd agent;
  std::string staging_path;
  std::string libexec;  // the folder of our own programs
  jail::Powers powers;
  std::unique_ptr<cgroup::Backend> cgroups;
  Identities identities;
  std::vector<std::string> weaknesses;  // beside those of the cgroups
  VolumeRoots volume_roots;
  std::vector<Tier> tiers;  // that sandboxes may have; none: any
};

// Where replies go.
class ReplySink {
 public:
  virtual void send(const Reply& reply, std::span<const int> fds) = 0;

 protected:
  ~ReplySink() = default;
};

class Sandboxes {
 public:
  Sandboxes(Ground ground, EventLoop& loop, ReplySink& replies);
  Sandboxes(const Sandboxes&) = delete;
  Sandboxes& operator=(const Sandboxes&) = delete;
  // Kills all and waits for them.
  ~Sandboxes();

  // Each is answered, now or later.
  void create(CreateRequest request, std::vector<base::UniqueFd> volume_fds);
  void adjust(const AdjustRequest& request);
  void freeze(const FreezeRequest& request);
  void destroy(const DestroyRequest& request);
  void sweep(const SweepRequest& request);

 private:
  struct Sandbox;

  Result<> adjust_spare(const AdjustRequest& request);
  Result<> start(CreateRequest request, std::vector<base::UniqueFd> volume_fds);
  Result<> begin_motion(const FreezeRequest& request);
  void await_motion(const FreezeRequest& request, int attempt);
  void kill(const std::string& id);
  void on_status(Sandbox& sandbox);
  void on_death(Sandbox& sandbox);
  void finish(const std::string& id, int attempt);
  void reply_created(Sandbox& sandbox, const jail::StatusReport& ready);
  void reply_failed(std::uint32_t request, Error error);

  Ground ground_;
  EventLoop& loop_;
  ReplySink& replies_;
  std::unordered_map<std::string, std::unique_ptr<Sandbox>> sandboxes_;
};

}  // namespace msb::isolation::warden
