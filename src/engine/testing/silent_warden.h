// SPDX-License-Identifier: Apache-2.0
//
// A fixture: an engine in a home of its own, with an image "test" that has no programs, and a
// warden that can be stopped as a person would do it by mistake.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>

#include "base/file.h"
#include "engine/audit.h"
#include "engine/engine.h"
#include "image/testing/tar_builder.h"

namespace msb::engine::testing {

class SilentWarden : public ::testing::Test {
 protected:
  // One second is the least that a call waits, so this is not so short that a busy host meets it.
  static constexpr std::chrono::seconds kShortPatience{2};

  void SetUp() override {
    if (::geteuid() != 0) {
      GTEST_SKIP() << "needs root: the home is a new one, and its layers are to be removed again";
    }
    engine_ = open();
    const std::string tar = folder_.path() + "/rootfs.tar";
    ASSERT_TRUE(base::write_file_atomic(tar, image::testing::TarBuilder().folder("etc").build()));
    image::ImportOptions options;
    options.name = "test";
    const auto imported = engine_->images().import(tar, options);
    ASSERT_TRUE(imported) << imported.error().message();
  }

  std::string home() const { return folder_.path() + "/home"; }

  std::shared_ptr<Engine> open(const std::string& libexec_dir = {}) const {
    EngineOptions options;
    options.home = home();
    options.libexec_dir = libexec_dir;
    options.warden_patience = kShortPatience;
    auto engine = Engine::open(options);
    EXPECT_TRUE(engine) << engine.error().message();
    return engine.value_or(nullptr);
  }

  static Name name() { return {.sandbox = "box"}; }
  static StartRequest request() {
    StartRequest request;
    request.name = name();
    request.config.image = "test";
    return request;
  }
  std::shared_ptr<Sandbox> start(const StartRequest& request = SilentWarden::request()) {
    auto started = engine_->start(request);
    EXPECT_TRUE(started) << started.error().message();
    return started ? std::move(started->sandbox) : nullptr;
  }

  LivingEngine living() const {
    const auto found = audit(home(), std::chrono::milliseconds(0));
    EXPECT_TRUE(found);
    return found && !found->engines.empty() ? found->engines.front() : LivingEngine{};
  }

  void stop_warden() {
    warden_ = living().warden_pid;
    ASSERT_GT(warden_, 0);
    ASSERT_EQ(::kill(warden_, SIGSTOP), 0);
  }
  void send_warden(int signal) const { ASSERT_EQ(::kill(warden_, signal), 0); }

  void expect_silence(const Error& error) const {
    EXPECT_TRUE(error.is(ErrorCode::kTimeout)) << error.message();
    EXPECT_THAT(error.message(),
                ::testing::HasSubstr("'kill -CONT " + std::to_string(warden_) + "'"));
  }

  base::TempDir folder_ = *base::TempDir::create();
  std::shared_ptr<Engine> engine_;
  pid_t warden_ = 0;
};

}  // namespace msb::engine::testing
