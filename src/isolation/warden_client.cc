// SPDX-License-Identifier: Apache-2.0
//
// One thread reads the socket; callers write to it, one message each, and wait for the reply that
// carries their number. The end of the socket is the end of the warden: every waiting call fails
// and every sandbox is reported.
//
// A warden may also be silent: stopped by a signal, in a debugger, held by the kernel. A call that
// has waited too long gives up, but its request cannot be called back: it lies in the socket, and
// is carried out when the warden goes on. So whoever gives up sends after it what undoes it.
#include "isolation/warden_client.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <thread>
#include <utility>
#include <variant>

#include "base/child_process.h"
#include "base/pidfd.h"
#include "base/sys.h"
#include "base/thread.h"
#include "isolation/warden/protocol.h"

namespace msb::isolation {
namespace {

namespace sys = base::sys;

// The time each step of a jail takes, on standard error (see jail.cc).
constexpr const char* kTraceVariable = "MSB_TRACE_JAIL";

constexpr std::chrono::seconds kBirthPatience{30};
constexpr std::chrono::seconds kDeathPatience{10};
// With a warden that has already let a call wait in vain, and has said nothing since.
constexpr std::chrono::milliseconds kShortPatience{1000};
// To end, it kills all its sandboxes and removes their cgroups: so many times its patience.
constexpr int kEndPatience = 4;

Error warden_gone() {
  return {ErrorCode::kUnavailable,
          "the warden, which holds all sandboxes of this program, has ended"};
}

// `path` as the warden wants it: relative to home.
Result<std::string> beneath(const std::string& home, const std::string& path, const char* field) {
  std::size_t begin = home.size();
  if (!path.starts_with(home) || begin >= path.size() || path[begin] != '/') {
    return fail(ErrorCode::kInvalidArgument,
                std::string(field) + " '" + path + "': must be beneath " + home);
  }
  while (begin < path.size() && path[begin] == '/') {
    ++begin;
  }
  return path.substr(begin);
}

Result<> check_counts(const SandboxSpec& spec) {
  if (spec.volumes.size() > warden::kMaxVolumes) {
    return fail(ErrorCode::kInvalidArgument, "volumes: " + std::to_string(spec.volumes.size()) +
                                                 " of them, at most " +
                                                 std::to_string(warden::kMaxVolumes));
  }
  if (spec.layer_paths.size() > warden::kMaxLayers) {
    return fail(ErrorCode::kInvalidArgument, "layers: " + std::to_string(spec.layer_paths.size()) +
                                                 " of them, at most " +
                                                 std::to_string(warden::kMaxLayers));
  }
  return {};
}

Result<> check_length(const std::string& text, std::size_t max, const char* field) {
  if (text.size() > max) {
    return fail(ErrorCode::kInvalidArgument, std::string(field) + " '" + text + "': longer than " +
                                                 std::to_string(max) + " bytes");
  }
  return {};
}

Result<warden::MachineEntry> machine_of(const MachineSpec& spec, const std::string& home) {
  TRY(check_length(spec.image_digest, warden::kImageDigestBytes, "image_digest"));
  warden::MachineEntry entry{
      .image_digest = spec.image_digest, .begin = spec.begin, .template_folder = {}};
  if (!spec.template_path.empty()) {
    entry.template_folder = TRY(beneath(home, spec.template_path, "template"));
    TRY(check_length(entry.template_folder, warden::kMaxHomePathBytes, "template"));
  }
  return entry;
}

Result<warden::CreateRequest> request_of(const SandboxSpec& spec, const std::string& home) {
  TRY(check_counts(spec));
  TRY(check_length(spec.id, warden::kMaxNameBytes, "id"));
  TRY(check_length(spec.name, warden::kMaxNameBytes, "name"));
  TRY(check_length(spec.hostname, warden::kMaxNameBytes, "hostname"));
  warden::CreateRequest request;
  request.tier = spec.tier;
  request.id = spec.id;
  request.name = spec.name;
  request.hostname = spec.hostname;
  for (const std::string& layer : spec.layer_paths) {
    request.layers.push_back(TRY(beneath(home, layer, "layer")));
    TRY(check_length(request.layers.back(), warden::kMaxHomePathBytes, "layer"));
  }
  request.writable = TRY(beneath(home, spec.writable_path, "writable_path"));
  TRY(check_length(request.writable, warden::kMaxHomePathBytes, "writable_path"));
  request.limits = spec.limits;
  for (const Volume& volume : spec.volumes) {
    TRY(check_length(volume.guest_path, warden::kMaxGuestPathBytes, "volume"));
    request.volumes.push_back({volume.guest_path, volume.read_only});
  }
  request.volume_uid = spec.volume_uid;
  request.volume_gid = spec.volume_gid;
  request.is_spare = spec.is_spare;
  if (spec.machine) {
    request.machine = TRY(machine_of(*spec.machine, home));
  }
  return request;
}

// The descriptors of a CreatedReply, in their places.
Result<StartedSandbox> sandbox_of(warden::CreatedReply reply, std::vector<base::UniqueFd> fds) {
  StartedSandbox started;
  started.weaknesses = std::move(reply.weaknesses);
  started.gauges.cgroup_v2 = reply.cgroup_v2;
  started.gauges.disk_limited = reply.disk_limited;
  const std::pair<warden::GaugeBit, base::UniqueFd*> gauges[] = {
      {warden::kMemoryCurrent, &started.gauges.memory_current},
      {warden::kMemoryStat, &started.gauges.memory_stat},
      {warden::kMemoryEvents, &started.gauges.memory_events},
      {warden::kCpuUsage, &started.gauges.cpu_usage},
      {warden::kPidsEvents, &started.gauges.pids_events},
      {warden::kWritableLayer, &started.gauges.writable_layer},
      {warden::kOrders, &started.orders}};
  std::size_t next = 0;
  const auto take = [&](base::UniqueFd& place) {
    if (next == fds.size()) {
      return false;
    }
    place = std::move(fds[next++]);
    return true;
  };
  bool complete = take(started.stream);
  for (const auto& [bit, place] : gauges) {
    if ((reply.gauges & bit) != 0) {
      complete = complete && take(*place);
    }
  }
  if (!complete || next != fds.size()) {
    return fail(ErrorCode::kCorrupt, "reply of the warden: descriptors do not match");
  }
  return started;
}

// What sends to a full socket gives up then, with EAGAIN.
Result<> set_send_limit(int socket, std::chrono::milliseconds limit) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit);
  const std::chrono::microseconds rest = limit - seconds;
  const timeval value{.tv_sec = seconds.count(), .tv_usec = rest.count()};
  if (::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &value, sizeof value) < 0) {
    return std::unexpected(sys::error("setsockopt(SO_SNDTIMEO)"));
  }
  return {};
}

// What takes a request back that is carried out after its caller has given up.
std::optional<warden::Request> opposite_of(const warden::Request& request) {
  if (const auto* create = std::get_if<warden::CreateRequest>(&request)) {
    return warden::DestroyRequest{0, create->id};
  }
  const auto* freeze = std::get_if<warden::FreezeRequest>(&request);
  if (freeze != nullptr && freeze->motion == Motion::kFrozen) {
    return warden::FreezeRequest{0, freeze->id, Motion::kFree};
  }
  return std::nullopt;
}

struct Answer {
  warden::Reply reply;
  std::vector<base::UniqueFd> fds;
  bool fds_lost = false;  // this program may not have that many
};

struct Waiting {
  std::string creates;  // the sandbox's id, of a create
  std::optional<Answer> answer;
};

}  // namespace

class WardenClient::Impl {
 public:
  Impl(const WardenOptions& options, base::UniqueFd socket, base::ChildProcess process,
       std::function<void(SandboxExit)> on_exit)
      : home_(options.home),
        patience_(options.patience),
        socket_(std::move(socket)),
        process_(std::move(process)),
        on_exit_(std::move(on_exit)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  ~Impl() { end(); }

  void end() {
    // The warden takes the end of the socket as its order to end all, and is waited for.
    ::shutdown(socket_.get(), SHUT_WR);
    if (warden_) {
      const auto dead = sys::poll_one(warden_.get(), POLLIN, patience_with_the_end());
      if (dead && !*dead) {
        [[maybe_unused]] const auto killed = sys::pidfd_send_signal(warden_.get(), SIGKILL);
      }
    }
    if (reader_.joinable()) {
      reader_.join();
    }
    bury_keeper();
  }

  // The warden's first word.
  Result<> greet() {
    if (!TRY(sys::poll_one(socket_.get(), POLLIN, kBirthPatience))) {
      return fail(ErrorCode::kTimeout, "start the warden (process " +
                                           std::to_string(process_.pid()) +
                                           "): it has not said a word; is it stopped?");
    }
    Answer answer = TRY(receive());
    if (auto* failed = std::get_if<warden::FailedReply>(&answer.reply)) {
      return std::unexpected(std::move(failed->error));
    }
    if (answer.fds_lost) {
      return std::unexpected(sys::error_of(EMFILE, "recvmsg"));
    }
    if (answer.fds.size() != 1) {
      return fail(ErrorCode::kCorrupt, "the warden's first word: no pidfd");
    }
    warden_ = std::move(answer.fds.front());
    warden_pid_ = TRY(base::pid_of(warden_.get()));
    reader_ = TRY(base::start_thread([this] { read_replies(); }));
    return {};
  }

  // By value: the descriptors of the volumes stay open until they are sent.
  Result<StartedSandbox> create(SandboxSpec spec) {  // NOLINT(performance-unnecessary-value-param)
    warden::CreateRequest request = TRY(request_of(spec, home_));
    std::vector<int> fds;
    fds.reserve(spec.volumes.size());
    for (const Volume& volume : spec.volumes) {
      fds.push_back(volume.source.get());
    }
    Answer answer = TRY(ask(std::move(request), fds, spec.id));
    if (auto* created = std::get_if<warden::CreatedReply>(&answer.reply)) {
      if (answer.fds_lost) {
        answer.fds.clear();
        [[maybe_unused]] const auto ended = expect_done(warden::DestroyRequest{0, spec.id});
        return std::unexpected(sys::error_of(EMFILE, "recvmsg"));
      }
      return sandbox_of(std::move(*created), std::move(answer.fds));
    }
    return unexpected_reply(std::move(answer));
  }

  Result<> expect_done(warden::Request request) {
    Answer answer = TRY(ask(std::move(request), {}, {}));
    if (std::holds_alternative<warden::DoneReply>(answer.reply)) {
      return {};
    }
    return unexpected_reply(std::move(answer));
  }

 private:
  static std::unexpected<Error> unexpected_reply(Answer answer) {
    if (auto* failed = std::get_if<warden::FailedReply>(&answer.reply)) {
      return std::unexpected(std::move(failed->error));
    }
    return fail(ErrorCode::kCorrupt, "reply of the warden: of the wrong kind");
  }

  Result<Answer> receive() {
    auto message = TRY(sys::receive_message(socket_.get(), warden::kMaxMessageBytes));
    if (message.bytes.empty()) {
      return std::unexpected(warden_gone());
    }
    warden::Reply reply = TRY(warden::decode_reply(message.bytes));
    return Answer{std::move(reply), std::move(message.fds), message.fds_lost};
  }

  // `creates`: the id of the sandbox that the request makes.
  Result<Answer> ask(warden::Request request, std::span<const int> fds, std::string creates) {
    const bool builds = !creates.empty();
    std::uint32_t number = 0;
    {
      const std::lock_guard lock(mutex_);
      if (gone_) {
        return std::unexpected(warden_gone());
      }
      number = ++last_request_;
      waiting_.emplace(number, Waiting{std::move(creates), std::nullopt});
    }
    if (auto sent = send(request, number, fds); !sent) {
      const std::lock_guard lock(mutex_);
      waiting_.erase(number);
      return std::unexpected(std::move(sent).error());
    }
    std::unique_lock lock(mutex_);
    const auto is_over = [&] { return gone_ || waiting_.at(number).answer.has_value(); };
    while (!answered_.wait_for(lock, patience(), is_over)) {
      if (builds) {
        lock.unlock();
        const bool answers = answers_at_all();
        lock.lock();
        if (answers || is_over()) {
          continue;
        }
      }
      waiting_.erase(number);
      is_silent_ = true;
      const std::uint32_t next = ++last_request_;
      lock.unlock();
      if (auto opposite = opposite_of(request)) {
        [[maybe_unused]] const auto sent = send(*opposite, next, {});
      }
      return std::unexpected(silence());
    }
    auto node = waiting_.extract(number);
    std::optional<Answer>& answer = node.mapped().answer;
    if (!answer) {
      return std::unexpected(warden_gone());
    }
    return *std::move(answer);
  }

  Result<> send(warden::Request& request, std::uint32_t number, std::span<const int> fds) {
    std::visit([number](auto& message) { message.request = number; }, request);
    auto sent = sys::send_message(socket_.get(), warden::encode(request), fds);
    if (sent) {
      return {};
    }
    if (sent.error().cause() == ErrorCode::kUnavailable) {
      return std::unexpected(warden_gone());
    }
    if (sent.error().sys_errno() == EAGAIN) {
      const std::lock_guard lock(mutex_);
      is_silent_ = true;
      return std::unexpected(silence());
    }
    return std::unexpected(std::move(sent).error().wrap("ask the warden"));
  }

  // To destroy what is not there is done at once.
  bool answers_at_all() { return expect_done(warden::DestroyRequest{}).has_value(); }

  // Under the mutex.
  std::chrono::milliseconds patience() const {
    return is_silent_ ? std::min(patience_, kShortPatience) : patience_;
  }

  std::chrono::milliseconds patience_with_the_end() {
    const std::lock_guard lock(mutex_);
    return is_silent_ ? patience() : kEndPatience * patience_;
  }

  Error silence() const {
    const std::string pid = std::to_string(warden_pid_);
    return {ErrorCode::kTimeout, "the warden (process " + pid +
                                     "), which holds all sandboxes of this program, does not "
                                     "answer; if it was stopped, 'kill -CONT " +
                                     pid + "' lets it go on, and 'kill -KILL " + pid +
                                     "' ends it with all sandboxes"};
  }

  void read_replies() {
    for (;;) {
      auto answer = receive();
      if (!answer) {
        break;
      }
      hear();
      if (auto* exited = std::get_if<warden::Exited>(&answer->reply)) {
        forget(exited->exit.id);
        on_exit_(std::move(exited->exit));
        continue;
      }
      deliver(std::move(*answer));
    }
    // The socket is closed first; the sandboxes die a moment later, and the warden after them.
    [[maybe_unused]] const auto dead = sys::poll_one(warden_.get(), POLLIN, kDeathPatience);
    end_all();
    bury_keeper();  // here, because the next warden may never be needed
  }

  // It ends with the warden, unless it is stopped itself.
  void bury_keeper() {
    if (const auto ended = process_.wait(kDeathPatience); ended && !*ended) {
      [[maybe_unused]] const auto killed = process_.signal(SIGKILL);
      [[maybe_unused]] const auto reaped = process_.wait();
    }
  }

  void hear() {
    const std::lock_guard lock(mutex_);
    is_silent_ = false;
  }

  void deliver(Answer answer) {
    const std::uint32_t number = std::visit(
        [](const auto& reply) -> std::uint32_t {
          if constexpr (requires { reply.request; }) {
            return reply.request;
          } else {
            return 0;
          }
        },
        answer.reply);
    const std::lock_guard lock(mutex_);
    if (const auto found = waiting_.find(number); found != waiting_.end()) {
      // Before any later message, which may be its end.
      if (std::holds_alternative<warden::CreatedReply>(answer.reply)) {
        living_.insert(found->second.creates);
      }
      found->second.answer = std::move(answer);
      answered_.notify_all();
    }
  }

  void end_all() {
    std::set<std::string> left;
    {
      const std::lock_guard lock(mutex_);
      gone_ = true;
      left.swap(living_);
      answered_.notify_all();
    }
    for (const std::string& id : left) {
      on_exit_({.id = id, .cause = SandboxExit::Cause::kWardenGone});
    }
  }

  void forget(const std::string& id) {
    const std::lock_guard lock(mutex_);
    living_.erase(id);
  }

  const std::string home_;
  const std::chrono::milliseconds patience_;
  base::UniqueFd socket_;
  base::ChildProcess process_;  // the warden's keeper
  base::UniqueFd warden_;       // pidfd of the warden, whose death is the death of all sandboxes
  pid_t warden_pid_ = 0;
  std::function<void(SandboxExit)> on_exit_;
  std::thread reader_;

  std::mutex mutex_;
  std::condition_variable answered_;
  std::map<std::uint32_t, Waiting> waiting_;
  std::set<std::string> living_;
  std::uint32_t last_request_ = 0;
  bool gone_ = false;
  bool is_silent_ = false;  // has let a call wait in vain, and has said nothing since
};

WardenClient::WardenClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WardenClient::~WardenClient() = default;

Result<std::unique_ptr<WardenClient>> WardenClient::spawn(
    const WardenOptions& options, std::function<void(SandboxExit)> on_exit) {
  auto [ours, theirs] = TRY(sys::socketpair(AF_UNIX, SOCK_SEQPACKET));
  TRY(set_send_limit(ours.get(), options.patience));
  std::vector<std::string> env;
  std::vector<std::pair<int, int>> fds = {{theirs.get(), 3}};
  if (::getenv(kTraceVariable) != nullptr) {
    env.push_back(std::string(kTraceVariable) + "=1");
    fds.emplace_back(2, 2);
  }
  base::ChildProcess process = TRY(base::ChildProcess::spawn(
      {.path = options.warden_path,
       .argv = {"msb-warden", "serve", options.home, options.agent_path, options.engine_id},
       .env = std::move(env),
       .fds = std::move(fds),
       .new_session = true}));
  theirs.reset();
  auto impl =
      std::make_unique<Impl>(options, std::move(ours), std::move(process), std::move(on_exit));
  TRY(impl->greet());
  return std::unique_ptr<WardenClient>(new WardenClient(std::move(impl)));
}

void WardenClient::end() {
  impl_->end();
}

Result<StartedSandbox> WardenClient::create(SandboxSpec spec) {
  return impl_->create(std::move(spec));
}

Result<> WardenClient::adjust(const std::string& id, const Adjustment& adjustment) {
  TRY(check_length(adjustment.hostname, warden::kMaxNameBytes, "hostname"));
  return impl_->expect_done(warden::AdjustRequest{
      .id = id, .hostname = adjustment.hostname, .limits = adjustment.limits});
}

Result<> WardenClient::freeze(const std::string& id, Motion motion) {
  return impl_->expect_done(warden::FreezeRequest{.id = id, .motion = motion});
}

Result<> WardenClient::destroy(const std::string& id) {
  return impl_->expect_done(warden::DestroyRequest{0, id});
}

Result<> WardenClient::sweep() {
  return impl_->expect_done(warden::SweepRequest{});
}

}  // namespace msb::isolation
