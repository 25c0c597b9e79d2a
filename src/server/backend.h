// SPDX-License-Identifier: Apache-2.0
//
// What the methods need of an engine, and no more: the seam at which tests put a backend that fails
// or blocks on purpose. Every call blocks its thread until done; all may be made at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "rpc/lines.h"
#include "rpc/params.h"
#include "rpc/process_params.h"
#include "rpc/results.h"

namespace msb::server {

struct SandboxName {
  std::string namespace_name;
  std::string sandbox;
};

// Called from a thread of the backend while a call runs; must not block for long.
using OutputSink = std::function<void(rpc::Stream stream, std::string_view bytes)>;
using PullSink = std::function<void(std::uint64_t done_bytes, std::uint64_t total_bytes)>;

// When output is passed on: at once, or in portions, which costs less.
enum class Delivery : std::uint8_t { kInPortions, kPrompt };

// How a run ended; its output has gone to the sink.
struct CodeEnd {
  rpc::CodeResult::Status status = rpc::CodeResult::Status::kSuccess;
  int exit_code = 0;
  bool state_lost = false;
  std::string limits_hit;
  std::uint64_t dropped_bytes = 0;
};

struct CommandEnd {
  int exit_code = 0;
  int signal = 0;
  std::string limits_hit;
  std::uint64_t dropped_bytes = 0;
};

// A command that runs; destroying it kills the command.
class BackendProcess {
 public:
  virtual ~BackendProcess() = default;
  // Blocks while the command does not read.
  virtual Result<> write_stdin(std::string_view bytes) = 0;
  virtual Result<> close_stdin() = 0;
  virtual Result<> signal(int number) = 0;
  virtual Result<> resize(std::uint16_t rows, std::uint16_t columns) = 0;
  // Once; the calls above may go on meanwhile.
  virtual Result<CommandEnd> wait() = 0;
};

// Sandboxes that are kept ready for starts to come.
struct SpareCounts {
  std::size_t ready = 0;
  std::size_t wanted = 0;
  // Since the beginning: starts that got one, starts that found none, and those that failed.
  std::uint64_t claimed = 0;
  std::uint64_t not_found = 0;
  std::uint64_t failed = 0;
};

enum class StartOutcome : std::uint8_t { kStarted, kWasRunning };

class Backend {
 public:
  virtual ~Backend() = default;

  // Rules for names, with the texts that clients know. kInvalidArgument.
  virtual Result<> check_sandbox_name(std::string_view name) const = 0;
  virtual Result<> check_namespace(std::string_view name) const = 0;

  // Starts it; running already is a success. Null: as it was defined by an earlier start.
  virtual Result<StartOutcome> start(const SandboxName& name, const rpc::StartConfig* config,
                                     const PullSink& on_pull, std::stop_token stop) = 0;
  // Returns when nothing of it runs. Not running is a success.
  virtual Result<> stop(const SandboxName& name) = 0;
  // Makes it stand still, and go on. Doing so already is a success. kSandboxNotStarted.
  virtual Result<> pause(const SandboxName& name) = 0;
  virtual Result<> resume(const SandboxName& name) = 0;
  // Makes an image of it, which sandboxes of its namespace can have; its name in full.
  virtual Result<std::string> snapshot(const SandboxName& name, const std::string& image,
                                       std::stop_token stop) = 0;
  // Makes copies of it, with all that runs in it; their names.
  virtual Result<std::vector<std::string>> fork(const SandboxName& name, std::size_t count,
                                                std::stop_token stop) = 0;
  // Stops it and deletes definition and files. Not existing is a success.
  virtual Result<> remove(const SandboxName& name) = 0;

  // kSandboxNotStarted if it does not run.
  virtual Result<CodeEnd> run_code(const SandboxName& name, const rpc::CodeParams& params,
                                   const OutputSink& sink, Delivery delivery,
                                   std::stop_token stop) = 0;
  virtual Result<CommandEnd> run_command(const SandboxName& name, const rpc::CommandParams& params,
                                         const OutputSink& sink, Delivery delivery,
                                         std::stop_token stop) = 0;

  // Returns when it runs; its output is passed on at once. `sink` must outlive it.
  virtual Result<std::unique_ptr<BackendProcess>> spawn(const SandboxName& name,
                                                        const rpc::SpawnParams& params,
                                                        const OutputSink& sink,
                                                        std::stop_token stop) = 0;

  // kSandboxNotStarted if it does not run.
  virtual Result<rpc::SandboxInfo> info(const SandboxName& name) = 0;
  // What is defined in a namespace ("*": in all), running or not.
  virtual Result<std::vector<rpc::SandboxMetrics>> metrics(std::string_view namespace_name) = 0;
  virtual SpareCounts spares() = 0;
  // The last bytes of what its background command has written.
  virtual Result<std::string> log(const SandboxName& name, std::size_t max_bytes) = 0;
};

}  // namespace msb::server
