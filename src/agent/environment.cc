// SPDX-License-Identifier: Apache-2.0
#include "agent/environment.h"

#include <algorithm>
#include <utility>

namespace msb::agent {
std::size_t Environment::index_of(std::string_view key) const {
  const auto found = std::ranges::find_if(entries_, [key](std::string_view entry) {
    return entry.size() > key.size() && entry[key.size()] == '=' && entry.starts_with(key);
  });
  return static_cast<std::size_t>(found - entries_.begin());
}

const char* Environment::get(std::string_view key) const {
  const std::size_t index = index_of(key);
  return index < entries_.size() ? entries_[index].c_str() + key.size() + 1 : nullptr;
}

void Environment::merge(const std::vector<std::string>& entries) {
  for (const std::string& entry : entries) {
    const std::size_t equals = entry.find('=');
    if (equals != std::string::npos && equals > 0) {
      set(std::string_view(entry).substr(0, equals), std::string_view(entry).substr(equals + 1));
    }
  }
}

void Environment::set(std::string_view key, std::string_view value) {
  std::string entry = std::string(key).append("=").append(value);
  const std::size_t index = index_of(key);
  if (index < entries_.size()) {
    entries_[index] = std::move(entry);
  } else {
    entries_.push_back(std::move(entry));
  }
}

void Environment::set_default(std::string_view key, std::string_view value) {
  if (index_of(key) == entries_.size()) {
    set(key, value);
  }
}

std::vector<std::string> executable_candidates(std::string_view program, std::string_view path) {
  if (program.find('/') != std::string_view::npos) {
    return {std::string(program)};
  }
  std::vector<std::string> candidates;
  std::string_view rest = path;
  while (true) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    std::string folder(rest.substr(0, end));
    if (folder.empty()) {
      folder = ".";
    }
    candidates.push_back(folder.append("/").append(program));
    if (end == rest.size()) {
      return candidates;
    }
    rest.remove_prefix(end + 1);
  }
}

}  // namespace msb::agent
