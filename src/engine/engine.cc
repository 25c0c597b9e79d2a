// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <variant>

#include "base/file.h"
#include "base/locations.h"
#include "base/random.h"
#include "base/sys.h"
#include "base/thread.h"
#include "engine/definitions.h"
#include "engine/dependencies.h"
#include "engine/disk_use.h"
#include "engine/full_home.h"
#include "engine/host_memory.h"
#include "engine/image_watch.h"
#include "engine/launch.h"
#include "engine/machine_files.h"
#include "engine/registry.h"
#include "engine/saved_machines.h"
#include "engine/spare_maker.h"
#include "engine/started_first.h"
#include "engine/tier_choice.h"

namespace msb::engine {
namespace {

constexpr std::size_t kStopThreads = 8;

// The config a start means: the caller's, completed from what is stored under the name.
Result<Config> complete_config(const StartRequest& request,
                               const std::optional<StoredDefinition>& stored) {
  Config config = request.config;
  if (config.image.empty()) {
    if (stored && config == Config{}) {
      config = stored->config;
    } else {
      config.image = stored ? stored->config.image : request.default_image;
    }
  }
  if (config.image.empty()) {
    return fail(ErrorCode::kInvalidArgument, "image: none is given, and sandbox '" +
                                                 request.name.sandbox +
                                                 "' has no stored definition");
  }
  if (stored) {
    config.disk_mib = stored->config.disk_mib;  // its file system has that size already
  }
  return config;
}

// They are not replaced by those of a machine that was saved.
bool has_files(const std::string& home, const StartRequest& request) {
  return request.kind == StartRequest::Kind::kPersistent
             ? SandboxFolder::exists(home, request.name, nullptr)
             : request.files && SandboxFolder::exists(home, request.name, request.files.get());
}

// "name-1a2b3c4d", within what a name may be.
Result<std::string> name_of_copy(const std::string& name) {
  constexpr std::size_t kDigits = 8;
  constexpr std::size_t kMaxBytes = 63;
  return name.substr(0, kMaxBytes - kDigits - 1) + "-" + TRY(base::random_id(kDigits));
}

Result<base::UniqueFd> open_any_volume(const Name& /*name*/, const std::string& host_path) {
  return base::sys::open(host_path, O_PATH);
}

}  // namespace

class Engine::Impl {
 public:
  Impl(std::string home, EngineFolder folder, std::unique_ptr<IoLoop> loop,
       std::shared_ptr<image::Store> store, std::unique_ptr<Janitor> janitor,
       isolation::WardenOptions warden, VolumeOpener open_volume, TierChoice tiers,
       const PoolOptions& pool)
      : home_(std::move(home)),
        folder_(std::move(folder)),
        loop_(std::move(loop)),
        store_(std::move(store)),
        open_volume_(std::move(open_volume)),
        tiers_(std::move(tiers)),
        janitor_(std::move(janitor)),
        wardens_(std::move(warden), exits_, [this](const auto& client) { sweep(client); }),
        pool_(pool, {.make = [this](const auto& order,
                                    const auto& stop) { return make_spare_of(order, stop); },
                     .is_current = [this](const auto& order) { return is_current(order); },
                     .memory = read_host_memory}) {
    if (pool_.is_on()) {
      // Without it, the spares of a changed image stay until the next start of that image.
      if (auto watch = ImageWatch::start(*loop_, home_, [this] { pool_.images_changed(); })) {
        image_watch_ = *std::move(watch);
      }
    }
  }
  ~Impl();

  Result<StartResult> start(const StartRequest& request);
  Result<std::shared_ptr<EphemeralFiles>> new_files();
  Result<> stop(const Name& name);
  Result<> remove(const Name& name);
  Result<std::vector<SandboxListing>> list(std::string_view namespace_name);
  std::shared_ptr<Sandbox> find(const Name& name) { return registry_.find(name); }
  const std::string& home() const { return home_; }
  image::Store& images() { return *store_; }
  PoolStatus pool_status() { return pool_.status(); }
  Result<image::Image> snapshot(Sandbox& sandbox, const std::string& image_name,
                                const std::stop_token& stop);
  Result<std::vector<std::shared_ptr<Sandbox>>> fork(Sandbox& sandbox, const ForkRequest& request);

 private:
  Result<std::unique_ptr<Spare>> make_spare_of(const SpareOrder& order,
                                               const std::stop_token& stop);
  bool is_current(const SpareOrder& order);
  Result<Definitions*> definitions();
  Result<std::optional<StoredDefinition>> stored_definition(const StartRequest& request);
  Result<> start_dependencies(const StartRequest& request,
                              const std::vector<std::string>& depends_on, StartedFirst& started);
  Result<> redefine(const StoredDefinition& stored, const Config& config);
  Result<std::shared_ptr<Sandbox>> start_claimed(const StartRequest& request, Definition definition,
                                                 isolation::Tier tier,
                                                 const std::optional<StoredDefinition>& stored,
                                                 const std::optional<SavedMachine>& saved);
  Result<std::shared_ptr<Sandbox>> start_copy(const LaunchPlan& like, const ForkRequest& request);
  Result<Launched> launch_and_keep(const LaunchPlan& plan, bool was_defined,
                                   const std::stop_token& stop);
  void sweep(const std::shared_ptr<isolation::WardenClient>& warden);
  LaunchSite site() {
    return {.home = home_,
            .folder = folder_,
            .loop = *loop_,
            .exits = exits_,
            .wardens = wardens_,
            .janitor = *janitor_,
            .pool = pool_,
            .open_volume = open_volume_};
  }

  // In order of dependence: what ends last is first. The warden's end is reported to exits_, and
  // what comes of it is the janitor's, whose tasks end in registry_.
  const std::string home_;
  const EngineFolder folder_;
  const std::unique_ptr<IoLoop> loop_;
  const std::shared_ptr<image::Store> store_;
  const VolumeOpener open_volume_;
  const TierChoice tiers_;
  ExitBoard exits_;
  Registry registry_;
  std::mutex definitions_mutex_;  // guards the opening of:
  std::unique_ptr<Definitions> definitions_;
  const std::unique_ptr<Janitor> janitor_;
  WardenKeeper wardens_;
  Pool pool_;
  std::unique_ptr<ImageWatch> image_watch_;
};

Engine::Impl::~Impl() {
  registry_.close();
  pool_.close();
  const std::vector<std::shared_ptr<Sandbox>> running = registry_.all();
  std::atomic<std::size_t> next = 0;
  const auto stop_some = [&] {
    for (std::size_t i = next++; i < running.size(); i = next++) {
      [[maybe_unused]] const auto stopped = running[i]->stop();
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < std::min(kStopThreads, running.size()); ++i) {
    if (auto thread = base::start_thread(stop_some)) {
      threads.push_back(*std::move(thread));
    }
  }
  stop_some();
  for (std::thread& thread : threads) {
    thread.join();
  }
  wardens_.end();  // and with it what lingers, while there is a janitor for that
}

Result<std::unique_ptr<Spare>> Engine::Impl::make_spare_of(const SpareOrder& order,
                                                           const std::stop_token& stop) {
  // Not kept while there is a spare: an image that only spares use can be removed.
  const auto image = TRY(store_->find(order.reference));
  if (!image) {
    return fail(ErrorCode::kNotFound, "there is no image '" + order.reference + "' any more");
  }
  return make_spare(site(), order, *image, stop);
}

bool Engine::Impl::is_current(const SpareOrder& order) {
  const auto image = store_->find(order.reference).value_or(std::nullopt);
  return image && is_of(order.kind, *image);
}

void Engine::Impl::sweep(const std::shared_ptr<isolation::WardenClient>& warden) {
  // Beside the first start, not before it.
  janitor_->post([this, weak = std::weak_ptr(warden)] {
    sweep_dead_engines(home_);
    sweep_machine_drafts(home_);
    sweep_saved_machines(home_, *store_);
    sweep_undefined_sandboxes(home_, folder_, [this](const Name& name) -> Result<bool> {
      Definitions* all = TRY(definitions());
      return TRY(all->find(name)).has_value();
    });
    if (const auto client = weak.lock()) {
      [[maybe_unused]] const auto swept = client->sweep();  // the next engine tries again
    }
  });
}

Result<Definitions*> Engine::Impl::definitions() {
  const std::lock_guard lock(definitions_mutex_);
  if (!definitions_) {
    definitions_ = TRY(Definitions::open(home_ + "/msb.db"));
  }
  return definitions_.get();
}

Result<std::optional<StoredDefinition>> Engine::Impl::stored_definition(
    const StartRequest& request) {
  if (request.kind == StartRequest::Kind::kAnonymous) {
    return std::nullopt;
  }
  Definitions* all = TRY(definitions());
  std::optional<StoredDefinition> stored = TRY(all->find(request.name));
  if (stored && request.kind == StartRequest::Kind::kEphemeral) {
    return fail(ErrorCode::kAlreadyExists,
                "sandbox '" + request.name.sandbox + "' exists and keeps its files");
  }
  return stored;
}

Result<> Engine::Impl::start_dependencies(const StartRequest& request,
                                          const std::vector<std::string>& depends_on,
                                          StartedFirst& started) {
  if (depends_on.empty()) {
    return {};
  }
  const auto is_up = [this](const Name& name) {
    return registry_.find(name) != nullptr || SandboxFolder::is_held(home_, name);
  };
  Definitions* all = TRY(definitions());
  TRY(check_dependency_graph(request.name, depends_on, *all, is_up));
  for (const std::string& dependency : depends_on) {
    StartRequest first;
    first.name = {.namespace_name = request.name.namespace_name, .sandbox = dependency};
    first.on_progress = request.on_progress;
    first.stop = request.stop;
    if (is_up(first.name)) {
      continue;
    }
    StartResult result = TRY_WRAP(start(first), "depends_on '" + dependency + "'");
    if (!result.was_running) {
      started.add(std::move(result.sandbox));
    }
  }
  return {};
}

Result<StartResult> Engine::Impl::start(const StartRequest& request) {
  TRY(validate(request.name, request.config));
  const std::optional<StoredDefinition> stored = TRY(stored_definition(request));
  Config config = TRY(complete_config(request, stored));
  const auto saved =
      has_files(home_, request)
          ? std::nullopt
          : TRY_WRAP(find_saved_machine(home_, *store_, config), "image '" + config.image + "'");
  Definition definition = TRY(validate(request.name, config));
  isolation::Tier tier = TRY(tiers_.choose(config.isolation));
  // Before our own name is claimed, so that no two starts wait for each other.
  StartedFirst started;
  TRY(start_dependencies(request, definition.config.depends_on, started));
  auto claimed = TRY(registry_.claim(request.name, request.stop));
  if (const auto* running = std::get_if<std::shared_ptr<Sandbox>>(&claimed)) {
    if ((*running)->is_ephemeral() || request.kind != StartRequest::Kind::kPersistent) {
      return fail(ErrorCode::kConflict,
                  "sandbox '" + request.name.sandbox + "' is running already, and is ephemeral");
    }
    if (!request.config.isolation.empty() && (*running)->tier() != tier) {
      return fail(ErrorCode::kConflict,
                  "sandbox '" + request.name.sandbox + "' is running already, with isolation '" +
                      isolation::to_text((*running)->tier()) + "'; stop it first");
    }
    if (stored && !request.config.image.empty()) {
      TRY(redefine(*stored, definition.config));
    }
    started.keep();
    return StartResult{.sandbox = *running, .was_running = true};
  }
  auto sandbox = TRY(start_claimed(request, std::move(definition), std::move(tier), stored, saved));
  std::get<Registry::Claim>(claimed).settle(sandbox);
  started.keep();
  return StartResult{.sandbox = std::move(sandbox), .was_running = false};
}

Result<> Engine::Impl::redefine(const StoredDefinition& stored, const Config& config) {
  if (stored.config == config) {
    return {};
  }
  Definitions* all = TRY(definitions());
  return all->put(
      {.name = stored.name, .config = config, .disk_base_bytes = stored.disk_base_bytes});
}

Result<std::shared_ptr<Sandbox>> Engine::Impl::start_claimed(
    const StartRequest& request, Definition definition, isolation::Tier tier,
    const std::optional<StoredDefinition>& stored, const std::optional<SavedMachine>& saved) {
  LaunchPlan plan;
  plan.name = request.name;
  plan.tier = std::move(tier);
  plan.image =
      TRY_WRAP(store_->find_or_pull(definition.config.image,
                                    {.on_progress = request.on_progress, .stop = request.stop}),
               "image '" + definition.config.image + "'");
  plan.definition = std::move(definition);
  plan.warm = request.warm;
  plan.disk_base_bytes = stored ? stored->disk_base_bytes : 0;
  if (request.kind != StartRequest::Kind::kPersistent) {
    plan.ephemeral = request.files;
    if (!plan.ephemeral) {
      plan.ephemeral = TRY(new_files());
    }
    plan.disk_base_bytes = plan.ephemeral->disk_base_bytes;
  }
  if (saved) {
    plan.saved = saved->folder;
    plan.disk_base_bytes = saved->disk_base_bytes;
  }
  if (pool_.is_on()) {
    plan.spare = spare_order_of(plan);
  }
  Launched launched = TRY(launch_and_keep(plan, stored.has_value(), request.stop));
  if (const auto begun = launched.sandbox->begin_exec(); !begun) {
    [[maybe_unused]] const auto stopped = launched.sandbox->stop();
    return std::unexpected(begun.error());
  }
  return std::move(launched.sandbox);
}

// A sandbox that is not to be forgotten is defined once it runs.
Result<Launched> Engine::Impl::launch_and_keep(const LaunchPlan& plan, bool was_defined,
                                               const std::stop_token& stop) {
  const Pool::Start guard(pool_);
  Launched launched =
      TRY(launch(site(), plan, [this](Sandbox& ended) { registry_.note_end(ended); }, stop));
  if (plan.ephemeral) {
    plan.ephemeral->disk_base_bytes = launched.disk_base_bytes;
    return launched;
  }
  const auto kept = [&]() -> Result<> {
    Definitions* all = TRY(definitions());
    return all->put({.name = plan.name,
                     .config = plan.definition.config,
                     .disk_base_bytes = launched.disk_base_bytes});
  }();
  if (!kept) {
    if (!was_defined) {
      launched.sandbox->discard_files_at_end();
    }
    [[maybe_unused]] const auto stopped = launched.sandbox->stop();
    return std::unexpected(kept.error());
  }
  SandboxFolder::mark_defined(home_, plan.name);
  return launched;
}

Result<image::Image> Engine::Impl::snapshot(Sandbox& sandbox, const std::string& image_name,
                                            const std::stop_token& stop) {
  if (!sandbox.tier().is_machine()) {
    return sandbox.snapshot(*store_, image_name, stop);
  }
  sweep_saved_machines(home_, *store_);
  TRY(image::Store::check_new_name(image_name));
  return keep_saved_machine(
      home_,
      {.folder = {}, .shape = sandbox.config(), .disk_base_bytes = sandbox.disk_base_bytes()},
      [&](const std::string& folder) { return sandbox.save(folder, stop); },
      [&] { return store_->tag(sandbox.image().digest, image_name); });
}

Result<std::shared_ptr<Sandbox>> Engine::Impl::start_copy(const LaunchPlan& like,
                                                          const ForkRequest& request) {
  LaunchPlan plan = like;
  plan.name.sandbox = TRY(name_of_copy(like.name.sandbox));
  if (request.ephemeral) {
    plan.ephemeral = TRY(new_files());
  }
  auto claimed = TRY(registry_.claim(plan.name, request.stop));
  auto* claim = std::get_if<Registry::Claim>(&claimed);
  if (claim == nullptr) {
    return fail(ErrorCode::kConflict, "sandbox '" + plan.name.sandbox + "' is there already");
  }
  const Launched launched = TRY(launch_and_keep(plan, false, request.stop));
  claim->settle(launched.sandbox);
  return launched.sandbox;
}

Result<std::vector<std::shared_ptr<Sandbox>>> Engine::Impl::fork(Sandbox& sandbox,
                                                                 const ForkRequest& request) {
  if (request.count < 1 || request.count > kMaxForks) {
    return fail(ErrorCode::kInvalidArgument, "count: " + std::to_string(request.count) +
                                                 " is not from 1 to " + std::to_string(kMaxForks));
  }
  const std::string moments = machines_folder(home_, isolation::kMachineMoments);
  TRY(base::make_folders(moments, 0700));
  const base::TempDir moment = TRY(base::TempDir::create(moments));
  TRY(sandbox.save(moment.path(), request.stop));
  LaunchPlan plan;
  plan.name = sandbox.name();
  Config config = sandbox.config();
  // What began with the original is in the copy, or is the original's alone.
  config.ports.clear();
  config.exec.clear();
  config.scripts.clear();
  plan.definition = TRY(validate(plan.name, config));
  plan.tier = sandbox.tier();
  plan.image = sandbox.image();
  plan.disk_base_bytes = sandbox.disk_base_bytes();
  plan.saved = moment.path();
  std::vector<std::shared_ptr<Sandbox>> copies;
  while (copies.size() < request.count) {
    auto copy = start_copy(plan, request);
    if (!copy) {
      for (const auto& made : copies) {
        [[maybe_unused]] const auto removed =
            request.ephemeral ? made->stop() : remove(made->name());
      }
      return std::unexpected(std::move(copy).error());
    }
    copies.push_back(*std::move(copy));
  }
  return copies;
}

Result<std::shared_ptr<EphemeralFiles>> Engine::Impl::new_files() {
  const std::string id = TRY(base::random_id());
  return std::make_shared<EphemeralFiles>(folder_.path() + "/" + id);
}

Result<> Engine::Impl::stop(const Name& name) {
  const auto sandbox = registry_.find_any(name);
  return sandbox ? sandbox->stop() : Result<>();
}

Result<> Engine::Impl::remove(const Name& name) {
  TRY(check_sandbox_name(name.sandbox));
  TRY(check_namespace(name.namespace_name));
  TRY(stop(name));
  Definitions* all = TRY(definitions());
  struct stat status{};
  if (::lstat(SandboxFolder::path_of(home_, name).c_str(), &status) == 0) {
    SandboxFolder folder = TRY(SandboxFolder::hold(home_, name));
    TRY(folder.mark_undefined());
    TRY(all->remove(name));
    return folder.discard(folder_);
  }
  return all->remove(name);
}

Result<std::vector<SandboxListing>> Engine::Impl::list(std::string_view namespace_name) {
  if (namespace_name != "*") {
    TRY(check_namespace(namespace_name));
  }
  Definitions* all = TRY(definitions());
  std::vector<SandboxListing> listings;
  for (const StoredDefinition& stored : TRY(all->list(namespace_name))) {
    SandboxListing listing;
    listing.name = stored.name;
    listing.image = stored.config.image;
    if (const auto running = registry_.find(stored.name)) {
      listing.is_running = true;
      listing.is_paused = running->is_paused();
      listing.disk_bytes = running->usage().disk_bytes;
    } else {
      listing.is_running = SandboxFolder::is_held(home_, stored.name);
      listing.disk_bytes =
          std::max<std::int64_t>(0, disk_use_of_folder(SandboxFolder::path_of(home_, stored.name)));
    }
    listings.push_back(std::move(listing));
  }
  return listings;
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)), owner_(::getpid()) {}

Result<std::shared_ptr<Engine>> Engine::open(const EngineOptions& options) {
  const std::string home = TRY(base::home_folder(options.home));
  isolation::WardenOptions warden;
  warden.warden_path = TRY(base::find_program("msb-warden", options.libexec_dir));
  warden.agent_path = TRY(base::find_program("msb-agent", options.libexec_dir));
  const std::string unpack_path = TRY(base::find_program("msb-unpack", options.libexec_dir));
  auto tiers = TRY(TierChoice::create(options.isolation));
  TRY(base::make_folders(home, 0700));
  auto store = TRY(image::Store::open({.home = home, .unpack_path = unpack_path}));
  EngineFolder folder = TRY(EngineFolder::create(home));
  auto loop = TRY(IoLoop::start());
  auto janitor = TRY(Janitor::create());
  warden.home = home;
  warden.patience = options.warden_patience;
  warden.engine_id = folder.id();
  return std::shared_ptr<Engine>(new Engine(std::make_unique<Impl>(
      home, std::move(folder), std::move(loop), std::move(store), std::move(janitor),
      std::move(warden), options.open_volume ? options.open_volume : open_any_volume,
      std::move(tiers), options.pool)));
}

Engine::~Engine() {
  if (::getpid() != owner_) {
    // The threads exist in the parent only, and the sandboxes are its own.
    [[maybe_unused]] Impl* parents = impl_.release();
  }
}

Result<StartResult> Engine::start(const StartRequest& request) {
  auto started = impl_->start(request);
  if (!started) {
    return std::unexpected(explain_full_home(std::move(started).error(), home()));
  }
  return started;
}

Result<std::shared_ptr<EphemeralFiles>> Engine::new_files() {
  return impl_->new_files();
}

std::shared_ptr<Sandbox> Engine::find(const Name& name) {
  return impl_->find(name);
}
Result<image::Image> Engine::snapshot(Sandbox& sandbox, const std::string& image_name,
                                      const std::stop_token& stop) {
  auto image = impl_->snapshot(sandbox, image_name, stop);
  if (!image) {
    return std::unexpected(explain_full_home(std::move(image).error(), home()));
  }
  return image;
}

Result<std::vector<std::shared_ptr<Sandbox>>> Engine::fork(Sandbox& sandbox,
                                                           const ForkRequest& request) {
  auto copies = impl_->fork(sandbox, request);
  if (!copies) {
    return std::unexpected(explain_full_home(std::move(copies).error(), home()));
  }
  return copies;
}

Result<> Engine::stop(const Name& name) {
  return impl_->stop(name);
}

Result<> Engine::remove(const Name& name) {
  auto removed = impl_->remove(name);
  if (!removed) {
    return std::unexpected(explain_full_home(std::move(removed).error(), home()));
  }
  return removed;
}

Result<std::vector<SandboxListing>> Engine::list(std::string_view namespace_name) {
  return impl_->list(namespace_name);
}

PoolStatus Engine::pool_status() {
  return impl_->pool_status();
}

const std::string& Engine::home() const {
  return impl_->home();
}
image::Store& Engine::images() {
  return impl_->images();
}

}  // namespace msb::engine
