// SPDX-License-Identifier: Apache-2.0
//
// The engine: starts, finds, lists and removes sandboxes, and owns all they share. One per program
// is usual; several are fine, and so are several programs on one $MSB_HOME. When it goes, every
// sandbox it has started ends. Thread-safe.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "engine/config.h"
#include "engine/pool.h"
#include "engine/sandbox.h"
#include "engine/volume_opener.h"
#include "image/store.h"
#include "wire/messages.h"

namespace msb::engine {

struct EngineOptions {
  std::string home;                    // empty: $MSB_HOME, else ~/.microsandbox
  std::string libexec_dir;             // empty: see base/locations.h
  VolumeOpener open_volume = nullptr;  // null: any file or folder of the host may be a volume
  PoolOptions pool;                    // of spare sandboxes; by default none
  // The tiers that sandboxes may have, the first by default. Empty: any, by default the jail.
  std::vector<std::string> isolation;
  std::chrono::milliseconds warden_patience = isolation::WardenOptions{}.patience;
};

struct StartRequest {
  Name name;
  // With an empty image: see Engine::start().
  Config config;
  enum class Kind {
    kPersistent,  // files and definition stay until remove()
    kEphemeral,   // the name was chosen by the caller: kAlreadyExists if it has a definition
    kAnonymous,   // ephemeral under a random name
  } kind = Kind::kPersistent;
  // For the ephemeral kinds, to find the files again at the next start; else made for this start.
  std::shared_ptr<EphemeralFiles> files;
  std::string default_image;
  std::vector<wire::Language> warm;
  image::ProgressCallback on_progress;
  std::stop_token stop;
};

struct StartResult {
  std::shared_ptr<Sandbox> sandbox;
  bool was_running = false;
};

inline constexpr std::size_t kMaxForks = 64;

struct SandboxListing {
  Name name;
  std::string image;
  bool is_running = false;
  bool is_paused = false;  // in this engine
  std::int64_t disk_bytes = 0;
};

class Engine {
 public:
  static Result<std::shared_ptr<Engine>> open(const EngineOptions& options);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  // Ends every sandbox. In a forked child it lets go of nothing: all of it is the parent's.
  ~Engine();

  // Starts a sandbox, or returns the persistent one that runs under that name already, unchanged;
  // a config with an image is then stored, for the next start.
  // An empty image means the stored definition's, else `default_image`; if, besides, every other
  // field has its default, the stored definition is used as it is.
  Result<StartResult> start(const StartRequest& request);
  // A place for the files of an ephemeral sandbox. Must not outlive the engine.
  Result<std::shared_ptr<EphemeralFiles>> new_files();
  // The one that runs in this engine, or null.
  std::shared_ptr<Sandbox> find(const Name& name);
  // Of a machine all of it, what runs included, under that name: to start with an image of the name
  // is to start a copy. Of others see Sandbox::snapshot().
  Result<image::Image> snapshot(Sandbox& sandbox, const std::string& image_name,
                                const std::stop_token& stop);
  // Copies of a machine that runs here, as it is in one moment, what runs included; it goes on.
  // They have names of their own, and publish no ports. All, or none and an error: kUnsupported
  // (not a machine, or one with volumes).
  struct ForkRequest {
    std::size_t count = 1;   // up to kMaxForks
    bool ephemeral = false;  // else they are defined, as by a start
    std::stop_token stop;
  };
  Result<std::vector<std::shared_ptr<Sandbox>>> fork(Sandbox& sandbox, const ForkRequest& request);
  // Ends the one that runs here, if one does. kTimeout: it lingers, see Sandbox.
  Result<> stop(const Name& name);
  // Ends it if it runs here, then deletes definition and files. Not existing is a success.
  // kConflict: it runs in another program.
  Result<> remove(const Name& name);
  // Persistent ones of a namespace, or of all ("*").
  Result<std::vector<SandboxListing>> list(std::string_view namespace_name);

  PoolStatus pool_status();
  const std::string& home() const;
  image::Store& images();

 private:
  class Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
  const pid_t owner_;
};

}  // namespace msb::engine
