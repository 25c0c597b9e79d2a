// SPDX-License-Identifier: Apache-2.0
//
// The command line of one verb: options, operands, help. Every value is text until its own parser
// has seen it, so an error names the option, the value and the rule in our words.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/context.h"
#include "msb/result.h"

namespace msb::cli {

// Where operands may stand.
enum class Operands {
  kAnywhere,    // among the options; after "--" everything is an operand
  kEndOptions,  // the first operand ends the options: what follows is taken as it is
};

struct VerbHelp {
  std::string_view verb;      // "run"; empty for msb itself
  std::string_view usage;     // "[OPTIONS] IMAGE [--] [CMD ARG...]"
  std::string_view about;     // one line or more
  std::string_view epilogue;  // examples, exit codes
};

class Arguments {
 public:
  // `context` takes the value of --home, which every verb accepts; it must outlive parse().
  Arguments(Context& context, const VerbHelp& help);
  ~Arguments();
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  // `names` as in "-q,--quiet". What is bound must outlive parse().
  void flag(const std::string& names, const std::string& about, bool& into);
  // The last one given counts.
  void text(const std::string& names, const std::string& value_name, const std::string& about,
            std::string& into);
  // Each one given is appended.
  void list(const std::string& names, const std::string& value_name, const std::string& about,
            std::vector<std::string>& into);
  // `parse` is given the last value; its error is reported as "--name: <error>".
  using ValueParser = std::function<Result<>(std::string_view value)>;
  void value(const std::string& names, const std::string& value_name, const std::string& about,
             ValueParser parse);

  // The operands; nothing if help was asked for and has been printed. kInvalidArgument.
  Result<std::optional<std::vector<std::string>>> parse(std::vector<std::string> arguments,
                                                        Operands operands);
  std::string help_text() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// For a verb without operands. False: help was asked for and has been printed.
Result<bool> parse_without_operands(Arguments& arguments, const VerbHelp& help,
                                    std::vector<std::string> words);

// For a wrong number of operands and the like: `text`, and where to read more.
Error usage_error(std::string_view verb, std::string_view text);

}  // namespace msb::cli
