// SPDX-License-Identifier: Apache-2.0
//
// One started instance of a sandbox, from the moment its jail exists until nothing of it is left.
//
//   launch ──► [running] ── stop(), death of agent or warden, broken protocol ──► [ending] ──►
//   [ended]
//
// Whoever notices the end first does the ending; everybody else waits for it. Thread-safe.
//
// A warden that does not answer cannot say whether anything is left. The sandbox is then lingering:
// it keeps its name, its files and its warden until the warden's word, or end, ends it, or a
// stop().
//
//   [ending] ── kTimeout ──► [lingering] ── exit report, stop() ──► [ending]
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "engine/config.h"
#include "engine/exit_board.h"
#include "engine/gauges.h"
#include "engine/port_forwarder.h"
#include "engine/process.h"
#include "engine/sandbox_folder.h"
#include "engine/sandbox_log.h"
#include "engine/session.h"
#include "image/store.h"
#include "isolation/warden_client.h"

namespace msb::engine {

// All that a sandbox is made of; put together by Launcher.
struct SandboxParts {
  Name name;
  std::string instance_id;
  Config config;
  isolation::Tier tier;
  isolation::Limits limits;
  SandboxFolder folder;
  image::Image image;  // with its lease
  std::vector<std::string> weaknesses;
  std::unique_ptr<PortForwarder> ports;
  std::shared_ptr<isolation::WardenClient> warden;
  base::UniqueFd orders;  // of a machine (isolation/machine_orders.h)
  std::shared_ptr<ExitReport> exit_report;
  std::shared_ptr<Gauges> gauges;
  std::shared_ptr<Session> session;
  // Told of each language when an interpreter has first answered a run in it; may be null.
  std::function<void(wire::Language)> on_language;
};

class Sandbox : public std::enable_shared_from_this<Sandbox> {
 public:
  // `on_ended` is called after the end, and after each ending that leaves it lingering, in the
  // thread that did the ending. Whoever it tells must keep a sandbox that lingers.
  static std::shared_ptr<Sandbox> create(SandboxParts parts, const EngineFolder& engine_folder,
                                         std::function<void(Sandbox&)> on_ended);
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;
  ~Sandbox();

  const Name& name() const { return parts_.name; }
  const std::string& instance_id() const { return parts_.instance_id; }
  const Config& config() const { return parts_.config; }
  const isolation::Tier& tier() const { return parts_.tier; }
  bool is_ephemeral() const { return is_ephemeral_; }
  const std::vector<PortRule>& ports() const { return ports_; }
  const std::vector<std::string>& weaknesses() const { return parts_.weaknesses; }
  std::vector<std::string> image_command() const;
  const image::Image& image() const { return parts_.image; }

  // Once it is paused: kSandboxPaused.
  Result<CodeEnd> run_code(const CodeRequest& request, const OutputSink& sink);
  Result<CommandEnd> run_command(const CommandRequest& request, const OutputSink& sink);
  Result<std::unique_ptr<Process>> spawn(CommandRequest request, OutputSink sink);

  // Zeros but for the disk when it does not run any more.
  Usage usage();
  // What a fresh writable layer would use for itself.
  std::int64_t disk_base_bytes() const { return parts_.gauges->disk_base(); }
  bool is_running() const;
  // Nothing of it is left.
  bool has_ended() const;
  // Why it could not be ended, while it lingers.
  std::optional<Error> why_lingering() const;
  Result<std::string> log(std::size_t max_bytes) const { return log_.tail(max_bytes); }
  // The exit status of Config::exec once it has ended.
  std::optional<int> exec_exit_code() const;

  // Opens the published ports.
  Result<> start_ports();
  // Starts Config::exec, if there is one.
  Result<> begin_exec();
  // The end will delete the sandbox's files, too.
  void discard_files_at_end();

  // Stops it where it stands, and lets it go on. See msb/sandbox.h.
  Result<> pause();
  Result<> resume();
  bool is_paused() const { return is_paused_; }

  // Writes a machine as it is, in one moment, into the folder (machine_files.h); it goes on. Waits
  // for the runs of code that are under way. kUnsupported: it is none, or has volumes.
  Result<> save(const std::string& folder, const std::stop_token& stop);

  // Its image with what has been written here on top, as another image. Its files are those of one
  // moment where it can be made to stand still meanwhile. Not of a machine.
  Result<image::Image> snapshot(image::Store& store, const std::string& image_name,
                                const std::stop_token& stop);

  // Ends every process and frees everything but persistent files. Returns when it is done.
  // kTimeout: the warden does not answer, the sandbox lingers.
  Result<> stop();
  // The same after the sandbox has ended by itself: waits for the warden's word on why.
  void bury();

 private:
  enum class State { kRunning, kEnding, kLingering, kEnded };

  Sandbox(SandboxParts parts, const EngineFolder& engine_folder,
          std::function<void(Sandbox&)> on_ended);
  Result<> end(const Error& reason);
  Result<> settle(State state, Result<> result);
  void run_exec();
  Result<> require_running() const;
  Result<> require_motion() const;
  Result<> require_copyable() const;
  Result<> save_still(const std::string& folder);
  Result<> set_motion(isolation::Motion motion);
  Result<> move(isolation::Motion motion);

  SandboxParts parts_;
  const std::vector<PortRule> ports_;
  const bool is_ephemeral_;
  const EngineFolder& engine_folder_;
  const std::function<void(Sandbox&)> on_ended_;
  SandboxLog log_;

  std::array<std::atomic<bool>, 2> has_run_{};  // code, by language
  std::thread exec_thread_;
  std::atomic<int> exec_exit_code_{-1};  // -1: not ended

  // Held for as long as a snapshot takes; before the others.
  std::mutex snapshot_mutex_;
  std::stop_source ending_;

  // Taken before the other one, for as long as the sandbox takes to come to rest.
  std::mutex motion_mutex_;
  std::atomic<bool> is_paused_ = false;  // changed under motion_mutex_

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  State state_ = State::kRunning;
  bool discards_files_ = false;
  Result<> ended_;  // what the last ending came to
};

}  // namespace msb::engine
