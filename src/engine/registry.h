// SPDX-License-Identifier: Apache-2.0
//
// Which sandboxes of this engine run, by name. A name is claimed before its start begins, so of two
// starts of one name at once the second waits for the first to succeed or fail. It is free again
// when nothing is left of its sandbox, whether the start has succeeded or not.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <utility>
#include <variant>
#include <vector>

#include "base/try.h"
#include "engine/config.h"
#include "engine/sandbox.h"

namespace msb::engine {

class Registry {
 public:
  // The right to start a name. Gives the name up unless settle() was called.
  class Claim {
   public:
    Claim(Registry* registry, Name name) : registry_(registry), name_(std::move(name)) {}
    Claim(Claim&& other) noexcept
        : registry_(std::exchange(other.registry_, nullptr)), name_(std::move(other.name_)) {}
    Claim& operator=(Claim&&) = delete;
    ~Claim();
    // The sandbox runs under that name from now on, until it has ended.
    void settle(const std::shared_ptr<Sandbox>& sandbox);

   private:
    Registry* registry_;
    Name name_;
  };

  // A claim, or the sandbox that runs already. Waits while another thread starts or buries it.
  // kCancelled; kUnavailable: the engine is closing; kTimeout: the last one lingers.
  Result<std::variant<Claim, std::shared_ptr<Sandbox>>> claim(const Name& name,
                                                              const std::stop_token& stop);
  // Running, or null.
  std::shared_ptr<Sandbox> find(const Name& name);
  // Running, or not at its end yet, or null.
  std::shared_ptr<Sandbox> find_any(const Name& name);
  std::vector<std::shared_ptr<Sandbox>> all();
  // Forgets it if it has ended; keeps it if it lingers, listed or not.
  void note_end(Sandbox& sandbox);
  // No claims any more.
  void close();

 private:
  void give_up(const Name& name);

  std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  std::map<Name, std::shared_ptr<Sandbox>> sandboxes_;  // null: claimed
  bool closed_ = false;
};

}  // namespace msb::engine
