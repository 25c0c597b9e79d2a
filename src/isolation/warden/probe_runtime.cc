// SPDX-License-Identifier: Apache-2.0
#include "isolation/warden/probe_runtime.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/sys.h"
#include "isolation/cgroup/backend.h"
#include "isolation/jail/jail.h"
#include "isolation/jail/status_report.h"
#include "isolation/oci/complaints.h"
#include "isolation/oci/container.h"
#include "isolation/warden/agent_image.h"
#include "isolation/warden/authority.h"
#include "isolation/warden/protocol.h"
#include "isolation/warden/restraint.h"
#include "wire/messages.h"

namespace msb::isolation::warden {
namespace {

namespace sys = base::sys;

constexpr int kPatienceMs = 20'000;

// A layer without anything and a folder to write to, beneath home.
Result<base::TempDir> make_files(const std::string& home) {
  TRY(base::make_folders(home + "/tmp", 0700));
  base::TempDir files = TRY(base::TempDir::create(home + "/tmp"));
  for (const char* name : {"/layer", "/writable"}) {
    const std::string path = files.path() + name;
    TRY(sys::mkdir(path, 0755));
    if (::chown(path.c_str(), jail::kStoreBase, jail::kStoreBase) < 0) {
      return std::unexpected(sys::error("chown", path));
    }
  }
  return files;
}

// The cgroup of the trial, gone with it.
class Group {
 public:
  static Result<Group> make(const std::string& id) {
    auto backend = TRY(cgroup::open_backend(id, ::getppid()));
    TRY(backend->make(id, Limits{}, cgroup::CpuWeight::kNormal));
    return Group(id, std::move(backend));
  }
  Group(Group&&) noexcept = default;
  Group& operator=(Group&&) = delete;
  ~Group() {
    if (backend_) {
      cgroup::remove_patiently(*backend_, id_);
      backend_->remove_engine();
    }
  }
  cgroup::Backend& backend() { return *backend_; }

 private:
  Group(std::string id, std::unique_ptr<cgroup::Backend> backend)
      : id_(std::move(id)), backend_(std::move(backend)) {}

  std::string id_;
  std::unique_ptr<cgroup::Backend> backend_;
};

// The runtime is executed, or why not.
Result<> await_runtime(int status) {
  for (;;) {
    const auto message = TRY(sys::receive_message(status, jail::kMaxStatusBytes));
    if (message.bytes.empty()) {
      return {};
    }
    auto report = TRY(jail::StatusReport::decode(message.bytes));
    if (report.kind == jail::StatusReport::Kind::kFailed) {
      return std::unexpected(std::move(report.error));
    }
  }
}

// The agent within answers to the host's first word.
Result<> converse(int stream, const std::string& id) {
  std::vector<std::byte> hello;
  wire::append_frame(hello, 0, wire::FrameType::kHello, wire::Hello{.instance_id = id}.encode());
  pollfd state{stream, POLLIN, 0};
  if (!base::write_all(stream, hello) || ::poll(&state, 1, kPatienceMs) <= 0) {
    return fail(ErrorCode::kTimeout, "the agent within does not answer");
  }
  std::byte first{};
  if (::recv(stream, &first, sizeof first, 0) <= 0) {
    return fail(ErrorCode::kUnavailable, "it ended before the agent within had answered");
  }
  return {};
}

}  // namespace

Result<> try_runtime(const oci::Runtime& runtime, const std::string& home,
                     const std::string& agent_path) {
  ::signal(SIGPIPE, SIG_IGN);
  const std::string pid = std::to_string(::getpid());
  const std::string id = std::string(kIdBytes - pid.size(), '0') + pid;
  const base::TempDir files = TRY(make_files(home));
  const std::string beneath_home = files.path().substr(home.size() + 1);
  const base::UniqueFd agent = TRY(load_agent(agent_path));
  const base::UniqueFd home_folder = TRY(sys::open(home, O_PATH | O_DIRECTORY));
  Group group = TRY(Group::make(id));
  auto [stream, their_stream] = TRY(sys::socketpair(AF_UNIX, SOCK_STREAM));
  auto [status, their_status] = TRY(sys::socketpair(AF_UNIX, SOCK_SEQPACKET));
  const oci::Complaints complaints = TRY(oci::open_complaints());
  TRY(restrain_warden({.is_root = is_host_root()}));
  if (::unshare(CLONE_NEWPID) < 0) {
    return std::unexpected(sys::error("unshare(pid)"));
  }
  const pid_t child = ::fork();
  if (child == 0) {
    jail::Plan plan;
    plan.id = id;
    plan.hostname = "probe";
    plan.layers = {beneath_home + "/layer"};
    plan.writable = beneath_home + "/writable";
    plan.tier = {.kind = Tier::Kind::kOci, .runtime = std::string(runtime.name)};
    plan.powers = {.is_root = is_host_root(), .disk_images = false};
    plan.cgroups = &group.backend();
    plan.home = home_folder.get();
    plan.agent = agent.get();
    plan.stream = their_stream.get();
    plan.status = their_status.get();
    plan.complaints = complaints.theirs.get();
    oci::run(plan);
  }
  if (child < 0) {
    return std::unexpected(sys::error("fork"));
  }
  their_stream.reset();
  their_status.reset();
  Result<> answered = await_runtime(status.get());
  if (answered) {
    answered = converse(stream.get(), id);
  }
  ::kill(child, SIGKILL);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  const std::string complaint = oci::read_complaint(complaints.ours);
  if (!answered && !complaint.empty()) {
    return std::unexpected(Error(answered.error().cause(), complaint));
  }
  return answered;
}

}  // namespace msb::isolation::warden
