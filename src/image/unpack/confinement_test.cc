// SPDX-License-Identifier: Apache-2.0
//
// What a taken-over msb-unpack would find, as the kernel tells it from outside.
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "base/child_process.h"
#include "base/file.h"
#include "base/locations.h"
#include "base/sys.h"
#include "image/testing/tar_builder.h"
#include "image/unpack/protocol.h"
#include "image/unpacker.h"

namespace msb::image {
namespace {

namespace fs = std::filesystem;
namespace sys = base::sys;
using ::testing::HasSubstr;

// An msb-unpack that has begun to read, and waits for more.
class Confined : public ::testing::Test {
 protected:
  void start(std::vector<std::string> arguments, bool with_folder) {
    base::ChildSpec spec;
    spec.path = base::find_program("msb-unpack").value();
    spec.argv = {"msb-unpack"};
    spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
    input_ = sys::pipe().value();
    output_ = sys::pipe().value();
    status_ = sys::pipe().value();
    spec.fds = {{input_.read_end.get(), 0},
                {output_.write_end.get(), 1},
                {status_.write_end.get(), unpack::kStatusFd}};
    base::UniqueFd root;
    if (with_folder) {
      ASSERT_TRUE(Unpacker::make_folder(folder_.path() + "/root"));
      root = sys::open(folder_.path() + "/root", O_RDONLY | O_DIRECTORY).value();
      spec.fds.emplace_back(root.get(), unpack::kRootFd);
    }
    auto child = base::ChildProcess::spawn(spec);
    ASSERT_TRUE(child) << child.error().message();
    child_ = std::move(*child);
    // It takes bytes only once it is confined; an empty pipe says that it has taken them.
    input_.read_end.reset();
    ASSERT_TRUE(base::write_all(input_.write_end.get(), first_bytes_));
    for (int i = 0; i < 10'000 && pending_bytes() > 0; ++i) {
      ASSERT_FALSE(*sys::poll_one(child_.pidfd(), POLLIN, std::chrono::milliseconds(1)))
          << "it ended early";
    }
    ASSERT_EQ(pending_bytes(), 0);
  }

  int pending_bytes() const {
    int count = 0;
    ::ioctl(input_.write_end.get(), FIONREAD, &count);
    return count;
  }

  std::string proc(const std::string& name) const {
    return "/proc/" + std::to_string(child_.pid()) + "/" + name;
  }

  std::string status_field(const std::string& name) const {
    const std::string text = base::read_file(proc("status"), 1 << 16).value();
    const std::size_t at = text.find(name + ":\t");
    return at == std::string::npos ? "" : text.substr(at, text.find('\n', at) - at);
  }

  std::set<std::string> descriptors() const {
    std::set<std::string> numbers;
    for (const auto& entry : fs::directory_iterator(proc("fd"))) {
      numbers.insert(entry.path().filename());
    }
    return numbers;
  }

  bool shares_namespace(const std::string& kind) const {
    return fs::read_symlink(proc("ns/" + kind)) == fs::read_symlink("/proc/self/ns/" + kind);
  }

  // Not a whole tar header: the reader must wait, and has opened nothing yet.
  std::string first_bytes_ = testing::TarBuilder().file("a", "x").build().substr(0, 100);
  base::TempDir folder_ = base::TempDir::create().value();
  sys::Pipe input_;
  sys::Pipe output_;
  sys::Pipe status_;
  base::ChildProcess child_;
};

TEST_F(Confined, TheExtractorHasItsFolderAndNothingElse) {
  start({"extract", "1000000", "1000"}, true);
  EXPECT_EQ(status_field("NoNewPrivs"), "NoNewPrivs:\t1");
  EXPECT_EQ(status_field("Seccomp"), "Seccomp:\t2");
  // CHOWN, DAC_OVERRIDE, FOWNER, FSETID: over its own user namespace only.
  EXPECT_EQ(status_field("CapEff"), "CapEff:\t000000000000001b");
  EXPECT_EQ(status_field("CapBnd"), "CapBnd:\t000000000000001b");
  EXPECT_EQ(status_field("CapInh"), "CapInh:\t0000000000000000");
  for (const char* kind : {"user", "mnt", "net", "ipc"}) {
    EXPECT_FALSE(shares_namespace(kind)) << kind;
  }
  if (::geteuid() == 0) {
    EXPECT_THAT(status_field("Uid"), HasSubstr("1879048192"));
    EXPECT_THAT(status_field("Groups"), ::testing::Not(HasSubstr("0")));
  }
  const std::string mounts = base::read_file(proc("mountinfo"), 1 << 16).value();
  EXPECT_EQ(std::ranges::count(mounts, '\n'), 1) << mounts;
  EXPECT_EQ(descriptors(), (std::set<std::string>{"0", "1", "2", "3", "4"}));
}

TEST_F(Confined, TheDecompressorHasItsStreamsAndNothingElse) {
  first_bytes_ = "plain";
  start({"decompress", "1000"}, false);
  EXPECT_EQ(status_field("NoNewPrivs"), "NoNewPrivs:\t1");
  EXPECT_EQ(status_field("Seccomp"), "Seccomp:\t2");
  EXPECT_EQ(status_field("CapEff"), "CapEff:\t0000000000000000");
  EXPECT_EQ(status_field("CapPrm"), "CapPrm:\t0000000000000000");
  EXPECT_EQ(descriptors(), (std::set<std::string>{"0", "1", "2", "4"}));
}

TEST_F(Confined, ItsTimeIsBounded) {
  start({"extract", "1000000", "1000"}, true);
  const std::string limits = base::read_file(proc("limits"), 1 << 16).value();
  EXPECT_THAT(limits, ::testing::ContainsRegex("Max cpu time +900 +905 +seconds"));
}

TEST_F(Confined, MoreEntriesOrBytesThanItWasAllowedEndIt) {
  testing::TarBuilder tar;
  for (int i = 0; i < 11; ++i) {
    tar.file("f" + std::to_string(i), "0123456789");
  }
  const std::string bytes = tar.build();
  const auto end_of = [&](const std::string& max_bytes, const std::string& max_entries) {
    first_bytes_ = bytes.substr(0, 100);
    start({"extract", max_bytes, max_entries}, true);
    static_cast<void>(
        base::write_all(input_.write_end.get(), std::as_bytes(std::span(bytes)).subspan(100)));
    input_.write_end.reset();
    status_.write_end.reset();
    const std::string end = base::read_all(status_.read_end.get(), 4096).value();
    EXPECT_TRUE(fs::remove_all(folder_.path() + "/root") > 0);
    return end;
  };
  EXPECT_THAT(end_of("110", "11"), HasSubstr("ok 11 110"));
  EXPECT_THAT(end_of("110", "10"), HasSubstr("more than 10 entries"));
  EXPECT_THAT(end_of("109", "11"), HasSubstr("entry 'f10': the layer is larger than 109 bytes"));
}

TEST_F(Confined, StartedByHandItSaysWhoStartsIt) {
  base::ChildSpec spec;
  spec.path = base::find_program("msb-unpack").value();
  spec.argv = {"msb-unpack", "--help"};
  status_ = sys::pipe().value();
  spec.fds = {{status_.write_end.get(), unpack::kStatusFd}};
  auto child = base::ChildProcess::spawn(spec);
  ASSERT_TRUE(child);
  status_.write_end.reset();
  EXPECT_THAT(base::read_all(status_.read_end.get(), 4096).value(),
              HasSubstr("started by the image store only"));
  EXPECT_FALSE(child->wait()->success());
}

}  // namespace
}  // namespace msb::image
