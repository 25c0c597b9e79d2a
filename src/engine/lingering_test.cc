// SPDX-License-Identifier: Apache-2.0
//
// Sandboxes that cannot be ended, because their warden was stopped.
#include <filesystem>
#include <future>
#include <memory>
#include <stop_token>
#include <string>

#include "base/locations.h"
#include "engine/sandbox_folder.h"
#include "engine/testing/silent_warden.h"
#include "isolation/testing/comes_true.h"

namespace msb::engine {
namespace {

namespace fs = std::filesystem;
using isolation::testing::comes_true;
using ::testing::HasSubstr;

class Lingering : public testing::SilentWarden {
 protected:
  // Whoever asks for it is told so, and how it can be had again.
  void expect_taken() {
    const auto again = engine_->start(request());
    ASSERT_FALSE(again);
    expect_silence(again.error());
    EXPECT_THAT(again.error().message(), HasSubstr("sandbox 'box' has not ended yet"));
  }
};

TEST_F(Lingering, KeepsItsNameUntilItIsGone) {
  const auto sandbox = start();
  ASSERT_NE(sandbox, nullptr);
  ASSERT_NO_FATAL_FAILURE(stop_warden());
  const auto stopped = sandbox->stop();
  ASSERT_FALSE(stopped);
  expect_silence(stopped.error());
  EXPECT_FALSE(sandbox->has_ended());
  EXPECT_EQ(engine_->find(name()), nullptr);  // for no run
  expect_taken();
  // Nor can it be removed, here or by another program.
  const auto removed = engine_->remove(name());
  ASSERT_FALSE(removed);
  expect_silence(removed.error());
  const auto elsewhere = open()->remove(name());
  ASSERT_FALSE(elsewhere);
  EXPECT_TRUE(elsewhere.error().is(ErrorCode::kConflict)) << elsewhere.error().message();
  EXPECT_TRUE(fs::exists(SandboxFolder::path_of(home(), name()) + "/disk.img"));
  const auto listed = engine_->list("*");
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_TRUE(listed->front().is_running);

  send_warden(SIGCONT);
  EXPECT_TRUE(comes_true([&] { return sandbox->has_ended(); }));  // without being asked
  const auto next = start();
  ASSERT_NE(next, nullptr);
  EXPECT_NE(next, sandbox);
  EXPECT_TRUE(engine_->remove(name()));
}

TEST_F(Lingering, CanBeStoppedOnceTheWardenAnswers) {
  const auto sandbox = start();
  ASSERT_NE(sandbox, nullptr);
  ASSERT_NO_FATAL_FAILURE(stop_warden());
  ASSERT_FALSE(engine_->stop(name()));
  ASSERT_FALSE(engine_->stop(name()));  // no success because nothing can be run in it any more
  send_warden(SIGCONT);
  EXPECT_TRUE(engine_->stop(name()));
  EXPECT_TRUE(sandbox->has_ended());
}

TEST_F(Lingering, EndsWithItsWarden) {
  const auto sandbox = start();
  ASSERT_NE(sandbox, nullptr);
  ASSERT_NO_FATAL_FAILURE(stop_warden());
  ASSERT_FALSE(sandbox->stop());
  send_warden(SIGKILL);
  EXPECT_TRUE(comes_true([&] { return sandbox->has_ended(); }));
  EXPECT_NE(start(), nullptr);
}

TEST_F(Lingering, EndsWithItsEngine) {
  StartRequest ephemeral = request();
  ephemeral.kind = StartRequest::Kind::kEphemeral;
  auto sandbox = start(ephemeral);
  ASSERT_NE(sandbox, nullptr);
  ASSERT_NO_FATAL_FAILURE(stop_warden());
  ASSERT_FALSE(sandbox->stop());
  const std::string files = home() + "/run/" + living().id;
  EXPECT_TRUE(fs::exists(files));
  engine_.reset();
  EXPECT_TRUE(sandbox->has_ended());
  EXPECT_FALSE(fs::exists(files));
  // A warden that is killed leaves empty cgroups, for the next engine to sweep.
  engine_ = open();
  EXPECT_NE(start(), nullptr);
  const auto left = audit(home());
  ASSERT_TRUE(left);
  for (const AuditTopic& topic : left->topics) {
    EXPECT_TRUE(topic.leftovers.empty()) << topic.name << ": " << topic.leftovers.front().what;
  }
}

// The name was not given to the sandbox yet, only promised.
TEST_F(Lingering, KeepsTheNameOfAStartThatHasFailed) {
  // An agent that never says hello.
  const std::string programs = folder_.path() + "/programs";
  fs::create_directory(programs);
  for (const std::string program : {"msb-warden", "msb-unpack"}) {
    fs::create_symlink(base::find_program(program).value(), programs + "/" + program);
  }
  fs::create_symlink(fs::read_symlink("/proc/self/exe").parent_path() / "msb-probe-agent",
                     programs + "/msb-agent");
  engine_ = open(programs);
  // Stopped a moment too early, the warden has not yet told the engine of the sandbox: once more.
  const auto fails_late = [&] {
    const std::stop_source stop;
    StartRequest request = SilentWarden::request();
    request.stop = stop.get_token();
    auto starting = std::async(std::launch::async, [&] { return engine_->start(request); });
    EXPECT_TRUE(comes_true([&] { return living().sandboxes == 1; }));
    stop_warden();
    stop.request_stop();
    const auto started = starting.get();
    if (!started && started.error().is(ErrorCode::kCancelled)) {
      return true;
    }
    send_warden(SIGCONT);
    EXPECT_TRUE(comes_true([&] { return living().sandboxes == 0; }));
    return false;
  };
  ASSERT_TRUE(comes_true(fails_late));
  expect_taken();
  send_warden(SIGCONT);
  EXPECT_TRUE(engine_->stop(name()));
  EXPECT_FALSE(fs::exists(SandboxFolder::path_of(home(), name())));
}

}  // namespace
}  // namespace msb::engine
