// SPDX-License-Identifier: Apache-2.0
//
// For tests: a $MSB_HOME with a minimal image, an engine's side of the warden, and sandboxes that
// run probe_agent.cc.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "isolation/warden_client.h"

namespace msb::isolation::testing {

// Why sandboxes cannot be made by this process, or nullopt.
std::optional<std::string> cannot_make_sandboxes();

std::string random_id();

class Guest {
 public:
  Guest(std::string its_id, StartedSandbox it) : id(std::move(its_id)), started(std::move(it)) {}
  // One request, one answer; "!gone" when the sandbox has ended.
  std::string ask(const std::string& request);
  // For requests after which no answer comes.
  void tell(const std::string& request);

  std::string id;
  StartedSandbox started;
};

class Host {
 public:
  // `patience`: see WardenOptions.
  explicit Host(std::chrono::milliseconds patience = WardenOptions{}.patience);
  ~Host();

  const std::string& home() const { return home_.path(); }
  WardenClient& warden() { return *warden_; }
  const std::string& engine_id() const { return engine_id_; }
  void end_warden() { warden_.reset(); }

  // A spec with one layer and a writable layer of its own; change it before start().
  SandboxSpec spec(const std::string& name = "test");
  Result<Guest> start(SandboxSpec spec);
  // With a spec of its own; fails the test when it cannot.
  Guest start();

  // The exit report of a sandbox; waits for it.
  std::optional<SandboxExit> exit_of(const std::string& id);

  // A new layer in store identity; `fill` gets its path.
  std::string make_layer(const std::string& name);
  // Gives a file or folder beneath home, with all in it, to the store identity.
  void give_to_store(const std::string& path);

 private:
  void on_exit(SandboxExit exit);

  base::TempDir home_;
  std::string engine_id_;
  std::string base_layer_;
  std::mutex mutex_;
  std::condition_variable exited_;
  std::map<std::string, SandboxExit> exits_;
  std::unique_ptr<WardenClient> warden_;
};

}  // namespace msb::isolation::testing
