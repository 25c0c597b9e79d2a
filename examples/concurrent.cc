// SPDX-License-Identifier: Apache-2.0
//
// Many threads: one sandbox shared by several, and several sandboxes at once. Runs of one language
// in one sandbox take turns and keep their output apart; sandboxes run side by side.
#include <atomic>
#include <cstdio>
#include <expected>
#include <string>
#include <thread>
#include <vector>

#include "msb/msb.h"

namespace {

constexpr int kThreads = 3;
constexpr int kRunsEach = 5;
constexpr int kSandboxes = 4;

// Says what failed and counts it.
template <typename T>
bool failed(const msb::Result<T>& result, std::atomic<int>& failures) {
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().message().c_str());
    ++failures;
  }
  return !result;
}

void share_one(std::atomic<int>& failures) {
  msb::PythonSandbox sandbox;
  if (failed(sandbox.start(), failures) || failed(sandbox.code().run("total = 0"), failures)) {
    return;
  }
  std::vector<std::jthread> threads;
  threads.reserve(kThreads);
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int run = 0; run < kRunsEach; ++run) {
        const std::string mark = std::to_string(thread) + "." + std::to_string(run);
        const auto execution = sandbox.code().run("total += 1\nprint('" + mark + "')");
        if (!failed(execution, failures) && execution->output() != mark) {
          std::fprintf(stderr, "run %s got '%s'\n", mark.c_str(), execution->output().c_str());
          ++failures;
        }
      }
    });
  }
  threads.clear();  // joins them
  const auto total = sandbox.code().run("total");
  if (!failed(total, failures)) {
    std::printf("one sandbox, %d threads: %s runs\n", kThreads, total->output().c_str());
  }
}

void run_several(std::atomic<int>& failures) {
  std::vector<std::string> answers(kSandboxes);
  std::vector<std::jthread> threads;
  threads.reserve(kSandboxes);
  for (int i = 0; i < kSandboxes; ++i) {
    threads.emplace_back([&, i] {
      msb::PythonSandbox sandbox;
      if (failed(sandbox.start(), failures)) {
        return;
      }
      const auto answer = sandbox.code().run("sum(range(" + std::to_string(i * 1000) + "))");
      if (!failed(answer, failures)) {
        answers[static_cast<std::size_t>(i)] = answer->output();
      }
    });
  }
  threads.clear();
  for (int i = 0; i < kSandboxes; ++i) {
    std::printf("sandbox %d of its own: %s\n", i, answers[static_cast<std::size_t>(i)].c_str());
  }
}

}  // namespace

int main() {
  std::atomic<int> failures = 0;
  share_one(failures);
  run_several(failures);
  return failures == 0 ? 0 : 1;
}
