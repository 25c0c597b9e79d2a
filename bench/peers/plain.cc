// SPDX-License-Identifier: Apache-2.0
//
// The two that need no runtime: the host itself, and bubblewrap as tight as its options go.
#include <unistd.h>

#include "bench/peers/peer.h"
#include "bench/process_tree.h"

namespace msb::bench {
namespace {

class Simple : public Peer {
 public:
  std::optional<Argv> exec(const std::string&, const IdleProgram&, const Argv&) const override {
    return std::nullopt;
  }
  std::optional<Argv> kill(const std::string&) const override { return std::nullopt; }
  std::vector<pid_t> processes(const std::string&, const IdleProgram& idle) const override {
    return tree_of(idle.pid());
  }
  Argv hello() const override { return with(kHelloPython); }
  Argv idle(const std::string&) const override { return with(kIdlePython); }

 private:
  virtual Argv with(std::string_view code) const = 0;
};

class HostPython : public Simple {
 public:
  std::string id() const override { return "python3"; }
  std::string name() const override { return "python3 -c, on the bare host"; }
  std::string missing() const override {
    return ::access("/usr/bin/python3", X_OK) == 0 ? "" : "not installed";
  }

 private:
  Argv with(std::string_view code) const override {
    return {"/usr/bin/python3", "-c", std::string(code)};
  }
};

class Bubblewrap : public Simple {
 public:
  explicit Bubblewrap(std::string rootfs) : rootfs_(std::move(rootfs)) {}
  std::string id() const override { return "bwrap"; }
  std::string name() const override { return "bubblewrap"; }
  std::string missing() const override {
    return ::access("/usr/bin/bwrap", X_OK) == 0 ? "" : "not installed";
  }

 private:
  Argv with(std::string_view code) const override {
    return {"/usr/bin/bwrap",
            "--unshare-all",
            "--die-with-parent",
            "--bind",
            rootfs_,
            "/",
            "--proc",
            "/proc",
            "--dev",
            "/dev",
            "--tmpfs",
            "/tmp",
            "--clearenv",
            "--setenv",
            "PATH",
            "/usr/bin:/bin",
            "/usr/bin/python3",
            "-c",
            std::string(code)};
  }
  std::string rootfs_;
};

}  // namespace

std::unique_ptr<Peer> host_python() {
  return std::make_unique<HostPython>();
}

std::unique_ptr<Peer> bubblewrap(const PeerRoot& root) {
  return std::make_unique<Bubblewrap>(root.rootfs());
}

}  // namespace msb::bench
