// SPDX-License-Identifier: Apache-2.0
#include "cli/verb_group.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <utility>

#include "base/try.h"
#include "cli/arguments.h"
#include "cli/nearest.h"

namespace msb::cli {

std::string list_of(std::span<const Verb> verbs) {
  constexpr std::size_t kColumn = 10;
  std::string text;
  for (const Verb& verb : verbs) {
    text.append("  ").append(verb.name).append(kColumn - verb.name.size(), ' ');
    text.append(verb.about).append("\n");
  }
  return text;
}

const Verb* find_verb(std::span<const Verb> verbs, std::string_view name) {
  const auto found = std::ranges::find(verbs, name, &Verb::name);
  return found == verbs.end() ? nullptr : &*found;
}

Error unknown_verb(std::string_view group, std::span<const Verb> verbs, const std::string& typed) {
  std::vector<std::string> names;
  std::ranges::transform(verbs, std::back_inserter(names),
                         [](const Verb& verb) { return std::string(verb.name); });
  std::string text = "unknown verb '" + typed + "'";
  if (const auto close = nearest(typed, names)) {
    text += "; did you mean " + *close + "?";
  }
  return usage_error(group, text);
}

Result<int> run_group(const VerbGroup& group, Context context, std::vector<std::string> words) {
  const std::string epilogue = "Verbs:\n" + list_of(group.verbs) + "\nExamples:\n" +
                               std::string(group.examples) + "\n`msb " + std::string(group.name) +
                               " VERB --help` tells more.";
  Arguments arguments(context, {.verb = group.name,
                                .usage = "VERB [ARGUMENT...]",
                                .about = group.about,
                                .epilogue = epilogue});
  auto rest = TRY(arguments.parse(std::move(words), Operands::kEndOptions));
  if (!rest) {
    return 0;
  }
  if (rest->empty()) {
    const std::string text = arguments.help_text();
    std::fwrite(text.data(), 1, text.size(), stdout);
    return 0;
  }
  const Verb* const verb = find_verb(group.verbs, rest->front());
  if (verb == nullptr) {
    return std::unexpected(unknown_verb(group.name, group.verbs, rest->front()));
  }
  rest->erase(rest->begin());
  return verb->function(std::move(context), *std::move(rest));
}

}  // namespace msb::cli
