// SPDX-License-Identifier: Apache-2.0
#include "cli/main.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/sys.h"
#include "base/try.h"
#include "cli/arguments.h"
#include "cli/report.h"
#include "cli/verb.h"
#include "cli/verb_group.h"
#include "msb/host.h"

namespace msb::cli {
namespace {

constexpr std::array kVerbs = {
    Verb{"run", "Run a command in a fresh sandbox", run},
    Verb{"eval", "Run Python or JavaScript in a fresh sandbox, or in one on a server", eval},
    Verb{"start", "Start a sandbox on a server", sandbox_start},
    Verb{"exec", "Run a command in a sandbox on a server", sandbox_exec},
    Verb{"ls", "List the sandboxes of a server", sandbox_list},
    Verb{"metrics", "Tell what the sandboxes of a server use", sandbox_metrics},
    Verb{"logs", "Print what a sandbox on a server has written", sandbox_logs},
    Verb{"stop", "Stop sandboxes on a server", sandbox_stop},
    Verb{"pause", "Make sandboxes on a server stand still", sandbox_pause},
    Verb{"resume", "Let paused sandboxes go on", sandbox_resume},
    Verb{"snapshot", "Make an image of a sandbox on a server", sandbox_snapshot},
    Verb{"restore", "Start a sandbox from what a snapshot has kept", sandbox_restore},
    Verb{"fork", "Copy sandboxes on a server with all that runs in them", sandbox_fork},
    Verb{"rm", "Remove sandboxes on a server, with their files", sandbox_remove},
    Verb{"pull", "Fetch an image from a registry", pull},
    Verb{"image", "List, import, inspect and remove images", image},
    Verb{"server", "Serve sandboxes to other programs, and look after that server", server},
    Verb{"mcp", "Give an agent sandboxes, as its MCP server on stdin and stdout", mcp},
    Verb{"doctor", "Tell what this host can do, and how to mend the rest", doctor},
    Verb{"bench", "Measure what sandboxes cost on this host", bench},
    Verb{"version", "Print the version", version},
};

std::string overview() {
  return "Verbs:\n" + list_of(kVerbs) +
         "\nExamples:\n"
         "  msb eval python \"x = 20\" \"x * 2\"\n"
         "  msb run -v ./data:/data:ro alpine -- ls -l /data\n"
         "\n`msb VERB --help` tells more.\n";
}

Result<int> dispatch(std::vector<std::string> words, std::string& verb_name) {
  Context context;
  const std::string verbs = overview();
  Arguments arguments(context, {.verb = "",
                                .usage = "[--home DIR] VERB [ARGUMENT...]",
                                .about = "Run code that nobody vouches for in isolated sandboxes.",
                                .epilogue = verbs});
  bool wants_version = false;
  arguments.flag("-V,--version", "Print the version", wants_version);
  auto rest = TRY(arguments.parse(std::move(words), Operands::kEndOptions));
  if (!rest) {
    return 0;
  }
  if (wants_version) {
    return version(std::move(context), {});
  }
  if (rest->empty() || (rest->size() == 1 && rest->front() == "help")) {
    const std::string text = arguments.help_text();
    std::fwrite(text.data(), 1, text.size(), stdout);
    return 0;
  }
  if (rest->front() == "help") {  // "msb help run"
    rest->erase(rest->begin());
    rest->resize(1);
    rest->emplace_back("--help");
  }
  const Verb* const verb = find_verb(kVerbs, rest->front());
  if (verb == nullptr) {
    return std::unexpected(unknown_verb("", kVerbs, rest->front()));
  }
  verb_name = verb->name;
  rest->erase(rest->begin());
  return verb->function(std::move(context), *std::move(rest));
}

// A file opened later must not become somebody's stdin, stdout or stderr.
void occupy_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) {
      (void)::open("/dev/null", O_RDWR);  // the lowest free number: fd
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  occupy_standard_descriptors();
  std::string verb;
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  const Result<int> status = dispatch(std::move(words), verb);
  if (!status) {
    std::fflush(stdout);
    say_error(verb, status.error());
    return kOurFailure;
  }
  // What was printed may still wait in the buffer: only now is it known whether it arrived.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    say_error(verb, base::sys::error("write", "stdout"));
    return kOurFailure;
  }
  return *status;
}

}  // namespace msb::cli
