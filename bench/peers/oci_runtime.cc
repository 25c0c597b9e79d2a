// SPDX-License-Identifier: Apache-2.0
//
// crun, runc and gVisor's runsc, each started from the same bundles.
#include <unistd.h>

#include <atomic>

#include "base/try.h"
#include "bench/peers/oci_bundle.h"
#include "bench/peers/peer.h"
#include "bench/process_tree.h"

namespace msb::bench {
namespace {

class OciRuntime : public Peer {
 public:
  OciRuntime(std::string id, std::string name, Argv program, std::string bundles, int every = 1)
      : id_(std::move(id)),
        name_(std::move(name)),
        program_(std::move(program)),
        bundles_(std::move(bundles)),
        every_(every) {}

  std::string id() const override { return id_; }
  std::string name() const override { return name_; }
  std::string missing() const override {
    return ::access(program_.front().c_str(), X_OK) == 0 ? "" : "not installed";
  }
  Argv hello() const override {
    return with({"run", "--bundle", bundles_ + "/hello", fresh_name()});
  }
  Argv idle(const std::string& name) const override {
    return with({"run", "--bundle", bundles_ + "/idle", name});
  }
  std::optional<Argv> exec(const std::string& name, const IdleProgram&,
                           const Argv& command) const override {
    Argv all = with({"exec", name});
    all.insert(all.end(), command.begin(), command.end());
    return all;
  }
  std::optional<Argv> kill(const std::string& name) const override {
    return with({"kill", name, "KILL"});
  }
  // The one that we have started waits for our sake only.
  std::vector<pid_t> processes(const std::string&, const IdleProgram& idle) const override {
    std::vector<pid_t> tree = tree_of(idle.pid());
    std::erase(tree, idle.pid());
    return tree;
  }
  int every() const override { return every_; }

 private:
  Argv with(const Argv& words) const {
    Argv all = program_;
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }

  std::string id_;
  std::string name_;
  Argv program_;
  std::string bundles_;
  int every_;
};

}  // namespace

std::string fresh_name() {
  static std::atomic<int> last = 0;
  return "peer-" + std::to_string(::getpid()) + "-" + std::to_string(++last);
}

Result<std::vector<std::unique_ptr<Peer>>> oci_runtimes(const PeerRoot& root) {
  const std::string& state = root.state();
  const std::string bundles = state + "/bundles";
  TRY(write_oci_bundle(bundles + "/hello", root.rootfs(), kHelloPython));
  TRY(write_oci_bundle(bundles + "/idle", root.rootfs(), kIdlePython));
  const auto in = [&](const char* folder) { return state + "/" + folder; };
  std::vector<std::unique_ptr<Peer>> all;
  all.push_back(std::make_unique<OciRuntime>(
      "crun", "crun", Argv{"/usr/bin/crun", "--root", in("crun"), "--cgroup-manager", "cgroupfs"},
      bundles));
  all.push_back(std::make_unique<OciRuntime>(
      "crun_unlimited", "crun without cgroups",
      Argv{"/usr/bin/crun", "--root", in("crun"), "--cgroup-manager", "disabled"}, bundles));
  all.push_back(std::make_unique<OciRuntime>(
      "runc", "runc", Argv{"/usr/sbin/runc", "--root", in("runc")}, bundles));
  all.push_back(
      std::make_unique<OciRuntime>("runsc", "gVisor's runsc (ptrace)",
                                   Argv{"/usr/bin/runsc", "--root", in("runsc"), "--network",
                                        "none", "--platform", "ptrace", "--ignore-cgroups"},
                                   bundles, 5));
  return all;
}

}  // namespace msb::bench
