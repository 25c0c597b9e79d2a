// SPDX-License-Identifier: Apache-2.0
#include "bench/process_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/child_process.h"
#include "base/sys.h"

namespace msb::bench {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

// Ends when its stdin does.
struct Cat {
  base::UniqueFd input;
  base::ChildProcess child;
  explicit Cat(const std::string& name) {
    auto pipe = base::sys::pipe().value();
    base::ChildSpec spec;
    spec.path = "/bin/cat";
    spec.argv = {name};
    spec.fds = {{pipe.read_end.get(), 0}};
    child = base::ChildProcess::spawn(spec).value();
    input = std::move(pipe.write_end);
  }
};

TEST(ProcessTree, HasTheProcessAndItsChildren) {
  const Cat cat("cat");
  EXPECT_THAT(tree_of(::getpid()), Contains(cat.child.pid()));
  EXPECT_THAT(tree_of(cat.child.pid()), ElementsAre(cat.child.pid()));
}

TEST(ProcessTree, FindsAProcessByAWholeArgument) {
  const std::string name = "a-name-of-its-own-" + std::to_string(::getpid());
  const Cat cat(name);
  EXPECT_THAT(processes_with_argument(name), ElementsAre(cat.child.pid()));
  EXPECT_THAT(processes_with_argument(name.substr(1)), ElementsAre());
}

TEST(ProcessTree, AProcessHoldsMemoryAndOneThatIsGoneHoldsNone) {
  const Memory own = memory_of({::getpid()});
  EXPECT_GT(own.private_mib, 0);
  EXPECT_GE(own.pss_mib, own.private_mib);
  EXPECT_EQ(own.kernel_mib, 0);  // its cgroup is this process's own
  EXPECT_EQ(memory_of({}).pss_mib, 0);
}

}  // namespace
}  // namespace msb::bench
