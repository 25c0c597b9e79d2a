// SPDX-License-Identifier: Apache-2.0
//
// Commands that clients talk to while they run, by id. An id is known to whoever started the
// command, and good for the sandbox it was started in. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "server/backend.h"

namespace msb::server {

class Processes {
 public:
  // Listed for as long as this lives.
  class Listed {
   public:
    Listed(Processes& processes, std::string id) : processes_(&processes), id_(std::move(id)) {}
    Listed(Listed&& other) noexcept
        : processes_(std::exchange(other.processes_, nullptr)), id_(std::move(other.id_)) {}
    Listed& operator=(Listed&&) = delete;
    ~Listed();
    const std::string& id() const { return id_; }

   private:
    Processes* processes_;
    std::string id_;
  };

  Result<Listed> add(SandboxName sandbox, std::shared_ptr<BackendProcess> process);
  // kNotFound.
  Result<std::shared_ptr<BackendProcess>> find(const SandboxName& sandbox, const std::string& id);

 private:
  struct Entry {
    SandboxName sandbox;
    std::shared_ptr<BackendProcess> process;
  };

  std::mutex mutex_;  // guards what follows
  std::map<std::string, Entry> entries_;
};

}  // namespace msb::server
