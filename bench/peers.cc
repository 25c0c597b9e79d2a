// SPDX-License-Identifier: Apache-2.0
#include "bench/peers.h"

#include <unistd.h>

#include "base/child_process.h"
#include "base/file.h"
#include "base/sys.h"
#include "base/try.h"

namespace msb::bench {
namespace {

constexpr std::size_t kMaxOutputBytes = 1 << 20;

Result<> run(const std::vector<std::string>& argv) {
  base::sys::Pipe output = TRY(base::sys::pipe());
  base::ChildSpec spec;
  spec.path = argv.front();
  spec.argv = argv;
  spec.fds = {{output.write_end.get(), 1}};
  base::ChildProcess child = TRY(base::ChildProcess::spawn(spec));
  output.write_end.reset();
  TRY(base::read_all(output.read_end.get(), kMaxOutputBytes));
  const auto status = TRY(child.wait());
  if (!status.success()) {
    return fail(ErrorCode::kInternal, status.text());
  }
  return {};
}

}  // namespace

Contender program(std::string name, std::vector<std::string> argv) {
  return {std::move(name), [argv = std::move(argv)] { return timed([&] { return run(argv); }); }};
}

std::vector<Contender> bubblewrap(const std::vector<std::string>& argv) {
  constexpr const char* kPath = "/usr/bin/bwrap";
  if (::access(kPath, X_OK) != 0) {
    return {};
  }
  std::vector<std::string> all = {kPath,       "--unshare-all", "--die-with-parent",
                                  "--ro-bind", "/usr",          "/usr",
                                  "--symlink", "usr/bin",       "/bin",
                                  "--symlink", "usr/lib",       "/lib",
                                  "--symlink", "usr/lib64",     "/lib64",
                                  "--proc",    "/proc",         "--dev",
                                  "/dev",      "--tmpfs",       "/tmp"};
  all.insert(all.end(), argv.begin(), argv.end());
  return {program("bubblewrap, one-shot", all)};
}

}  // namespace msb::bench
