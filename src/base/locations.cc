// SPDX-License-Identifier: Apache-2.0
#include "base/locations.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

namespace msb::base {
namespace {

// An address within this code.
constexpr char kAnchor = 0;

std::string environment(const char* name) {
  // secure_getenv: a set-uid program that uses the library must not be led by its caller.
  const char* value = ::secure_getenv(name);
  return value != nullptr ? value : "";
}

// Where programs may be relative to the file that holds this code: the running executable, or the
// shared library. An installed tree can so be moved.
void add_neighbours(std::vector<std::string>& folders) {
  std::error_code error;
  const auto executable = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) {
    folders.push_back(executable.parent_path().string());
    folders.push_back((executable.parent_path() / "../libexec/msb").lexically_normal().string());
  }
  Dl_info library{};
  if (::dladdr(&kAnchor, &library) != 0 && library.dli_fname != nullptr) {
    const auto file = std::filesystem::canonical(library.dli_fname, error);
    if (!error && file != executable) {
      // From lib, and from lib/<machine>.
      for (const char* const above : {"../libexec/msb", "../../libexec/msb"}) {
        folders.push_back((file.parent_path() / above).lexically_normal().string());
      }
    }
  }
}

}  // namespace

Result<std::string> home_folder(const std::string& wanted) {
  std::string home = wanted;
  if (home.empty()) {
    home = environment("MSB_HOME");
  }
  if (home.empty()) {
    const std::string user_home = environment("HOME");
    if (user_home.empty()) {
      return fail(ErrorCode::kNotFound, "no home folder: set MSB_HOME or HOME");
    }
    home = user_home + "/.microsandbox";
  }
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(home, error);
  if (error) {
    return fail(ErrorCode::kInvalidArgument, "home '" + home + "'", error.value());
  }
  return absolute.lexically_normal().string();
}

Result<std::string> find_program(const std::string& name, const std::string& wanted_folder) {
  std::vector<std::string> folders;
  if (!wanted_folder.empty()) {
    folders.push_back(wanted_folder);
  } else {
    if (const std::string folder = environment("MSB_LIBEXEC_DIR"); !folder.empty()) {
      folders.push_back(folder);
    }
    add_neighbours(folders);
    folders.emplace_back(MSB_PROGRAMS_DIR);
  }
  std::string tried;
  for (const std::string& folder : folders) {
    const std::string path = folder + "/" + name;
    if (::access(path.c_str(), X_OK) == 0) {
      return std::filesystem::absolute(path).string();
    }
    tried += (tried.empty() ? "" : ", ") + path;
  }
  return fail(ErrorCode::kNotFound,
              name + " is not installed (looked at " + tried + "); set MSB_LIBEXEC_DIR");
}

}  // namespace msb::base
