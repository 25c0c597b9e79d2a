// SPDX-License-Identifier: Apache-2.0
#include "cli/server_program.h"

#include <unistd.h>

#include <iterator>
#include <utility>

#include "base/child_process.h"
#include "base/file.h"
#include "base/locations.h"
#include "base/sys.h"
#include "base/try.h"

namespace msb::cli {
namespace {

constexpr std::size_t kMaxAnswerBytes = std::size_t{64} << 10;

// Its path comes first.
Result<std::vector<std::string>> command_line(Context context, std::string_view verb,
                                              std::vector<std::string> words) {
  std::vector<std::string> argv = {TRY(base::find_program("msb-server")), std::string(verb)};
  if (!context.home.empty()) {
    argv.emplace_back("--home");
    argv.push_back(std::move(context.home));
  }
  argv.insert(argv.end(), std::move_iterator(words.begin()), std::move_iterator(words.end()));
  return argv;
}

}  // namespace

Result<int> become_server_program(Context context, std::string_view verb,
                                  std::vector<std::string> words) {
  std::vector<std::string> argv = TRY(command_line(std::move(context), verb, std::move(words)));
  std::vector<char*> pointers;
  pointers.reserve(argv.size() + 1);
  for (std::string& word : argv) {
    pointers.push_back(word.data());
  }
  pointers.push_back(nullptr);
  ::execv(pointers.front(), pointers.data());
  return std::unexpected(base::sys::error("execve", argv.front()));
}

Result<std::string> ask_server_program(const Context& context, std::string_view verb,
                                       std::vector<std::string> words) {
  base::sys::Pipe output = TRY(base::sys::pipe());
  base::ChildSpec spec;
  spec.argv = TRY(command_line(context, verb, std::move(words)));
  spec.path = spec.argv.front();
  spec.fds = {{output.write_end.get(), STDOUT_FILENO}, {STDERR_FILENO, STDERR_FILENO}};
  base::ChildProcess child = TRY(base::ChildProcess::spawn(spec));
  output.write_end.reset();
  std::string answer = TRY(base::read_all(output.read_end.get(), kMaxAnswerBytes));
  const auto status = TRY(child.wait());
  if (!status.success()) {
    return fail(ErrorCode::kUnavailable, "msb-server " + std::string(verb) + ": " + status.text());
  }
  return answer;
}

}  // namespace msb::cli
