// SPDX-License-Identifier: Apache-2.0
#include "cli/server_program.h"

#include <unistd.h>

#include <utility>

#include "base/locations.h"
#include "base/sys.h"
#include "base/try.h"

namespace msb::cli {

Result<int> become_server_program(const Context& context, std::string_view verb,
                                  std::vector<std::string> words) {
  const std::string path = TRY(base::find_program("msb-server"));
  std::vector<std::string> argv = {path, std::string(verb)};
  if (!context.home.empty()) {
    argv.insert(argv.end(), {"--home", context.home});
  }
  argv.insert(argv.end(), std::move_iterator(words.begin()), std::move_iterator(words.end()));
  std::vector<char*> pointers;
  for (std::string& word : argv) {
    pointers.push_back(word.data());
  }
  pointers.push_back(nullptr);
  ::execv(path.c_str(), pointers.data());
  return std::unexpected(base::sys::error("execve", path));
}

}  // namespace msb::cli
