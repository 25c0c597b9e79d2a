// SPDX-License-Identifier: Apache-2.0
//
// The child is made with CLONE_VM | CLONE_VFORK: it borrows the agent's memory while the agent
// waits, until it has executed or failed. Nothing is copied (with fork, the agent is back after ten
// times as long, most of it in copying the pages it touches next), and the failing step and its
// errno come back through plain memory. The price: between clone and exec the child must not
// allocate, lock, or touch anything but its own Child record, so all it needs is prepared before,
// and it changes its identity with bare system calls (glibc's would act on the agent's thread
// list).
#include "agent/spawn.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <string>

#include "base/file.h"
#include "base/parse.h"
#include "base/sys.h"

namespace msb::agent {
namespace {

constexpr std::size_t kStackBytes = 64 * 1024;
constexpr int kExecFailed = 127;

enum class Step {
  kNone,
  kSession,
  kTerminal,
  kDescriptors,
  kFolder,
  kGroups,
  kGroup,
  kUser,
  kExec
};

const char* name_of(Step step) {
  constexpr std::array kNames = {"clone",     "setsid",    "ioctl(TIOCSCTTY)", "dup2", "chdir",
                                 "setgroups", "setresgid", "setresuid",        "exec"};
  return kNames[static_cast<std::size_t>(step)];
}

struct Child {
  const SpawnPlan& plan;
  std::vector<char*> candidates;
  std::vector<char*> argv;
  std::vector<char*> env;
  bool change_identity = false;
  const std::string& oom_score;
  rlimit descriptors{};
  // Written by the child, read by the agent when it has gone on.
  Step failed_step = Step::kNone;
  int failed_errno = 0;
};

// What the agent was started with and its children get back.
struct Inherited {
  rlimit descriptors{};
  std::string oom_score;  // of its children, who are to be killed before the agent
};

// Memory that belongs to the kernel (pipes, page tables, dying processes) makes it kill whoever is
// left, by size and by this score. The agent must not go first: its end is the sandbox's. A child
// may raise its score without a privilege, and lower it again only to the agent's.
std::string oom_score_of_children() {
  constexpr int kAboveTheAgents = 100;
  constexpr int kHighest = 1000;
  const auto text = base::read_file("/proc/self/oom_score_adj", 16);
  const auto own = text ? base::parse_number<int>(text->substr(0, text->find('\n'))) : std::nullopt;
  return std::to_string(std::min(own.value_or(0) + kAboveTheAgents, kHighest));
}

const Inherited& inherited() {
  static const Inherited values = [] {
    Inherited now;
    ::getrlimit(RLIMIT_NOFILE, &now.descriptors);
    now.oom_score = oom_score_of_children();
    return now;
  }();
  return values;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (const std::string& string : strings) {
    result.push_back(const_cast<char*>(string.c_str()));
  }
  result.push_back(nullptr);
  return result;
}

[[noreturn]] void give_up(Child& child, Step step) {
  child.failed_step = step;
  child.failed_errno = errno;
  ::syscall(SYS_exit, kExecFailed);
  __builtin_unreachable();
}

void place(Child& child, int fd, int number) {
  // The agent keeps 0 to 2 open on /dev/null and its stream on 3, so no source is overwritten.
  if (fd >= 0 && ::dup2(fd, number) < 0) {
    give_up(child, Step::kDescriptors);
  }
}

// What cannot be had is no reason to fail: these make a guest's life more regular, not safer.
void set_limits(const Child& child) {
  const rlimit mark{.rlim_cur = child.plan.mark, .rlim_max = child.plan.mark};
  ::setrlimit(RLIMIT_RTTIME, &mark);
  ::setrlimit(RLIMIT_NOFILE, &child.descriptors);
  const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd >= 0) {
    [[maybe_unused]] const ssize_t written =
        ::write(fd, child.oom_score.data(), child.oom_score.size());
    ::close(fd);
  }
}

void become(Child& child) {
  const Identity& identity = child.plan.identity;
  if (!child.change_identity) {
    return;
  }
  if (::syscall(SYS_setgroups, identity.groups.size(), identity.groups.data()) < 0 &&
      (errno != EPERM || ::getgroups(0, nullptr) != 0)) {
    // A user namespace made without privilege forbids setgroups; there are none to drop then.
    give_up(child, Step::kGroups);
  }
  if (::syscall(SYS_setresgid, identity.gid, identity.gid, identity.gid) < 0) {
    give_up(child, Step::kGroup);
  }
  if (::syscall(SYS_setresuid, identity.uid, identity.uid, identity.uid) < 0) {
    give_up(child, Step::kUser);
  }
}

// As execvp: the first candidate that can be executed; EACCES only if no other was better.
[[noreturn]] void execute(Child& child) {
  int reason = ENOENT;
  for (char* const* path = child.candidates.data(); *path != nullptr; ++path) {
    ::execve(*path, child.argv.data(), child.env.data());
    if (errno == EACCES) {
      reason = EACCES;
    } else if (errno != ENOENT && errno != ENOTDIR) {
      reason = errno;
      break;
    }
  }
  errno = reason;
  give_up(child, Step::kExec);
}

int run_child(void* argument) {
  Child& child = *static_cast<Child*>(argument);
  const SpawnPlan& plan = child.plan;
  if (::setsid() < 0) {
    give_up(child, Step::kSession);
  }
  if (plan.controlling_terminal && ::ioctl(plan.stdin_fd, TIOCSCTTY, 0) < 0) {
    give_up(child, Step::kTerminal);
  }
  place(child, plan.stdin_fd, STDIN_FILENO);
  place(child, plan.stdout_fd, STDOUT_FILENO);
  place(child, plan.stderr_fd, STDERR_FILENO);
  place(child, plan.extra_fd, kExtraFd);
  // All others are close-on-exec already; this is for what the agent may have been handed.
  const unsigned first = plan.extra_fd >= 0 ? kExtraFd + 1 : kExtraFd;
  ::syscall(SYS_close_range, first, ~0u, CLOSE_RANGE_CLOEXEC);
  set_limits(child);
  if (::chdir(plan.workdir.c_str()) < 0) {
    give_up(child, Step::kFolder);
  }
  become(child);
  ::umask(022);
  // Only SIGPIPE is ignored by the agent, and ignoring survives exec.
  struct sigaction by_default{};
  by_default.sa_handler = SIG_DFL;
  ::sigaction(SIGPIPE, &by_default, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  execute(child);
}

Error spawn_error(const Child& child) {
  const SpawnPlan& plan = child.plan;
  const int reason = child.failed_errno;
  switch (child.failed_step) {
    case Step::kFolder:
      return base::sys::error_of(reason, "chdir", plan.workdir);
    case Step::kExec:
      if (reason == ENOEXEC || reason == ETXTBSY || reason == ELOOP) {
        return Error(ErrorCode::kPermissionDenied, plan.argv.front(), reason);
      }
      if (reason == E2BIG) {
        return Error(ErrorCode::kInvalidArgument, plan.argv.front(), reason);
      }
      return Error(base::sys::error_of(reason, "exec").code(), plan.argv.front(), reason);
    default:
      return base::sys::error_of(reason, name_of(child.failed_step));
  }
}

char* child_stack() {
  static char* const stack = [] {
    void* memory = ::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    return memory != MAP_FAILED ? static_cast<char*>(memory) : nullptr;
  }();
  return stack;
}

}  // namespace

void use_all_descriptors() {
  rlimit limit = inherited().descriptors;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Result<pid_t> spawn(const SpawnPlan& plan) {
  Child child{.plan = plan,
              .candidates = pointers(plan.candidates),
              .argv = pointers(plan.argv),
              .env = pointers(plan.env.entries()),
              .change_identity = ::geteuid() == 0,
              .oom_score = inherited().oom_score,
              .descriptors = inherited().descriptors};
  if (!child.change_identity && plan.identity.uid != ::geteuid()) {
    return fail(ErrorCode::kPermissionDenied,
                "the agent is not root here and cannot run anything as uid " +
                    std::to_string(plan.identity.uid));
  }
  char* const stack = child_stack();
  if (stack == nullptr) {
    return fail(ErrorCode::kOutOfMemory, "mmap", ENOMEM);
  }
  // The agent has no signal handlers, so none can run on the borrowed memory.
  const pid_t pid =
      ::clone(&run_child, stack + kStackBytes, CLONE_VM | CLONE_VFORK | SIGCHLD, &child);
  if (pid < 0) {
    const int reason = errno;
    if (reason == EAGAIN) {
      return fail(ErrorCode::kTooManyProcesses,
                  "clone: no more processes and threads may be made in the sandbox", reason);
    }
    if (reason == ENOMEM) {
      return fail(ErrorCode::kOutOfMemory, "clone", reason);
    }
    return std::unexpected(base::sys::error_of(reason, "clone"));
  }
  if (child.failed_step != Step::kNone) {
    // It has ended already; the reaper collects it like any orphan.
    return std::unexpected(spawn_error(child));
  }
  return pid;
}

}  // namespace msb::agent
