// SPDX-License-Identifier: Apache-2.0
//
// msb snapshot: a sandbox's files as an image, which others can be started with.
#include <cstdio>
#include <string>
#include <utility>

#include "base/try.h"
#include "cli/arguments.h"
#include "cli/connection.h"
#include "cli/report.h"
#include "cli/verb.h"
#include "msb/sandbox.h"

namespace msb::cli {
namespace {

constexpr VerbHelp kHelp{
    .verb = "snapshot",
    .usage = "[OPTIONS] NAME IMAGE",
    .about =
        "Make an image of a sandbox on a server: its image, with all that has been written in it\n"
        "on top. The sandbox stands still meanwhile and goes on afterwards. What runs in it is\n"
        "part of the image with --isolation microvm only. The image's full name is printed, for\n"
        "msb start and msb restore; it belongs to the sandbox's namespace, and a name that was\n"
        "there means the new image.",
    .epilogue =
        "Examples:\n"
        "  msb snapshot work tools-installed\n"
        "  msb restore second $(msb snapshot work work:2)",
};

}  // namespace

Result<int> sandbox_snapshot(Context context, std::vector<std::string> words) {
  ConnectionFlags connection;
  Arguments arguments(context, kHelp);
  connection.add_to(arguments, ConnectionFlags::Namespaces::kOne);
  const auto operands = TRY(arguments.parse(std::move(words), Operands::kAnywhere));
  if (!operands) {
    return 0;
  }
  if (operands->size() != 2) {
    return std::unexpected(usage_error(kHelp.verb, operands->size() < 2
                                                       ? "NAME and IMAGE are needed"
                                                       : "unexpected '" + operands->back() + "'"));
  }
  SandboxOptions where = TRY(connect(context, connection));
  where.name = operands->front();
  Sandbox sandbox(where);
  const auto joined = sandbox.attach();
  const auto image = joined ? sandbox.snapshot(operands->back())
                            : Result<std::string>(std::unexpected(joined.error()));
  if (!image) {
    return say_remote_error(kHelp.verb, image.error(), where);
  }
  std::printf("%s\n", image->c_str());
  return 0;
}

}  // namespace msb::cli
