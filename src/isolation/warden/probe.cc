// SPDX-License-Identifier: Apache-2.0
//
// Every answer comes from trying. What changes the process that tries (namespaces, users, filters)
// is tried in a child, whose Error comes back through a pipe.
#include "isolation/warden/probe.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <functional>
#include <vector>

#include "base/file.h"
#include "base/sys.h"
#include "isolation/cgroup/backend.h"
#include "isolation/in_child.h"
#include "isolation/jail/disk_image.h"
#include "isolation/jail/landlock.h"
#include "isolation/jail/layers.h"
#include "isolation/jail/mounts.h"
#include "isolation/jail/overlay.h"
#include "isolation/jail/system_calls.h"
#include "isolation/jail/writable_layer.h"
#include "isolation/microvm/host_needs.h"
#include "isolation/probe_text.h"
#include "isolation/warden/authority.h"
#include "isolation/warden/probe_runtime.h"
#include "isolation/warden/protocol.h"
#include "isolation/warden/rootless_ids.h"

namespace msb::isolation::warden {
namespace {

namespace sys = base::sys;
using Level = Finding::Level;

class Examination {
 public:
  explicit Examination(std::string home) : home_(std::move(home)) {}

  TierProbe run() {
    examine_kernel();
    examine_user();
    examine_namespaces();
    examine_layers();
    examine_writable_layer();
    examine_seccomp();
    examine_landlock();
    examine_cgroups();
    return std::move(probe_);
  }

 private:
  void add(std::string topic, Level level, std::string detail, std::string remedy = {}) {
    probe_.findings.push_back({std::move(topic), level, std::move(detail),
                               level == Level::kGood ? "" : std::move(remedy)});
  }

  void add_tried(std::string topic, const Result<>& tried, Level otherwise, std::string works,
                 std::string remedy) {
    tried ? add(std::move(topic), Level::kGood, std::move(works))
          : add(std::move(topic), otherwise, tried.error().message(), std::move(remedy));
  }

  void examine_kernel() {
    utsname name{};
    ::uname(&name);
    add("kernel", Level::kGood, std::string(name.sysname) + " " + name.release);
  }

  void examine_user() {
    if (is_host_root()) {
      add("user", Level::kGood, "root: each sandbox gets a range of user ids of its own");
      return;
    }
    const auto entered = in_child([]() -> Result<> {
      const jail::IdRange got = TRY(enter_own_user_namespace());
      return got.count > 1 ? Result<>() : fail(ErrorCode::kUnsupported, "one user id only");
    });
    if (entered) {
      add("user", Level::kWeak, "not root: all sandboxes share the ids of /etc/subuid",
          "run as root for a range of ids per sandbox, a disk limit and cgroup limits");
    } else {
      add("user", Level::kWeak, "not root, " + entered.error().message(),
          "install uidmap and add a line 'user:100000:65536' to /etc/subuid and /etc/subgid");
    }
  }

  // As the warden would be: root, or root of a user namespace of its own.
  Result<> with_authority(const std::function<Result<>()>& attempt) {
    return in_child([&]() -> Result<> {
      if (!is_host_root()) {
        TRY(enter_own_user_namespace());
      }
      return attempt();
    });
  }

  void examine_namespaces() {
    struct Kind {
      const char* name;
      int flag;
    };
    constexpr Kind kKinds[] = {{"mount", CLONE_NEWNS},    {"pid", CLONE_NEWPID},
                               {"network", CLONE_NEWNET}, {"ipc", CLONE_NEWIPC},
                               {"uts", CLONE_NEWUTS},     {"cgroup", CLONE_NEWCGROUP}};
    for (const Kind& kind : kKinds) {
      const auto tried = with_authority([&]() -> Result<> {
        return ::unshare(kind.flag) < 0 ? Result<>(std::unexpected(sys::error("unshare")))
                                        : Result<>();
      });
      add_tried(std::string(kind.name) + " namespace", tried, Level::kMissing, "works",
                "run on the host, or in a container started with --privileged");
    }
    const auto user = with_authority([]() -> Result<> {
      const jail::IdMap map = jail::sandbox_map({is_host_root() ? jail::kStoreBase : 0, 1});
      TRY(jail::make_user_namespace(map, map, jail::NamespaceUse::kMounts));
      return {};
    });
    add_tried(
        "user namespace", user, Level::kMissing, "works",
        "set user.max_user_namespaces, and kernel.unprivileged_userns_clone=1 where it exists");
  }

  // A folder beneath home for what must be tried on its file system.
  Result<base::TempDir> make_scratch() {
    TRY(base::make_folders(home_ + "/tmp", 0700));
    return base::TempDir::create(home_ + "/tmp");
  }

  void examine_layers() {
    const auto overlay = with_authority([this]() -> Result<> {
      const base::TempDir scratch = TRY(make_scratch());
      return try_overlay(scratch.path(), -1);
    });
    add_tried("overlay file system", overlay, Level::kMissing, "works",
              "load the kernel module 'overlay'; $MSB_HOME must not be on overlay or NFS");
    if (is_host_root()) {
      add_tried("idmapped layers", try_mapped_layers(home_), Level::kWeak, "works",
                "a kernel from 5.19 on, and $MSB_HOME on ext4, xfs or btrfs");
    }
  }

  // In a mount namespace of the calling child's own.
  static Result<> try_overlay(const std::string& scratch, int id_map) {
    if (::unshare(CLONE_NEWNS) < 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) {
      return std::unexpected(sys::error("unshare(mount)"));
    }
    for (const char* folder : {"/layer", "/writable", "/staging"}) {
      TRY(sys::mkdir(scratch + folder, 0755));
    }
    const base::UniqueFd home = TRY(sys::open(scratch, O_PATH | O_DIRECTORY));
    const auto layers = TRY(jail::clone_layers(home.get(), {"layer"}, id_map));
    const base::UniqueFd folder = TRY(sys::openat(home.get(), "writable", O_PATH | O_DIRECTORY));
    const jail::WritableLayer writable = TRY(jail::clone_writable_folder(folder.get(), id_map));
    TRY(jail::prepare_overlay_folders(writable.mount.get()));
    const base::UniqueFd staging = TRY(jail::make_file_system("tmpfs", {}, 0));
    const base::UniqueFd target = TRY(sys::openat(home.get(), "staging", O_PATH | O_DIRECTORY));
    TRY(jail::attach(staging.get(), target.get()));
    if (::fchdir(staging.get()) < 0) {
      return std::unexpected(sys::error("fchdir"));
    }
    TRY(jail::mount_overlay(staging.get(), layers, writable.mount));
    if (::chdir("/") < 0 || ::umount2((scratch + "/staging").c_str(), MNT_DETACH) < 0) {
      return std::unexpected(sys::error("umount"));
    }
    return {};
  }

  void examine_writable_layer() {
    if (!is_host_root()) {
      add("disk limit", Level::kWeak, "not enforced: loop devices need root", "run as root");
      return;
    }
    const auto tried = in_child([this]() -> Result<> {
      const base::TempDir scratch = TRY(make_scratch());
      const base::UniqueFd folder = TRY(sys::open(scratch.path(), O_RDONLY | O_DIRECTORY));
      const base::UniqueFd image = TRY(jail::open_disk_image(folder.get(), folder.get(), 16 << 20));
      TRY(jail::mount_disk_image(image.get(), scratch.path(), -1));
      return {};
    });
    add_tried("disk limit", tried, Level::kWeak, "ext4 images on loop devices",
              "install e2fsprogs; give the container /dev/loop-control and the loop devices");
  }

  void examine_seccomp() {
    const auto tried = in_child([]() -> Result<> {
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      return jail::restrict_system_calls(jail::SetIdBits::kMeaningless);
    });
    add_tried("system call filter", tried, Level::kMissing, "works",
              "a kernel built with CONFIG_SECCOMP_FILTER");
  }

  void examine_landlock() {
    const int abi = jail::landlock_abi();
    if (abi >= 2) {
      add("landlock", Level::kGood, "ABI " + std::to_string(abi));
    } else {
      add("landlock", Level::kWeak, "not available: the other walls stand without it",
          "a kernel from 5.19 on with 'landlock' among its lsm=");
    }
  }

  void examine_cgroups() {
    // Its own for each examination: several may run.
    const std::string pid = std::to_string(::getpid());
    const std::string id = std::string(kIdBytes - pid.size(), '0') + pid;
    auto backend = cgroup::open_backend(id, ::getppid());
    if (!backend) {
      add("cgroups", Level::kWeak, backend.error().message(), "mount /sys/fs/cgroup");
      return;
    }
    cgroup::Backend& found = **backend;
    const Limits limits;
    auto made = found.make(id, limits, cgroup::CpuWeight::kNormal);
    if (made) {
      [[maybe_unused]] const auto removed = found.remove(id);
    }
    found.remove_engine();
    add("cgroups", Level::kGood, found.v2() ? "version 2" : "version 1");
    const auto limit = [&](const char* topic, bool there) {
      const Level level = there && made ? Level::kGood : Level::kWeak;
      add(topic, level,
          !made   ? made.error().message()
          : there ? "enforced"
                  : "not enforced",
          "run as root, or have the controllers delegated: systemd-run --user --scope -p "
          "Delegate=yes");
    };
    limit("memory limit", found.limits_memory());
    limit("CPU limit", found.limits_cpu());
    limit("limit on processes", found.limits_processes());
  }

  std::string home_;
  TierProbe probe_{.tier = to_text(Tier{}), .findings = {}};
};

TierProbe examine_runtime(const oci::Runtime& runtime, const std::string& home,
                          const std::string& agent_path) {
  TierProbe probe{
      .tier = to_text(Tier{.kind = Tier::Kind::kOci, .runtime = std::string(runtime.name)}),
      .findings = {}};
  const auto program = oci::find_program(runtime);
  if (!program) {
    probe.findings.push_back({"program", Level::kMissing, program.error().message(),
                              "apt-get install " + std::string(runtime.package)});
    return probe;
  }
  probe.findings.push_back({"program", Level::kGood, *program, {}});
  const auto tried = in_child([&] { return try_runtime(runtime, home, agent_path); });
  if (tried) {
    probe.findings.push_back({"container", Level::kGood, "runs, and its agent answers", {}});
  } else {
    probe.findings.push_back({"container", Level::kMissing, tried.error().message(),
                              "use another tier, or what the message says"});
  }
  return probe;
}

}  // namespace

int probe(const std::string& home, const std::string& agent_path) {
  std::vector<TierProbe> found = {Examination(home).run()};
  for (const oci::Runtime& runtime : oci::known_runtimes()) {
    found.push_back(examine_runtime(runtime, home, agent_path));
  }
  // Where the agent is, its like are.
  found.push_back({.tier = to_text(Tier{.kind = Tier::Kind::kMicrovm, .runtime = {}}),
                   .findings = microvm::examine_host(is_host_root(),
                                                     agent_path.substr(0, agent_path.rfind('/')))});
  return base::write_all(1, to_text(found)) ? 0 : 1;
}

}  // namespace msb::isolation::warden
