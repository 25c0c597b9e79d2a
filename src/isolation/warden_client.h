// SPDX-License-Identifier: Apache-2.0
//
// The engine's end of the warden: starts the msb-warden process and asks it to make and end
// sandboxes. The warden ends, with every sandbox it made, when this object or the program that
// owns it goes away, for whatever reason.
//
//   WardenClient::spawn ──► [msb-warden] ──► create ──► ... exit report ... ◄── destroy
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/try.h"
#include "isolation/sandbox_spec.h"

namespace msb::isolation {

struct WardenOptions {
  std::string warden_path;  // msb-warden executable
  std::string agent_path;   // msb-agent executable
  std::string home;         // $MSB_HOME: layer_paths and writable_path must lie beneath it
  std::string engine_id;    // [0-9a-f]{16}; names this engine's cgroups
  // More than any answer takes that is not about something being built.
  std::chrono::milliseconds patience{30'000};
};

// How a sandbox ended.
struct SandboxExit {
  std::string id;
  enum class Cause { kDestroyed, kAgentExited, kAgentKilled, kWardenGone } cause{};
  int code = 0;                // exit status or signal of the agent
  bool out_of_memory = false;  // the kernel killed it at its memory limit
  std::string complaint{};     // last words of the program that it ran under: an OCI runtime
};

// A warden that does not answer (it was stopped, or hangs in the kernel) holds no caller up for
// ever: a call then fails with kTimeout, which names the process, after WardenOptions::patience; a
// create after twice that, and the calls after it after a second. What was asked for is done all
// the same if the warden goes on, but a sandbox whose create has failed is destroyed.
class WardenClient {
 public:
  // `on_exit` is called from a thread of the client, once per sandbox, after every process of the
  // sandbox is gone; it must not block and must not call back into the client.
  static Result<std::unique_ptr<WardenClient>> spawn(const WardenOptions& options,
                                                     std::function<void(SandboxExit)> on_exit);
  WardenClient(const WardenClient&) = delete;
  WardenClient& operator=(const WardenClient&) = delete;
  ~WardenClient();

  // Ends the warden and all sandboxes, and waits for it; kills it if it does not end. All have been
  // reported then, and every call fails with kUnavailable. So does the destructor.
  void end();

  // Returns once the jail is complete and the agent is being executed. Thread-safe; calls from
  // several threads run at the same time. Takes as long as it takes, as long as the warden answers
  // anything. On failure nothing is left behind.
  Result<StartedSandbox> create(SandboxSpec spec);

  // Gives a spare sandbox its name and its limits: kernel, cgroups and /dev/shm; /etc is the
  // agent's to write. It is then a sandbox like any other. kConflict: it is no spare (any more).
  // After any failure it is good for destroy() only. Thread-safe.
  Result<> adjust(const std::string& id, const Adjustment& adjustment);

  // Stops every process of the sandbox where it stands and returns when all of them are still, or
  // lets them go on. As often as one likes. kUnsupported: this host cannot. kNotFound: it is gone.
  // Thread-safe.
  Result<> freeze(const std::string& id, Motion motion);

  // Kills every process of the sandbox, frozen or not, and returns when they are gone and its
  // limits, mounts and identity are free again. Not existing (any more) is a success. Thread-safe.
  Result<> destroy(const std::string& id);

  // Removes what dead engines left in cgroups. Called by the engine once, after spawn.
  Result<> sweep();

 private:
  class Impl;
  explicit WardenClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace msb::isolation
