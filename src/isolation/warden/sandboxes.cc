// SPDX-License-Identifier: Apache-2.0
#include "isolation/warden/sandboxes.h"

#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <tuple>
#include <utility>

#include "base/sys.h"
#include "isolation/jail/first_process.h"
#include "isolation/microvm/host_needs.h"
#include "isolation/microvm/machine_jail.h"
#include "isolation/microvm/request.h"
#include "isolation/microvm/supervisor.h"
#include "isolation/oci/complaints.h"
#include "isolation/oci/container.h"

namespace msb::isolation::warden {
namespace {

namespace sys = base::sys;

constexpr auto kIdPidfd = static_cast<idtype_t>(3);  // P_PIDFD
// Longer than msb-vm's own.
constexpr std::chrono::seconds kHaltPatience{10};

// Runtimes end with this and the signal that has ended what they ran.
constexpr int kSignalledStatus = 128;

// Reaps. The exit status or the signal.
SandboxExit reap(int pidfd) {
  SandboxExit result;
  siginfo_t info{};
  while (::waitid(kIdPidfd, static_cast<id_t>(pidfd), &info, WEXITED) < 0 && errno == EINTR) {
  }
  result.cause = info.si_code == CLD_EXITED ? SandboxExit::Cause::kAgentExited
                                            : SandboxExit::Cause::kAgentKilled;
  result.code = info.si_status;
  if (result.cause == SandboxExit::Cause::kAgentExited && result.code > kSignalledStatus) {
    result.cause = SandboxExit::Cause::kAgentKilled;
    result.code -= kSignalledStatus;
  }
  return result;
}

// What the guest may have, and what the program that it runs under takes itself.
Limits limits_with_overhead(const CreateRequest& request) {
  Limits limits = request.limits;
  if (request.tier.kind == Tier::Kind::kOci) {
    limits.max_processes += oci::find_runtime(request.tier.runtime).own_processes;
  }
  if (request.machine) {
    limits = microvm::limits_around(limits);
  }
  return limits;
}

microvm::Request machine_of(MachineEntry entry, const std::string& libexec) {
  microvm::Request request;
  request.image_digest = std::move(entry.image_digest);
  request.libexec = libexec;
  switch (entry.begin) {
    case MachineSpec::Begin::kBoot:
      request.memory = microvm::Memory::kOwn;
      break;
    case MachineSpec::Begin::kClone:
      request.memory = microvm::Memory::kClone;
      break;
  }
  request.template_folder = std::move(entry.template_folder);
  return request;
}

[[noreturn]] void build_sandbox(jail::Plan& plan) {
  switch (plan.tier.kind) {
    case Tier::Kind::kJail:
      jail::run(plan);
    case Tier::Kind::kOci:
      oci::run(plan);
    case Tier::Kind::kMicrovm:
      microvm::run(plan);
  }
  ::_exit(1);
}

}  // namespace

struct Sandboxes::Sandbox {
  std::string id;
  const Identity* identity = nullptr;
  base::UniqueFd pidfd;
  EventLoop::Watch death_watch = 0;

  // While it is being built.
  std::uint32_t create_request = 0;
  base::UniqueFd status;
  EventLoop::Watch status_watch = 0;
  base::UniqueFd stream;  // the engine's end
  base::UniqueFd orders;  // likewise, of a machine
  bool is_machine = false;
  std::optional<Limits> after_boot;  // of a machine that boots with others
  std::optional<jail::StatusReport> ready;
  base::UniqueFd writable_gauge;
  std::optional<Error> failure;
  bool building = true;

  std::optional<Spare> spare;  // until it is adjusted
  base::UniqueFd complaints;   // of the program that the sandbox runs under, if it has one

  // While it ends.
  std::vector<std::uint32_t> destroy_requests;
  SandboxExit exit;
};

Sandboxes::Sandboxes(Ground ground, EventLoop& loop, ReplySink& replies)
    : ground_(std::move(ground)), loop_(loop), replies_(replies) {}

Sandboxes::~Sandboxes() {
  for (const auto& [id, sandbox] : sandboxes_) {
    if (sandbox->pidfd) {
      [[maybe_unused]] const auto killed = sys::pidfd_send_signal(sandbox->pidfd.get(), SIGKILL);
    }
  }
  for (const auto& [id, sandbox] : sandboxes_) {
    if (sandbox->pidfd) {
      reap(sandbox->pidfd.get());
    }
    cgroup::remove_patiently(*ground_.cgroups, id);
  }
  ground_.cgroups->remove_engine();
}

void Sandboxes::create(CreateRequest request, std::vector<base::UniqueFd> volume_fds) {
  const std::uint32_t number = request.request;
  if (auto started = start(std::move(request), std::move(volume_fds)); !started) {
    reply_failed(number, std::move(started).error());
  }
}

Result<> Sandboxes::start(CreateRequest request, std::vector<base::UniqueFd> volume_fds) {
  TRY(validate(request, volume_fds.size()));
  if (sandboxes_.contains(request.id)) {
    return fail(ErrorCode::kAlreadyExists, "id '" + request.id + "': a sandbox has it");
  }
  TRY(check_allowed(request.tier, ground_.tiers));
  for (std::size_t i = 0; i < volume_fds.size(); ++i) {
    volume_fds[i] = TRY_WRAP(ground_.volume_roots.admit(std::move(volume_fds[i])),
                             "volume '" + request.volumes[i].guest_path + "'");
  }
  auto [our_stream, agent_stream] = TRY(sys::socketpair(AF_UNIX, SOCK_STREAM));
  auto [our_status, jail_status] = TRY(sys::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK));

  oci::Complaints complaints;
  if (request.tier.kind == Tier::Kind::kOci) {
    complaints = TRY(oci::open_complaints());
  }
  base::UniqueFd our_orders;
  base::UniqueFd machine_orders;
  if (request.machine) {
    TRY(microvm::check_host(ground_.powers.is_root));
    std::tie(our_orders, machine_orders) = TRY(sys::socketpair(AF_UNIX, SOCK_SEQPACKET));
  }

  const Limits limits = limits_with_overhead(request);
  const Limits first = request.machine ? microvm::limits_while_booting(limits) : limits;
  const Identity* identity = TRY(ground_.identities.take());
  auto made = ground_.cgroups->make(
      request.id, first, request.is_spare ? cgroup::CpuWeight::kLeast : cgroup::CpuWeight::kNormal);
  if (!made) {
    ground_.identities.give_back(*identity);
    return made;
  }
  const auto clone_it = [&]() -> Result<jail::FirstProcess> {
    return jail::clone_first_process(TRY(ground_.cgroups->birth_folder(request.id)));
  };
  auto cloned = clone_it();
  if (!cloned) {
    [[maybe_unused]] const auto removed = ground_.cgroups->remove(request.id);
    ground_.identities.give_back(*identity);
    return std::unexpected(std::move(cloned).error());
  }
  if (cloned->pid == 0) {
    jail::Plan plan;
    plan.id = std::move(request.id);
    plan.hostname = std::move(request.hostname);
    plan.layers = std::move(request.layers);
    plan.writable = std::move(request.writable);
    plan.limits = request.limits;
    for (std::size_t i = 0; i < volume_fds.size(); ++i) {
      plan.volumes.push_back({std::move(volume_fds[i]), std::move(request.volumes[i].guest_path),
                              request.volumes[i].read_only});
    }
    plan.volume_uid = request.volume_uid;
    plan.volume_gid = request.volume_gid;
    plan.tier = request.tier;
    plan.is_spare = request.is_spare;
    plan.powers = ground_.powers;
    plan.range = identity->range;
    plan.cgroups = ground_.cgroups.get();
    plan.staging_path = ground_.staging_path;
    plan.home = ground_.home.get();
    plan.agent = ground_.agent.get();
    plan.stream = agent_stream.get();
    plan.status = jail_status.get();
    plan.complaints = complaints.theirs.get();
    plan.user_namespace = identity->user_namespace.get();
    plan.layer_map = identity->layer_map.get();
    microvm::Request machine;
    if (request.machine) {
      machine = machine_of(*std::move(request.machine), ground_.libexec);
      plan.machine = &machine;
      plan.orders = machine_orders.get();
    }
    build_sandbox(plan);
  }

  auto sandbox = std::make_unique<Sandbox>();
  Sandbox* const it = sandbox.get();
  it->id = request.id;
  it->identity = identity;
  it->pidfd = std::move(cloned->pidfd);
  it->create_request = request.request;
  it->status = std::move(our_status);
  it->stream = std::move(our_stream);
  it->complaints = std::move(complaints.ours);
  it->orders = std::move(our_orders);
  it->is_machine = request.tier.is_machine();
  if (first.cpus != limits.cpus) {
    it->after_boot = limits;
  }
  if (request.is_spare) {
    it->spare = Spare{.limits = request.limits, .host_name = {}, .shared_memory = {}};
  }
  sandboxes_.emplace(it->id, std::move(sandbox));
  // From here on the sandbox answers for itself; a failing watch ends it like any other death.
  auto death = loop_.watch(it->pidfd.get(), [this, it] { on_death(*it); });
  auto status = loop_.watch(it->status.get(), [this, it] { on_status(*it); });
  if (!death || !status) {
    it->failure = death ? status.error() : death.error();
    [[maybe_unused]] const auto killed = sys::pidfd_send_signal(it->pidfd.get(), SIGKILL);
    on_death(*it);
    return {};
  }
  it->death_watch = *death;
  it->status_watch = *status;
  return {};
}

void Sandboxes::on_status(Sandbox& sandbox) {
  for (;;) {
    auto message = sys::receive_message(sandbox.status.get(), jail::kMaxStatusBytes);
    if (!message) {
      if (message.error().sys_errno() == EAGAIN) {
        return;
      }
      sandbox.failure = std::move(message).error();
      break;
    }
    if (message->bytes.empty()) {
      break;  // executed, or dead
    }
    auto report = jail::StatusReport::decode(message->bytes);
    if (!report) {
      sandbox.failure = std::move(report).error();
    } else if (report->kind == jail::StatusReport::Kind::kFailed) {
      sandbox.failure = std::move(report->error);
    } else {
      sandbox.ready = std::move(*report);
      if (!message->fds.empty()) {
        sandbox.writable_gauge = std::move(message->fds.front());
      }
      if (sandbox.spare && message->fds.size() == 3) {
        sandbox.spare->host_name = std::move(message->fds[1]);
        sandbox.spare->shared_memory = std::move(message->fds[2]);
      }
    }
  }
  loop_.remove(sandbox.status.get(), sandbox.status_watch);
  sandbox.status.reset();
  if (sandbox.ready && !sandbox.failure && sandbox.after_boot) {
    const Limits& limits = *sandbox.after_boot;
    auto adjusted =
        ground_.cgroups->adjust(sandbox.id, microvm::limits_while_booting(limits), limits);
    if (!adjusted) {
      sandbox.failure = std::move(adjusted).error();
      kill(sandbox.id);
    }
  }
  if (sandbox.ready && !sandbox.failure) {
    reply_created(sandbox, *sandbox.ready);
  }
  // Otherwise the process is dead or dying, and its death answers.
}

void Sandboxes::reply_created(Sandbox& sandbox, const jail::StatusReport& ready) {
  SandboxGauges gauges;
  ground_.cgroups->open_gauges(sandbox.id, gauges);
  CreatedReply reply;
  reply.request = sandbox.create_request;
  reply.cgroup_v2 = gauges.cgroup_v2;
  reply.disk_limited = ready.disk_limited;
  const auto add_weaknesses = [&reply](const std::vector<std::string>& list) {
    for (const std::string& weakness : list) {
      if (reply.weaknesses.size() < kMaxWeaknesses) {
        reply.weaknesses.push_back(weakness);
      }
    }
  };
  add_weaknesses(ground_.weaknesses);
  add_weaknesses(ground_.cgroups->weaknesses());
  add_weaknesses(ready.weaknesses);
  std::vector<int> fds = {sandbox.stream.get()};
  const auto add = [&](const base::UniqueFd& fd, GaugeBit bit) {
    if (fd) {
      reply.gauges |= bit;
      fds.push_back(fd.get());
    }
  };
  add(gauges.memory_current, kMemoryCurrent);
  add(gauges.memory_stat, kMemoryStat);
  add(gauges.memory_events, kMemoryEvents);
  add(gauges.cpu_usage, kCpuUsage);
  add(gauges.pids_events, kPidsEvents);
  add(sandbox.writable_gauge, kWritableLayer);
  add(sandbox.orders, kOrders);
  replies_.send(reply, fds);
  sandbox.building = false;
  // The engine has them now; a copy here would keep the stream and the file system alive.
  sandbox.stream.reset();
  sandbox.orders.reset();
  sandbox.writable_gauge.reset();
}

void Sandboxes::reply_failed(std::uint32_t request, Error error) {
  replies_.send(FailedReply{request, std::move(error)}, {});
}

void Sandboxes::on_death(Sandbox& sandbox) {
  loop_.remove(sandbox.pidfd.get(), sandbox.death_watch);
  if (sandbox.status) {
    on_status(sandbox);  // what it still had to say
  }
  sandbox.exit = reap(sandbox.pidfd.get());
  sandbox.pidfd.reset();
  sandbox.exit.id = sandbox.id;
  if (sandbox.complaints) {
    sandbox.exit.complaint = oci::read_complaint(sandbox.complaints);
    if (sandbox.exit.complaint.empty() && ground_.cgroups->ran_out_of_processes(sandbox.id)) {
      sandbox.exit.complaint = "it met the limit on processes";  // gVisor ends without a word
    }
  }
  sandbox.exit.out_of_memory = ground_.cgroups->ran_out_of_memory(sandbox.id);
  if (sandbox.is_machine && sandbox.exit.cause == SandboxExit::Cause::kAgentExited &&
      sandbox.exit.code == microvm::kOutOfMemoryStatus) {
    sandbox.exit.cause = SandboxExit::Cause::kAgentKilled;
    sandbox.exit.code = SIGKILL;
    sandbox.exit.out_of_memory = true;
  }
  if (!sandbox.destroy_requests.empty()) {
    sandbox.exit.cause = SandboxExit::Cause::kDestroyed;
  }
  sandbox.stream.reset();
  sandbox.writable_gauge.reset();
  sandbox.spare.reset();
  finish(sandbox.id, 0);
}

void Sandboxes::finish(const std::string& id, int attempt) {
  const auto removed = ground_.cgroups->remove(id);
  if (removed && !*removed && attempt < cgroup::kRemoveAttempts) {
    loop_.after(std::chrono::milliseconds(1 << attempt),
                [this, id, attempt] { finish(id, attempt + 1); });
    return;
  }
  const auto node = sandboxes_.extract(id);
  Sandbox& sandbox = *node.mapped();
  ground_.identities.give_back(*sandbox.identity);
  if (sandbox.building) {
    if (!sandbox.failure) {
      sandbox.failure =
          sandbox.destroy_requests.empty()
              ? Error(sandbox.exit.out_of_memory ? ErrorCode::kOutOfMemory : ErrorCode::kInternal,
                      "the sandbox died while it was being set up (signal " +
                          std::to_string(sandbox.exit.code) + ")")
              : Error(ErrorCode::kCancelled, "destroyed while it was being set up");
    }
    reply_failed(sandbox.create_request, std::move(*sandbox.failure));
  } else {
    replies_.send(Exited{sandbox.exit}, {});
  }
  for (const std::uint32_t request : sandbox.destroy_requests) {
    replies_.send(DoneReply{request}, {});
  }
}

void Sandboxes::adjust(const AdjustRequest& request) {
  if (auto adjusted = adjust_spare(request); !adjusted) {
    reply_failed(request.request, std::move(adjusted).error());
  } else {
    replies_.send(DoneReply{request.request}, {});
  }
}

Result<> Sandboxes::adjust_spare(const AdjustRequest& request) {
  TRY(validate(request));
  const auto found = sandboxes_.find(request.id);
  const bool is_built = found != sandboxes_.end() && !found->second->building;
  // Whatever comes of it, it is a spare no more.
  const auto spare = is_built ? std::exchange(found->second->spare, std::nullopt) : std::nullopt;
  if (!spare) {
    return fail(ErrorCode::kConflict, "id '" + request.id + "': not a spare sandbox");
  }
  return warden::adjust(*spare, request, *ground_.cgroups);
}

void Sandboxes::freeze(const FreezeRequest& request) {
  if (auto begun = begin_motion(request); !begun) {
    reply_failed(request.request, std::move(begun).error());
  } else {
    await_motion(request, 0);
  }
}

Result<> Sandboxes::begin_motion(const FreezeRequest& request) {
  const auto found = sandboxes_.find(request.id);
  if (found == sandboxes_.end() || found->second->building) {
    return fail(ErrorCode::kNotFound, "there is no such sandbox any more");
  }
  return ground_.cgroups->set_motion(request.id, request.motion);
}

// The kernel stops each process at its next step out of the kernel, and says when all of them are.
void Sandboxes::await_motion(const FreezeRequest& request, int attempt) {
  // With the CPU's least share and many processes it may take its time: 8 s in all.
  constexpr int kAttempts = 13;
  const auto frozen = ground_.cgroups->is_frozen(request.id);
  if (frozen && *frozen == (request.motion == Motion::kFrozen)) {
    replies_.send(DoneReply{request.request}, {});
  } else if (!frozen) {
    reply_failed(request.request, frozen.error());
  } else if (attempt < kAttempts) {
    loop_.after(std::chrono::milliseconds(1 << attempt),
                [this, request, attempt] { await_motion(request, attempt + 1); });
  } else {
    [[maybe_unused]] const auto freed = ground_.cgroups->set_motion(request.id, Motion::kFree);
    reply_failed(request.request,
                 Error(ErrorCode::kTimeout, "a process of the sandbox does not come to rest"));
  }
}

void Sandboxes::destroy(const DestroyRequest& request) {
  const auto found = sandboxes_.find(request.id);
  if (found == sandboxes_.end()) {
    replies_.send(DoneReply{request.request}, {});
    return;
  }
  Sandbox& sandbox = *found->second;
  sandbox.destroy_requests.push_back(request.request);
  if (sandbox.is_machine && !sandbox.building && sandbox.pidfd) {
    // What its guest has in memory is to reach the disk.
    [[maybe_unused]] const auto asked = sys::pidfd_send_signal(sandbox.pidfd.get(), SIGTERM);
    loop_.after(kHaltPatience, [this, id = request.id] { kill(id); });
    return;
  }
  kill(request.id);
}

void Sandboxes::kill(const std::string& id) {
  const auto found = sandboxes_.find(id);
  if (found != sandboxes_.end() && found->second->pidfd) {
    [[maybe_unused]] const auto killed =
        sys::pidfd_send_signal(found->second->pidfd.get(), SIGKILL);
  }
}

void Sandboxes::sweep(const SweepRequest& request) {
  ground_.cgroups->sweep();
  replies_.send(DoneReply{request.request}, {});
}

}  // namespace msb::isolation::warden
