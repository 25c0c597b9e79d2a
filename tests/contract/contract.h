// SPDX-License-Identifier: Apache-2.0
//
// What the contract tests have in common.
//
// They are run twice: with every sandbox in an engine of the test program, and with $MSB_SERVER_URL
// naming a server. Suites whose names end in "Here" are about the program's own engine, warden and
// descriptors, and run only where the sandboxes do.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "msb/msb.h"

namespace msb::contract {

// "<prefix>-<random>": no two tests, and no two programs, meet in one name.
std::string unique_name(const std::string& prefix);

// Polls until the condition holds; false: not within ten seconds. For what the SDK gives no event
// of.
bool eventually(const std::function<bool()>& condition);

// The text of a failure, for messages.
template <typename T>
std::string why(const Result<T>& result) {
  return result ? "no error" : result.error().message();
}

// The tier that sandboxes have unless they say: as $MSB_ISOLATION has it.
std::string usual_tier();

// How much of something there is to be, where the tier takes ten times as long for it: a tenth.
int much(int amount);

// gVisor is a kernel in a process of the host: what meets the host's limits is all of it.
bool dies_at_its_limits();

// A started sandbox of the image, or a failed test.
template <typename Kind>
class Started : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto started = sandbox_.start();
    ASSERT_TRUE(started) << why(started);
  }

  // stdout of a run that must succeed.
  std::string out(const std::string& code) {
    const auto run = sandbox_.code().run(code);
    EXPECT_TRUE(run) << why(run);
    if (!run) {
      return "?";
    }
    EXPECT_EQ(run->status(), "success") << run->error();
    return run->output();
  }

  std::string shell(const std::string& script) {
    const auto run = sandbox_.command().run("sh", {"-c", script});
    EXPECT_TRUE(run) << why(run);
    return run ? run->output() : "?";
  }

  Kind sandbox_;
};

// A persistent sandbox's name, removed after the test.
class Kept {
 public:
  explicit Kept(const std::string& prefix) : name_(unique_name(prefix)) {}
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  ~Kept() { (void)Sandbox(options()).remove(); }

  const std::string& name() const { return name_; }
  SandboxOptions options() const {
    SandboxOptions options;
    options.name = name_;
    return options;
  }

 private:
  const std::string name_;
};

}  // namespace msb::contract
