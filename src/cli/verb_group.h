// SPDX-License-Identifier: Apache-2.0
//
// A verb that has verbs of its own: msb image, msb server.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/context.h"
#include "cli/verb.h"
#include "msb/result.h"

namespace msb::cli {

struct Verb {
  std::string_view name;
  std::string_view about;
  VerbFunction* function;
};

// "  name      about", a line each; empty names take part in nothing else.
std::string list_of(std::span<const Verb> verbs);

// Null: there is none of that name.
const Verb* find_verb(std::span<const Verb> verbs, std::string_view name);

// "unknown verb 'sto'; did you mean stop? (see msb server --help)"; `group` is empty for msb's own.
Error unknown_verb(std::string_view group, std::span<const Verb> verbs, const std::string& typed);

struct VerbGroup {
  std::string_view name;
  std::string_view about;
  std::string_view examples;  // lines
  std::span<const Verb> verbs;
};

// Calls the verb that the first word names; without words it prints the group's help.
Result<int> run_group(const VerbGroup& group, Context context, std::vector<std::string> words);

}  // namespace msb::cli
