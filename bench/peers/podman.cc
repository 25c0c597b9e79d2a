// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "bench/peers/peer.h"
#include "bench/process_tree.h"

namespace msb::bench {
namespace {

class Podman : public Peer {
 public:
  explicit Podman(const PeerRoot& root) : rootfs_(root.rootfs()), state_(root.state()) {}

  std::string id() const override { return "podman"; }
  std::string name() const override { return "podman"; }
  std::string missing() const override {
    return ::access("/usr/bin/podman", X_OK) == 0 ? "" : "not installed";
  }
  Argv hello() const override { return run(fresh_name(), kHelloPython); }
  Argv idle(const std::string& name) const override { return run(name, kIdlePython); }
  std::optional<Argv> exec(const std::string& name, const IdleProgram&,
                           const Argv& command) const override {
    Argv all = with({"exec", name});
    all.insert(all.end(), command.begin(), command.end());
    return all;
  }
  std::optional<Argv> kill(const std::string& name) const override { return with({"kill", name}); }
  // The monitor, which has left its parent, and what it keeps.
  std::vector<pid_t> processes(const std::string& name, const IdleProgram& idle) const override {
    std::vector<pid_t> all;
    for (const pid_t pid : processes_with_argument(name)) {
      if (pid != idle.pid()) {
        const std::vector<pid_t> tree = tree_of(pid);
        all.insert(all.end(), tree.begin(), tree.end());
      }
    }
    return all;
  }
  int every() const override { return 5; }

 private:
  Argv with(const Argv& words) const {
    Argv all = {"/usr/bin/podman",          "--root",
                state_ + "/podman",         "--runroot",
                state_ + "/podrun",         "--cgroup-manager=cgroupfs",
                "--storage-driver=overlay", "--events-backend=none"};
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }
  // Its own default limits on open files and processes need a capability that root in a container
  // lacks.
  Argv run(const std::string& name, std::string_view code) const {
    return with({"run", "--rm", "--interactive", "--name", name, "--network=none", "--memory=512m",
                 "--memory-swap=512m", "--cpus=1", "--pids-limit=512", "--ulimit=nofile=1024:1024",
                 "--ulimit=nproc=512:512", "--user=1000:1000", "--workdir=/", "--rootfs",
                 rootfs_ + ":O", "/usr/bin/python3", "-c", std::string(code)});
  }

  std::string rootfs_;
  std::string state_;
};

}  // namespace

std::unique_ptr<Peer> podman(const PeerRoot& root) {
  return std::make_unique<Podman>(root);
}

}  // namespace msb::bench
