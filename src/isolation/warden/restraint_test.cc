// SPDX-License-Identifier: Apache-2.0
//
// What a warden still can do is asked of the kernel while one runs, and tried by a process that has
// given up the same.
#include "isolation/warden/restraint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/privileges.h"
#include "isolation/testing/guest.h"
#include "isolation/warden/authority.h"

namespace msb::isolation::testing {
namespace {

namespace fs = std::filesystem;

// /proc/PID/status of the processes of an engine's warden: the keeper is our child.
std::vector<std::map<std::string, std::string>> warden_processes(const std::string& engine_id) {
  std::vector<std::map<std::string, std::string>> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const auto line = base::read_file(entry.path() / "cmdline", 64 * 1024);
    const auto status = base::read_file(entry.path() / "status", 64 * 1024);
    if (!line || !status || !line->starts_with("msb-warden") || !line->contains(engine_id)) {
      continue;
    }
    std::map<std::string, std::string> fields;
    std::istringstream text(*status);
    for (std::string row; std::getline(text, row);) {
      const auto colon = row.find(":\t");
      fields[row.substr(0, colon)] = colon == std::string::npos ? "" : row.substr(colon + 2);
    }
    found.push_back(std::move(fields));
  }
  return found;
}

std::uint64_t capabilities(const std::string& hexadecimal) {
  return std::stoull(hexadecimal, nullptr, 16);
}

constexpr std::uint64_t kNeverAWardens = base::capability_set(
    {CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_BOOT, CAP_SYS_TIME, CAP_SYS_PACCT, CAP_SYSLOG, CAP_BPF,
     CAP_PERFMON, CAP_NET_RAW, CAP_NET_BIND_SERVICE, CAP_MAC_ADMIN, CAP_MAC_OVERRIDE,
     CAP_AUDIT_CONTROL, CAP_AUDIT_WRITE, CAP_DAC_READ_SEARCH, CAP_LINUX_IMMUTABLE, CAP_IPC_OWNER,
     CAP_SYS_NICE, CAP_CHECKPOINT_RESTORE});

TEST(Restraint, AWardenAndItsKeeperRunWithoutWhatTheyDoNotNeed) {
  if (const auto reason = cannot_make_sandboxes()) {
    GTEST_SKIP() << *reason;
  }
  const Host host;
  const auto processes = warden_processes(host.engine_id());
  ASSERT_EQ(processes.size(), 2u);
  int keepers = 0;
  for (const auto& status : processes) {
    EXPECT_EQ(status.at("NoNewPrivs"), "1");
    EXPECT_EQ(status.at("Seccomp"), "2");
    EXPECT_EQ(capabilities(status.at("CapBnd")) & kNeverAWardens, 0u) << status.at("CapBnd");
    EXPECT_EQ(capabilities(status.at("CapPrm")) & kNeverAWardens, 0u) << status.at("CapPrm");
    EXPECT_EQ(capabilities(status.at("CapInh")), 0u);
    EXPECT_EQ(capabilities(status.at("CapAmb")), 0u);
    keepers += capabilities(status.at("CapPrm")) == 0 ? 1 : 0;
  }
  EXPECT_EQ(keepers, 1) << "the process that only waits keeps nothing";
}

// errno of the call in a restrained process of its own; 0: it worked.
int outcome(const std::function<long()>& call) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (!warden::restrain_warden({.is_root = warden::is_host_root()})) {
      ::_exit(255);
    }
    ::_exit(call() < 0 ? errno : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Restraint, TheKernelRefusesAWardenWhatItDoesNotNeed) {
  const struct {
    const char* name;
    long number;
  } calls[] = {{"bpf", SYS_bpf},
               {"perf_event_open", SYS_perf_event_open},
               {"init_module", SYS_init_module},
               {"finit_module", SYS_finit_module},
               {"delete_module", SYS_delete_module},
               {"kexec_load", SYS_kexec_load},
               {"kexec_file_load", SYS_kexec_file_load},
               {"io_uring_setup", SYS_io_uring_setup},
               {"userfaultfd", SYS_userfaultfd},
               {"keyctl", SYS_keyctl},
               {"add_key", SYS_add_key},
               {"open_by_handle_at", SYS_open_by_handle_at},
               {"reboot", SYS_reboot},
               {"settimeofday", SYS_settimeofday},
               {"clock_settime", SYS_clock_settime},
               {"swapon", SYS_swapon},
               {"quotactl", SYS_quotactl},
               {"acct", SYS_acct},
               {"syslog", SYS_syslog},
               {"fanotify_init", SYS_fanotify_init}};
  for (const auto& [name, number] : calls) {
    // Arguments that no kernel takes: where the filter had a hole, EINVAL or EFAULT would say so.
    EXPECT_EQ(outcome([number] { return ::syscall(number, -1L, -1L, -1L, -1L, -1L, -1L); }), EPERM)
        << name;
  }
  // As a control: what it does need gets as far as the kernel.
  EXPECT_EQ(outcome([] { return ::syscall(SYS_setns, -1, 0); }), EBADF);
}

}  // namespace
}  // namespace msb::isolation::testing
