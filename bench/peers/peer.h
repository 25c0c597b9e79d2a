// SPDX-License-Identifier: Apache-2.0
//
// Others that do some of the same work. None of them is on the measured path of ours, and what one
// cannot do is said, not left out.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/peers/program.h"

namespace msb::bench {

// The programs that start a container look for its name; each is used once.
std::string fresh_name();

class Peer {
 public:
  virtual ~Peer() = default;

  virtual std::string id() const = 0;    // "crun"
  virtual std::string name() const = 0;  // "crun 1.8.1"
  // Why it cannot run here; empty when it can.
  virtual std::string missing() const = 0;

  // A fresh one that runs print('hi') and ends.
  virtual Argv hello() const = 0;
  // A fresh one, known as `name`, that is an IdleProgram.
  virtual Argv idle(const std::string& name) const = 0;
  // Runs `command` in that one, or nothing where there is no such thing.
  virtual std::optional<Argv> exec(const std::string& name, const IdleProgram& idle,
                                   const Argv& command) const = 0;
  // Kills that one, which then leaves nothing; nothing where there is no runtime to ask.
  virtual std::optional<Argv> kill(const std::string& name) const = 0;
  // The processes that an idle one needs to go on, monitors included.
  virtual std::vector<pid_t> processes(const std::string& name, const IdleProgram& idle) const = 0;
  // Takes part in every n-th round.
  virtual int every() const { return 1; }
};

// The image's files where the peers find them: its layers and an empty writable one over them,
// mounted in a mount namespace of this process. It goes with the process, however that ends.
class PeerRoot {
 public:
  // Before this process has other threads.
  static Result<PeerRoot> mount(const std::vector<std::string>& layers);
  const std::string& rootfs() const { return rootfs_; }
  // A folder for whatever the peers keep.
  const std::string& state() const { return state_; }

 private:
  PeerRoot() = default;
  std::string rootfs_;
  std::string state_;
};

std::unique_ptr<Peer> host_python();
std::unique_ptr<Peer> bubblewrap(const PeerRoot& root);
// Writes the bundles that all of them start from.
Result<std::vector<std::unique_ptr<Peer>>> oci_runtimes(const PeerRoot& root);
std::unique_ptr<Peer> podman(const PeerRoot& root);

}  // namespace msb::bench
