// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "base/try.h"
#include "cli/arguments.h"
#include "cli/interrupts.h"
#include "cli/pull_progress.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "msb/image.h"

namespace msb::cli {
namespace {

constexpr VerbHelp kHelp{
    .verb = "pull",
    .usage = "[OPTIONS] REF...",
    .about =
        "Fetch images from their registries, or bring them up to date. Layers that are already\n"
        "here are not fetched again; an interrupted pull goes on where it stopped.",
    .epilogue =
        "Examples:\n"
        "  msb pull alpine:3.20\n"
        "  msb pull ghcr.io/org/app@sha256:4f1b...\n"
        "  msb pull --plain-http registry.lan:5000/app\n"
        "\n"
        "Names without a registry are Docker Hub's. Credentials are those of\n"
        "~/.docker/config.json. stdout gets the digest of each image, stderr the progress.",
};

}  // namespace

Result<int> pull(Context context, std::vector<std::string> words) {
  bool quiet = false;
  ImagePullOptions options;
  Arguments arguments(context, kHelp);
  arguments.flag("--plain-http", "Talk http:// to a registry that is not on this host",
                 options.plain_http);
  arguments.flag("-q,--quiet", "No progress on stderr", quiet);
  const auto references = TRY(arguments.parse(std::move(words), Operands::kAnywhere));
  if (!references) {
    return 0;
  }
  if (references->empty()) {
    return std::unexpected(usage_error(kHelp.verb, "which image? REF is missing"));
  }

  const auto interrupts = TRY(Interrupts::watch());
  ImageStore store = TRY(ImageStore::open(context.home));
  options.stop = interrupts->stop_token();
  for (const std::string& reference : *references) {
    PullProgress progress(quiet ? PullProgress::Style::kSilent
                                : PullProgress::style_of(STDERR_FILENO));
    options.on_progress = progress.callback();
    const auto pulled = store.pull(reference, options);
    progress.finish();
    if (interrupts->signal() != 0) {
      return interrupts->exit_code();
    }
    if (!pulled) {
      return std::unexpected(pulled.error());
    }
    if (!quiet) {
      say(kHelp.verb, pulled->reference + " is here (" + size_text(pulled->size_bytes) + ")");
    }
    std::printf("%s\n", pulled->digest.c_str());
  }
  return 0;
}

}  // namespace msb::cli
