// SPDX-License-Identifier: Apache-2.0
#include "engine/launch.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/sys.h"
#include "engine/guest_environment.h"
#include "engine/guest_user.h"
#include "engine/random_id.h"

namespace msb::engine {
namespace {

// Removes a folder that this start has made, unless the start succeeds.
class NewFolder {
 public:
  NewFolder(SandboxFolder folder, const EngineFolder& engine)
      : folder_(std::move(folder)), engine_(engine) {}
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;
  ~NewFolder() {
    if (folder_.is_new()) {
      [[maybe_unused]] const auto discarded = folder_.discard(engine_);
    }
  }
  const SandboxFolder& get() const { return folder_; }
  SandboxFolder take() { return std::exchange(folder_, SandboxFolder()); }

 private:
  SandboxFolder folder_;
  const EngineFolder& engine_;
};

isolation::Limits limits_of(const Config& config) {
  return {.memory_bytes = static_cast<std::uint64_t>(config.memory_mib) << 20,
          .cpus = config.cpus,
          .max_processes = static_cast<std::uint32_t>(config.max_processes),
          .disk_bytes = static_cast<std::uint64_t>(config.disk_mib) << 20};
}

std::string hostname_of(std::string name) {
  std::ranges::replace(name, '_', '-');  // not allowed in host names
  return name;
}

const std::string& user_of(const LaunchPlan& plan) {
  const std::string& user = plan.definition.config.user;
  return user.empty() ? plan.image.config.user : user;
}

Result<std::vector<isolation::Volume>> open_volumes(const LaunchSite& site,
                                                    const LaunchPlan& plan) {
  const Definition& definition = plan.definition;
  std::vector<isolation::Volume> volumes;
  for (std::size_t i = 0; i < definition.volumes.size(); ++i) {
    const VolumeRule& rule = definition.volumes[i];
    const std::string field =
        "volumes[" + std::to_string(i) + "] '" + definition.config.volumes[i] + "'";
    base::UniqueFd source = TRY_WRAP(site.open_volume(plan.name, rule.host_path), field);
    const mode_t mode = TRY(base::sys::fstat(source.get())).st_mode;
    if (!S_ISDIR(mode) && !S_ISREG(mode)) {
      return fail(ErrorCode::kInvalidArgument, field + ": host path must be a file or a folder");
    }
    volumes.push_back(
        {.source = std::move(source), .guest_path = rule.guest_path, .read_only = rule.read_only});
  }
  return volumes;
}

// The volumes' owner inside. Without volumes nobody needs to be known by name yet.
Result<GuestUser> volume_owner(const LaunchPlan& plan) {
  if (plan.definition.volumes.empty()) {
    return GuestUser{};
  }
  return find_guest_user(user_of(plan), plan.image.layer_paths);
}

Result<isolation::SandboxSpec> spec_of(const LaunchSite& site, const LaunchPlan& plan,
                                       const GuestUser& owner, const std::string& id,
                                       const std::string& writable_path) {
  isolation::SandboxSpec spec;
  spec.id = id;
  spec.name = plan.name.sandbox;
  spec.hostname = hostname_of(plan.name.sandbox);
  spec.layer_paths = plan.image.layer_paths;
  spec.writable_path = writable_path;
  spec.limits = limits_of(plan.definition.config);
  spec.volumes = TRY(open_volumes(site, plan));
  spec.volume_uid = owner.uid;
  spec.volume_gid = owner.gid;
  return spec;
}

Result<Greeting> greeting_of(const LaunchPlan& plan) {
  const Config& config = plan.definition.config;
  Greeting greeting;
  greeting.configuration = {
      .env = assemble_env(plan.image.config.env, config.envs),
      .workdir = config.workdir.empty() ? plan.image.config.workdir : config.workdir,
      .user = user_of(plan)};
  greeting.warm = plan.warm;
  greeting.files = script_files(config.scripts, config.shell);
  const std::size_t size = greeting.configuration.encode().size();
  if (size > wire::kMaxPayloadBytes || greeting.configuration.env.size() > wire::kMaxStrings) {
    return fail(ErrorCode::kInvalidArgument, "envs: together with the image's they take " +
                                                 std::to_string(size) + " bytes, more than " +
                                                 std::to_string(wire::kMaxPayloadBytes));
  }
  return greeting;
}

struct Jail {
  std::shared_ptr<isolation::WardenClient> warden;
  isolation::StartedSandbox started;
};

Result<Jail> make_jail(const LaunchSite& site, const LaunchPlan& plan, const GuestUser& owner,
                       const std::string& id, const std::string& writable_path) {
  // A warden that has died without having had a sandbox shows only now: that one is replaced.
  for (int attempt = 0;; ++attempt) {
    isolation::SandboxSpec spec = TRY(spec_of(site, plan, owner, id, writable_path));
    std::shared_ptr<isolation::WardenClient> warden = TRY(site.wardens.get());
    auto started = warden->create(std::move(spec));
    if (started) {
      return Jail{.warden = std::move(warden), .started = *std::move(started)};
    }
    if (attempt > 0 || !started.error().is(ErrorCode::kUnavailable)) {
      return std::unexpected(std::move(started).error());
    }
    site.wardens.drop(warden);
  }
}

std::vector<std::string> image_command_of(const image::ImageConfig& config) {
  std::vector<std::string> command = config.entrypoint;
  command.insert(command.end(), config.cmd.begin(), config.cmd.end());
  return command;
}

// Destroys a jail that never became a Sandbox.
class JailGuard {
 public:
  JailGuard(const Jail& jail, std::string id) : warden_(jail.warden), id_(std::move(id)) {}
  JailGuard(const JailGuard&) = delete;
  JailGuard& operator=(const JailGuard&) = delete;
  ~JailGuard() {
    if (warden_) {
      [[maybe_unused]] const auto destroyed = warden_->destroy(id_);
    }
  }
  void dismiss() { warden_.reset(); }

 private:
  std::shared_ptr<isolation::WardenClient> warden_;
  std::string id_;
};

}  // namespace

Result<Launched> launch(const LaunchSite& site, const LaunchPlan& plan,
                        std::function<void(Sandbox&)> on_ended, const std::stop_token& stop) {
  const Greeting greeting = TRY(greeting_of(plan));
  // Says what is wrong before anything is made.
  TRY(open_volumes(site, plan));
  const GuestUser owner = TRY(volume_owner(plan));
  const std::string id = TRY(random_id());
  auto ports = TRY(PortForwarder::bind(site.loop, plan.definition.ports));
  NewFolder folder(TRY(plan.ephemeral ? SandboxFolder::hold(plan.ephemeral)
                                      : SandboxFolder::hold(site.home, plan.name)),
                   site.folder);
  const std::shared_ptr<ExitReport> exit_report = site.exits.expect(id);
  auto jail = make_jail(site, plan, owner, id, folder.get().path());
  if (!jail) {
    site.exits.forget(id);
    return std::unexpected(std::move(jail).error());
  }
  JailGuard guard(*jail, id);
  const isolation::Limits limits = limits_of(plan.definition.config);
  auto gauges = std::make_shared<Gauges>(std::move(jail->started.gauges), limits,
                                         folder.get().path(), plan.disk_base_bytes);
  Launched launched{.sandbox = nullptr, .disk_base_bytes = plan.disk_base_bytes};
  if (folder.get().is_new()) {
    launched.disk_base_bytes = gauges->used_disk_bytes();
    gauges->set_disk_base(launched.disk_base_bytes);
  }
  auto link = TRY(AgentLink::open(site.loop, std::move(jail->started.stream), id));
  auto session = std::make_shared<Session>(link, gauges, exit_report, limits);
  // A folder made by this start goes with a failure of the greeting, after the sandbox has ended.
  const bool is_new_folder = folder.get().is_new();
  std::shared_ptr<Sandbox> sandbox =
      Sandbox::create(SandboxParts{.name = plan.name,
                                   .instance_id = id,
                                   .config = plan.definition.config,
                                   .limits = limits,
                                   .folder = folder.take(),
                                   .image_lease = plan.image.lease,
                                   .image_command = image_command_of(plan.image.config),
                                   .weaknesses = std::move(jail->started.weaknesses),
                                   .ports = std::move(ports),
                                   .warden = jail->warden,
                                   .exit_report = exit_report,
                                   .gauges = std::move(gauges),
                                   .session = session},
                      site.folder, std::move(on_ended));
  guard.dismiss();
  const auto mourn = [&janitor = site.janitor, weak = std::weak_ptr(sandbox)] {
    janitor.post([weak] {
      if (const auto dead = weak.lock()) {
        dead->bury();
      }
    });
  };
  exit_report->on_arrival(mourn);
  link->when_lost(mourn);
  Result<> ready = session->greet(id, greeting, stop);
  if (ready) {
    ready = sandbox->start_ports();
  }
  if (!ready) {
    Error reason = session->why_gone(ready.error());
    if (is_new_folder) {
      sandbox->discard_files_at_end();
    }
    [[maybe_unused]] const auto stopped = sandbox->stop();
    return std::unexpected(std::move(reason));
  }
  launched.sandbox = std::move(sandbox);
  return launched;
}

}  // namespace msb::engine
