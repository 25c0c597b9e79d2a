// SPDX-License-Identifier: Apache-2.0
#include "agent/repl/adoption.h"

#include <algorithm>
#include <array>

namespace msb::agent::repl {
namespace {

// Where the interpreter and its modules are found, the locale, the time zone.
constexpr std::array<std::string_view, 9> kNames = {
    "PATH", "HOME", "LANG", "LANGUAGE", "LOCPATH", "TZ", "TZDIR", "GCONV_PATH", "SSLKEYLOGFILE"};
// Families of the interpreters, the loader, the allocators and the C library.
constexpr std::array<std::string_view, 9> kPrefixes = {
    "PYTHON", "NODE_", "LD_", "LC_", "GLIBC_", "MALLOC_", "UV_", "V8_", "OPENSSL_"};

std::string_view name_of(std::string_view entry) {
  return entry.substr(0, entry.find('='));
}

// True if an entry of `some` that `others` does not have is looked at by starting interpreters.
bool lacks_read_at_start(const Environment& some, const Environment& others) {
  return std::ranges::any_of(some.entries(), [&](const std::string& entry) {
    return is_read_at_start(name_of(entry)) &&
           std::ranges::find(others.entries(), entry) == others.entries().end();
  });
}

// Node.js would hand on other bytes than it was told.
bool is_plain(const Environment& env) {
  return std::ranges::all_of(env.entries(), [](const std::string& entry) {
    return std::ranges::all_of(entry, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  });
}

bool same_variables(const Environment& some, const Environment& others) {
  return some.entries().size() == others.entries().size() &&
         std::ranges::all_of(some.entries(), [&](const std::string& entry) {
           return std::ranges::find(others.entries(), entry) != others.entries().end();
         });
}

}  // namespace

Settings settings_of(const SpawnPlan& plan) {
  return {.env = plan.env,
          .workdir = plan.workdir,
          .uid = plan.identity.uid,
          .gid = plan.identity.gid,
          .groups = plan.identity.groups};
}

bool is_read_at_start(std::string_view variable) {
  return std::ranges::find(kNames, variable) != kNames.end() ||
         std::ranges::any_of(kPrefixes,
                             [&](std::string_view prefix) { return variable.starts_with(prefix); });
}

Adoption adoption_of(const LanguageSpec& spec, const Settings& had, const Settings& wanted) {
  const bool same_user =
      had.uid == wanted.uid && had.gid == wanted.gid && had.groups == wanted.groups;
  const bool same_folder = had.workdir == wanted.workdir;
  if (same_user && same_folder && same_variables(had.env, wanted.env)) {
    return Adoption::kNothingToDo;
  }
  const bool can_be_told = same_user && (same_folder || spec.follows_chdir) &&
                           is_plain(wanted.env) && !lacks_read_at_start(had.env, wanted.env) &&
                           !lacks_read_at_start(wanted.env, had.env);
  return can_be_told ? Adoption::kTell : Adoption::kStartAnew;
}

std::string driver_text_of(const Settings& settings) {
  std::string text = settings.workdir + '\0';
  for (const std::string& entry : settings.env.entries()) {
    // As exec would: up to the first NUL.
    text.append(entry, 0, entry.find('\0')).push_back('\0');
  }
  return text;
}

}  // namespace msb::agent::repl
