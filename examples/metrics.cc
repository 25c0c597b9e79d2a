// SPDX-License-Identifier: Apache-2.0
//
// Metrics: processor time, memory and disk of a sandbox, as the kernel accounts for them.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <expected>
#include <thread>

#include "msb/msb.h"

namespace {

void show(const char* when, const msb::Metrics& metrics) {
  std::printf("%-14s running %s, CPU %5.1f %%, memory %4lld MiB, disk %6lld KiB\n", when,
              metrics.is_running ? "yes" : "no", metrics.cpu_percent,
              static_cast<long long>(metrics.memory_mib),
              static_cast<long long>(metrics.disk_bytes / 1024));
}

}  // namespace

int main() try {
  msb::PythonSandbox sandbox;
  const auto too_early = sandbox.metrics().all();
  if (too_early || !too_early.error().is(msb::ErrorCode::kSandboxNotStarted)) {
    return 1;
  }
  std::printf("before start: %s\n", too_early.error().message().c_str());

  sandbox.start().value();
  show("started", sandbox.metrics().all().value());

  sandbox.code().run("data = bytearray(64 * 2**20)").value();
  show("64 MiB held", sandbox.metrics().all().value());

  sandbox.command().run("dd", {"if=/dev/zero", "of=file", "bs=1M", "count=16"}).value();
  show("16 MiB written", sandbox.metrics().all().value());

  // CPU percent covers the time since the reading before: sample while something computes.
  std::atomic<bool> done = false;
  std::thread monitor([&sandbox, &done] {
    while (!done) {
      std::this_thread::sleep_for(std::chrono::milliseconds(250));
      if (const auto metrics = sandbox.metrics().all()) {
        show("computing", *metrics);
      }
    }
  });
  const auto computed = sandbox.code().run(
      "import time\n"
      "end = time.monotonic() + 1\n"
      "while time.monotonic() < end: pass\n");
  done = true;
  monitor.join();
  computed.value();

  sandbox.stop().value();
  return 0;
} catch (const std::bad_expected_access<msb::Error>& failure) {
  std::fprintf(stderr, "%s\n", failure.error().message().c_str());
  return 1;
}
