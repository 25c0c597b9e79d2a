// SPDX-License-Identifier: Apache-2.0
//
// vfork semantics by hand: the child borrows the parent's memory until it execs, so the cost does
// not depend on the size of the program, and it may only make system calls. A failing exec reports
// errno through a close-on-exec pipe.
#include "base/child_process.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/sys.h"

namespace msb::base {
namespace {

#ifndef P_PIDFD
constexpr auto kIdPidfd = static_cast<idtype_t>(3);
#else
constexpr auto kIdPidfd = P_PIDFD;
#endif

constexpr int kMaxTarget = 512;

[[noreturn]] void fail_child(int error_pipe) {
  const int error = errno;
  [[maybe_unused]] const ssize_t ignored = ::write(error_pipe, &error, sizeof error);
  ::_exit(127);
}

struct Prepared {
  const char* path;
  std::vector<char*> argv;
  std::vector<char*> env;
  const std::vector<std::pair<int, int>>* fds;
  std::vector<int> staged;
  bool new_session;
  int error_pipe;
  // Descriptors are first moved above every target number, so that no move overwrites a source. No
  // higher than that: the limit of this process may be low.
  int staging_floor;
};

// Runs between fork and exec: system calls only.
[[noreturn]] void run_child(Prepared& prepared) {
  // Handlers of the parent must not run here, and ignored signals must not be inherited.
  for (int number = 1; number < NSIG; ++number) {
    ::signal(number, SIG_DFL);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  if (prepared.new_session) {
    ::setsid();
  }
  const int error_pipe = ::fcntl(prepared.error_pipe, F_DUPFD_CLOEXEC, prepared.staging_floor);
  if (error_pipe < 0) {
    fail_child(prepared.error_pipe);
  }
  int highest = 2;
  for (std::size_t i = 0; i < prepared.fds->size(); ++i) {
    prepared.staged[i] = ::fcntl((*prepared.fds)[i].first, F_DUPFD_CLOEXEC, prepared.staging_floor);
    if (prepared.staged[i] < 0) {
      fail_child(error_pipe);
    }
  }
  for (int standard = 0; standard <= 2; ++standard) {
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) {
      fail_child(error_pipe);
    }
    if (null != standard) {
      ::dup2(null, standard);
      ::close(null);
    } else {
      ::fcntl(standard, F_SETFD, 0);
    }
  }
  for (std::size_t i = 0; i < prepared.fds->size(); ++i) {
    const int target = (*prepared.fds)[i].second;
    if (::dup2(prepared.staged[i], target) < 0) {
      fail_child(error_pipe);
    }
    highest = std::max(highest, target);
  }
  // What is not on the list is closed by the exec: marked, not closed, so the error pipe lives.
  for (int low = 3; low <= highest; ++low) {
    const bool listed = std::ranges::any_of(
        *prepared.fds, [low](const auto& entry) { return entry.second == low; });
    if (!listed) {
      ::fcntl(low, F_SETFD, FD_CLOEXEC);
    }
  }
  ::syscall(SYS_close_range, static_cast<unsigned>(highest + 1), ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
  ::execve(prepared.path, prepared.argv.data(), prepared.env.data());
  fail_child(error_pipe);
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (const std::string& string : strings) {
    // SAFETY: execve does not write through argv or envp.
    result.push_back(const_cast<char*>(string.c_str()));
  }
  result.push_back(nullptr);
  return result;
}

}  // namespace

std::string ExitStatus::text() const {
  if (signaled) {
    // glibc keeps the text per thread since 2.32.
    const char* const name = ::strsignal(code);  // NOLINT(concurrency-mt-unsafe)
    return "signal " + std::to_string(code) + " (" + name + ")";
  }
  return "exit status " + std::to_string(code);
}

namespace {

ChildProcess::Starter& starter() {
  static ChildProcess::Starter starter;
  return starter;
}

Result<> check_descriptors(const ChildSpec& spec) {
  for (const auto& [source, target] : spec.fds) {
    if (source < 0 || target < 0 || target >= kMaxTarget) {
      return fail(ErrorCode::kInternal, "spawn: descriptor out of range");
    }
  }
  return {};
}

Prepared prepare(const ChildSpec& spec, int error_pipe) {
  int highest = 2;
  for (const auto& [source, target] : spec.fds) {
    highest = std::max(highest, target);
  }
  Prepared prepared{spec.path.c_str(),
                    pointers(spec.argv),
                    {},
                    &spec.fds,
                    std::vector<int>(spec.fds.size(), -1),
                    spec.new_session,
                    error_pipe,
                    highest + 1};
  if (spec.env) {
    prepared.env = pointers(*spec.env);
  } else {
    for (char** entry = environ; *entry != nullptr; ++entry) {
      prepared.env.push_back(*entry);
    }
    prepared.env.push_back(nullptr);
  }
  return prepared;
}

// What the child had to say before its exec; 0: it is executed.
int exec_errno_from(int error_pipe) {
  int exec_errno = 0;
  const auto reported = sys::read(error_pipe, std::as_writable_bytes(std::span(&exec_errno, 1)));
  return reported && *reported == sizeof exec_errno ? exec_errno : 0;
}

}  // namespace

void ChildProcess::spawn_through(Starter new_starter) {
  starter() = std::move(new_starter);
}

Result<ChildProcess> ChildProcess::spawn(const ChildSpec& spec) {
  if (starter()) {
    return starter()(spec);
  }
  TRY(check_descriptors(spec));
  sys::Pipe error_pipe = TRY(sys::pipe());
  Prepared prepared = prepare(spec, error_pipe.write_end.get());

  // All signals are blocked while the child shares our memory.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, &before);
  const pid_t pid = ::vfork();  // NOLINT: the reason is in the head of this file
  if (pid == 0) {
    run_child(prepared);  // NOLINT(clang-analyzer-unix.Vfork): it calls nothing but the kernel
  }
  const int fork_errno = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) {
    return std::unexpected(sys::no_more_processes(fork_errno, "vfork"));
  }
  error_pipe.write_end.reset();
  if (const int exec_errno = exec_errno_from(error_pipe.read_end.get()); exec_errno != 0) {
    ::waitpid(pid, nullptr, 0);
    return std::unexpected(sys::error_of(exec_errno, "execve", spec.path));
  }
  auto pidfd = sys::pidfd_open(pid);
  if (!pidfd) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return std::unexpected(pidfd.error());
  }
  return ChildProcess(pid, std::move(*pidfd));
}

Result<SiblingProcess> spawn_sibling(const ChildSpec& spec) {
  TRY(check_descriptors(spec));
  sys::Pipe error_pipe = TRY(sys::pipe());
  Prepared prepared = prepare(spec, error_pipe.write_end.get());
  int pidfd = -1;
  clone_args args{};
  args.flags = CLONE_PARENT | CLONE_PIDFD;  // the signal of its end is that of our own
  args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  const long pid = ::syscall(SYS_clone3, &args, sizeof args);
  if (pid < 0) {
    return std::unexpected(sys::error("clone3(CLONE_PARENT)"));
  }
  if (pid == 0) {
    run_child(prepared);
  }
  error_pipe.write_end.reset();
  SiblingProcess sibling{.pid = static_cast<pid_t>(pid), .pidfd = UniqueFd(pidfd)};
  sibling.exec_errno = exec_errno_from(error_pipe.read_end.get());
  return sibling;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      status_(other.status_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    end();
    pid_ = std::exchange(other.pid_, -1);
    pidfd_ = std::move(other.pidfd_);
    status_ = other.status_;
  }
  return *this;
}

ChildProcess::~ChildProcess() {
  end();
}

void ChildProcess::end() noexcept {
  if (pid_ > 0 && !status_) {
    ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
    [[maybe_unused]] const auto reaped = wait();
  }
  pid_ = -1;
}

Result<> ChildProcess::signal(int signal_number) {
  if (status_) {
    return fail(ErrorCode::kNotFound, "signal: the process has ended");
  }
  return sys::pidfd_send_signal(pidfd_.get(), signal_number);
}

Result<std::optional<ExitStatus>> ChildProcess::wait(std::chrono::milliseconds timeout) {
  if (!status_ && pid_ > 0 && !TRY(sys::poll_one(pidfd_.get(), POLLIN, timeout))) {
    return std::nullopt;
  }
  return wait();
}

Result<ExitStatus> ChildProcess::wait() {
  if (status_) {
    return *status_;
  }
  if (pid_ <= 0) {
    return fail(ErrorCode::kInternal, "wait: no process");
  }
  siginfo_t info{};
  int result = 0;
  do {
    result = ::waitid(kIdPidfd, static_cast<id_t>(pidfd_.get()), &info, WEXITED);
  } while (result < 0 && errno == EINTR);
  if (result < 0) {
    return std::unexpected(sys::error("waitid"));
  }
  status_ = ExitStatus{info.si_code != CLD_EXITED, info.si_status};
  return *status_;
}

}  // namespace msb::base
