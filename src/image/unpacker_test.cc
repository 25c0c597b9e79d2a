// SPDX-License-Identifier: Apache-2.0
#include "image/unpacker.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <queue>
#include <thread>

#include "base/file.h"
#include "base/locations.h"
#include "base/sys.h"
#include "image/testing/tar_builder.h"

namespace msb::image {
namespace {

// Each child holds all that was open when it was forked, until it ends.
void fork_again_and_again(const std::stop_token& stop) {
  constexpr useconds_t kLifeMicroseconds = 20'000;
  constexpr std::size_t kAtOnce = 40;
  std::queue<pid_t> children;
  while (!stop.stop_requested() || !children.empty()) {
    if (stop.stop_requested() || children.size() == kAtOnce) {
      ::waitpid(children.front(), nullptr, 0);
      children.pop();
      continue;
    }
    children.push(::fork());
    if (children.back() == 0) {
      ::usleep(kLifeMicroseconds);
      ::_exit(0);
    }
    ::usleep(kLifeMicroseconds / kAtOnce);
  }
}

TEST(Unpacker, SaysWhyItRefusesWhileOtherThreadsFork) {
  const auto folder = base::TempDir::create().value();
  const std::string tar = testing::TarBuilder().file("../evil", "x").build();
  ASSERT_TRUE(base::write_file_atomic(folder.path() + "/layer", tar, 0600));
  const Unpacker unpacker(base::find_program("msb-unpack").value());
  const std::jthread other(fork_again_and_again);
  for (int i = 0; i < 20; ++i) {
    const std::string tree = folder.path() + "/" + std::to_string(i);
    ASSERT_TRUE(Unpacker::make_folder(tree));
    const BlobSlice layer{.file = base::sys::open(folder.path() + "/layer", O_RDONLY).value(),
                          .size_bytes = tar.size()};
    const auto unpacked = unpacker.unpack(layer, tree, {}, {});
    ASSERT_FALSE(unpacked);
    EXPECT_THAT(unpacked.error().message(), ::testing::HasSubstr("../evil"));
  }
}

}  // namespace
}  // namespace msb::image
