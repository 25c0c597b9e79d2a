// SPDX-License-Identifier: Apache-2.0
#include "engine/launch.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/random.h"
#include "base/sys.h"
#include "engine/assembly.h"
#include "engine/greeting.h"
#include "engine/guest_environment.h"
#include "engine/guest_user.h"
#include "engine/handover.h"
#include "engine/machine_files.h"
#include "engine/machine_template.h"
#include "isolation/jail/disk_image.h"

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
  spec.tier = plan.tier;
  spec.id = id;
  spec.name = plan.name.sandbox;
  spec.hostname = hostname_of(plan.name.sandbox);
  spec.layer_paths = plan.image.layer_paths;
  if (plan.tier.is_machine()) {
    spec.machine.emplace().image_digest = hexadecimal_of(plan.image.digest);
  }
  spec.writable_path = writable_path;
  spec.limits = limits_of(plan.definition.config);
  spec.volumes = TRY(open_volumes(site, plan));
  spec.volume_uid = owner.uid;
  spec.volume_gid = owner.gid;
  return spec;
}

// With nothing of its own, what a start has that names neither.
wire::Configure configuration_of(const LaunchPlan& plan, const std::vector<std::string>& envs,
                                 const std::string& workdir) {
  return {.env = assemble_env(plan.image.config.env, envs),
          .workdir = workdir.empty() ? plan.image.config.workdir : workdir,
          .user = user_of(plan),
          .counts_limits = plan.tier.is_machine()};
}

Result<Greeting> greeting_of(const LaunchPlan& plan) {
  const Config& config = plan.definition.config;
  Greeting greeting;
  greeting.configuration = configuration_of(plan, config.envs, config.workdir);
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

// Everything of a start that is checked or taken before there is a jail.
struct Prepared {
  Greeting greeting;
  GuestUser volume_owner;
  std::unique_ptr<PortForwarder> ports;
};

Result<Prepared> prepare(const LaunchSite& site, const LaunchPlan& plan) {
  Prepared prepared;
  prepared.greeting = TRY(greeting_of(plan));
  TRY(open_volumes(site, plan));  // says what is wrong before anything is made
  prepared.volume_owner = TRY(volume_owner(plan));
  prepared.ports = TRY(PortForwarder::bind(site.loop, plan.definition.ports));
  return prepared;
}

// The end of a failed start, and its reason.
Error fail_start(const Assembled& started, bool discards_files, const Error& error) {
  Error reason = started.session->why_gone(error);
  if (discards_files) {
    started.sandbox->discard_files_at_end();
  }
  [[maybe_unused]] const auto stopped = started.sandbox->stop();
  return reason;
}

// The template that a machine with no files yet can be cloned from. Nothing, or an error: it boots,
// as it would without templates; a clone has no other result, only sooner.
Result<std::optional<MachineTemplate>> template_for(const LaunchSite& site, const LaunchPlan& plan,
                                                    const std::stop_token& stop) {
  if (!plan.tier.is_machine() || plan.saved ||
      SandboxFolder::exists(site.home, plan.name, plan.ephemeral.get())) {
    return std::nullopt;
  }
  return find_or_make_template(site,
                               {.image_digest = hexadecimal_of(plan.image.digest),
                                .spec = TRY(spec_of(site, plan, {}, {}, {})),
                                .configuration = configuration_of(plan, {}, {}),
                                .warm = plan.warm},
                               stop);
}

// Of a machine that boots where it should have been cloned.
std::string boots_because(const Error& error) {
  return "microvm: booted, which takes longer than a clone of its template: " + error.message();
}

// A clone's files are to say more than a booted machine's: who it is.
Result<> greet_as_clone(AgentLink& link, const std::string& instance_id, const LaunchPlan& plan,
                        Greeting greeting, const std::stop_token& stop) {
  std::vector<GuestFile> files = TRY(identity_files(hostname_of(plan.name.sandbox)));
  for (GuestFile& file : files) {
    file.in_place = !plan.saved;  // what runs in a copy may be reading them
  }
  greeting.files.insert(greeting.files.begin(), files.begin(), files.end());
  if (plan.saved) {
    return greet_copy(link, instance_id, greeting, stop);
  }
  return greet_clone(link, instance_id, greeting, plan.warm, stop);
}

// What a machine whose files are made by its start is cloned from, if from anything.
struct Source {
  std::optional<std::string> saved;
  std::optional<std::string> warning;  // why it is not, where it should have been
};

struct Begun {
  Jail jail;
  bool is_clone = false;
};

Result<Begun> begin_jail(const LaunchSite& site, const LaunchPlan& plan, const GuestUser& owner,
                         const std::string& id, const SandboxFolder& folder, Source source) {
  const auto spec = [&] { return spec_of(site, plan, owner, id, folder.path()); };
  if (source.saved) {
    auto clone = make_jail(site.wardens, site.exits, id, [&]() -> Result<isolation::SandboxSpec> {
      isolation::SandboxSpec cloned = TRY(spec());
      cloned.machine->begin = isolation::MachineSpec::Begin::kClone;
      cloned.machine->template_path = *source.saved;
      return cloned;
    });
    if (clone) {
      return Begun{.jail = *std::move(clone), .is_clone = true};
    }
    if (plan.saved) {
      return std::unexpected(std::move(clone).error());
    }
    source.warning = boots_because(clone.error());
    // The disk that belongs to the template's memory is of no use to a machine that boots.
    [[maybe_unused]] const auto removed =
        base::sys::unlink(folder.path() + "/" + isolation::jail::kDiskImageName);
  }
  Begun begun{.jail = TRY(make_jail(site.wardens, site.exits, id, spec))};
  if (source.saved) {
    discard_template(*source.saved);  // it was at fault, as the machine boots
  }
  if (source.warning) {
    begun.jail.started.weaknesses.push_back(*std::move(source.warning));
  }
  return begun;
}

// What a fresh disk holds, unless its machine has to be asked.
std::optional<std::int64_t> known_disk_base(const Begun& begun,
                                            const std::optional<std::string>& saved) {
  const isolation::StartedSandbox& started = begun.jail.started;
  if (begun.is_clone && saved) {
    return saved_disk_base(*saved);
  }
  return started.orders ? std::nullopt : std::optional(used_disk_bytes(started.gauges));
}

Result<Launched> start_cold(const LaunchSite& site, const LaunchPlan& plan, Source source,
                            Prepared prepared, std::function<void(Sandbox&)> on_ended,
                            const std::stop_token& stop) {
  const std::string id = TRY(base::random_id());
  NewFolder folder(TRY(plan.ephemeral ? SandboxFolder::hold(plan.ephemeral)
                                      : SandboxFolder::hold(site.home, plan.name)),
                   site.folder);
  // A folder made by this start goes with a failure of the greeting, after the sandbox has ended.
  const bool is_new = folder.get().is_new();
  if (!is_new) {
    source.saved.reset();
  }
  Begun begun = TRY(begin_jail(site, plan, prepared.volume_owner, id, folder.get(), source));
  Jail& jail = begun.jail;
  Launched launched{.sandbox = nullptr, .disk_base_bytes = plan.disk_base_bytes};
  const bool has_fresh_disk = is_new && !plan.saved;
  std::optional<std::int64_t> disk_base;
  if (has_fresh_disk) {
    disk_base = known_disk_base(begun, source.saved);
    launched.disk_base_bytes = disk_base.value_or(0);
  }
  auto link = TRY(AgentLink::open(site.loop, std::move(jail.started.stream), id));
  const Assembled started = assemble(site, plan, id, std::move(jail), link,
                                     {.limits = limits_of(plan.definition.config),
                                      .folder = folder.take(),
                                      .ports = std::move(prepared.ports),
                                      .disk_base_bytes = launched.disk_base_bytes},
                                     std::move(on_ended));
  Result<> ready = begun.is_clone ? greet_as_clone(*link, id, plan, prepared.greeting, stop)
                                  : greet(*link, id, prepared.greeting, stop);
  if (ready) {
    ready = started.sandbox->start_ports();
  }
  if (!ready) {
    return std::unexpected(fail_start(started, is_new, ready.error()));
  }
  if (has_fresh_disk && !disk_base) {
    launched.disk_base_bytes = started.gauges->note_disk_base();
  }
  launched.sandbox = started.sandbox;
  return launched;
}

Result<std::optional<SandboxFolder>> adopt_folder(const LaunchSite& site, const LaunchPlan& plan,
                                                  Spare& spare) {
  Spare::Parts& parts = spare.parts();
  return plan.ephemeral
             ? SandboxFolder::adopt(plan.ephemeral, parts.folder)
             : SandboxFolder::adopt(site.home, plan.name, parts.folder, parts.folder_lock);
}

// nullopt: it could not be made what is wanted, whoever's fault that is: a cold start has the same
// result, or the reason. `spare` is left where there are files of an earlier start.
std::optional<Launched> start_from(const LaunchSite& site, const LaunchPlan& plan,
                                   std::unique_ptr<Spare>& spare, Prepared& prepared,
                                   const std::function<void(Sandbox&)>& on_ended,
                                   const std::stop_token& stop) {
  std::optional<SandboxFolder> adopted = adopt_folder(site, plan, *spare).value_or(std::nullopt);
  if (!adopted) {
    return std::nullopt;
  }
  NewFolder folder(*std::move(adopted), site.folder);
  const Taker taker{.hostname = hostname_of(plan.name.sandbox),
                    .limits = limits_of(plan.definition.config),
                    .greeting = prepared.greeting};
  if (!hand_over(*spare, taker, stop)) {
    spare.reset();  // before its folder goes
    return std::nullopt;
  }
  Spare::Parts parts = std::exchange(spare, nullptr)->take();
  Jail jail(parts.id, std::move(parts.warden), std::move(parts.exit_report),
            {.stream = {},
             .gauges = std::move(parts.gauges),
             .weaknesses = std::move(parts.weaknesses),
             .orders = std::move(parts.orders)});
  const Assembled started = assemble(site, plan, parts.id, std::move(jail), parts.link,
                                     {.limits = limits_of(plan.definition.config),
                                      .folder = folder.take(),
                                      .ports = std::move(prepared.ports),
                                      .disk_base_bytes = parts.disk_base_bytes},
                                     on_ended);
  return Launched{.sandbox = started.sandbox, .disk_base_bytes = parts.disk_base_bytes};
}

// nullopt: there is no spare, or see above.
std::optional<Launched> start_from_pool(const LaunchSite& site, const LaunchPlan& plan,
                                        Prepared& prepared,
                                        const std::function<void(Sandbox&)>& on_ended,
                                        const std::stop_token& stop) {
  if (!plan.spare) {
    return std::nullopt;
  }
  const SpareOrder& order = *plan.spare;
  std::unique_ptr<Spare> spare = site.pool.claim(order);
  if (!spare) {
    return std::nullopt;
  }
  auto launched = start_from(site, plan, spare, prepared, on_ended, stop);
  if (spare) {
    site.pool.put_back(order.kind, std::move(spare));
  }
  return launched;
}

Result<Launched> open_ports(Launched launched) {
  if (const auto opened = launched.sandbox->start_ports(); !opened) {
    launched.sandbox->discard_files_at_end();
    [[maybe_unused]] const auto stopped = launched.sandbox->stop();
    return std::unexpected(opened.error());
  }
  return launched;
}

}  // namespace

std::optional<SpareOrder> spare_order_of(const LaunchPlan& plan) {
  // A jail can be given another name and other limits, a machine another name. Volumes are mounted
  // before anything of the image has run, and what may be written to the host decides about the
  // system calls that are allowed.
  auto layers = layer_folders(plan.image);
  const bool is_machine = plan.tier.is_machine();
  if ((plan.tier.kind != isolation::Tier::Kind::kJail && !is_machine) || plan.saved ||
      !plan.definition.volumes.empty() || !layers) {
    return std::nullopt;
  }
  const isolation::Limits limits = limits_of(plan.definition.config);
  SpareOrder order;
  order.kind = {.tier = plan.tier,
                .limits = is_machine ? std::optional(limits) : std::nullopt,
                .image_digest = plan.image.digest,
                .layers = *std::move(layers),
                .user = user_of(plan),
                .disk_bytes = limits.disk_bytes,
                .languages = plan.warm};
  order.reference = plan.image.reference;
  order.limits = limits;
  order.configuration = configuration_of(plan, {}, {});
  order.warm = plan.warm;
  return order;
}

Result<Launched> launch(const LaunchSite& site, const LaunchPlan& plan,
                        std::function<void(Sandbox&)> on_ended, const std::stop_token& stop) {
  Prepared prepared = TRY(prepare(site, plan));
  if (auto launched = start_from_pool(site, plan, prepared, on_ended, stop)) {
    return open_ports(*std::move(launched));
  }
  auto found = template_for(site, plan, stop);
  Source source{.saved = plan.saved, .warning = std::nullopt};
  std::unique_ptr<Spare> original;
  if (!found) {
    source.warning = boots_because(found.error());
  } else if (std::optional<MachineTemplate>& made = *found) {
    source.saved = std::move(made->folder);
    original = std::move(made->machine);
  }
  // The machine that a template was made of is as good as its clone.
  if (original && plan.definition.volumes.empty()) {
    if (auto launched = start_from(site, plan, original, prepared, on_ended, stop)) {
      return open_ports(*std::move(launched));
    }
  }
  if (stop.stop_requested()) {
    return fail(ErrorCode::kCancelled, "the start was cancelled");
  }
  return start_cold(site, plan, std::move(source), std::move(prepared), std::move(on_ended), stop);
}

}  // namespace msb::engine
