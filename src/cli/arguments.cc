// SPDX-License-Identifier: Apache-2.0
//
// CLI11 splits options from values and lays out the help. It never gets to see operands as such: it
// would take "[1, 2]" for a list of its own, and code and commands must arrive untouched.
#include "cli/arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <deque>
#include <iterator>
#include <utility>

#include "base/try.h"
#include "cli/nearest.h"

namespace msb::cli {
namespace {

class HelpFormatter : public CLI::Formatter {
 public:
  explicit HelpFormatter(std::string usage) : usage_(std::move(usage)) { column_width(26); }

  std::string make_usage(const CLI::App* /*app*/, std::string /*name*/) const override {
    return usage_;
  }
  std::string make_description(const CLI::App* app) const override {
    return app->get_description() + "\n\n";
  }

 private:
  std::string usage_;
};

bool looks_like_an_option(std::string_view text) {
  return text.size() > 1 && text[0] == '-' &&
         std::string_view("0123456789.").find(text[1]) == std::string_view::npos;
}

std::string flag_with_value(std::string_view text) {
  const std::size_t begin = std::min(text.find('-'), text.size());
  const std::size_t end = text.find(' ', begin);
  return std::string(text.substr(begin, end - begin)) + " takes no value";
}

}  // namespace

class Arguments::Impl {
 public:
  Impl(Context& context, const VerbHelp& help) : verb(help.verb), app(std::string(help.about)) {
    std::string usage = "Usage: msb ";
    if (!verb.empty()) {
      usage += verb + " ";
    }
    usage += std::string(help.usage) + "\n";
    app.formatter(std::make_shared<HelpFormatter>(std::move(usage)));
    app.footer(std::string(help.epilogue));
    app.set_help_flag("-h,--help", "Print this help");
    add_text("--home", "DIR", "Where images and sandboxes are kept ($MSB_HOME)", context.home);
  }

  CLI::Option* add_text(const std::string& names, const std::string& value_name,
                        const std::string& about, std::string& into) {
    return app.add_option(names, into, about)
        ->option_text(value_name)
        ->type_name(value_name)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }

  Error unknown_option(const std::string& option) const {
    const std::string name = option.substr(0, option.find('='));
    std::vector<std::string> known;
    for (const CLI::Option* candidate : app.get_options()) {
      for (const std::string& long_name : candidate->get_lnames()) {
        known.push_back("--" + long_name);
      }
    }
    std::string text = "unknown option " + name;
    if (const auto close = nearest(name, known)) {
      text += "; did you mean " + *close + "?";
    }
    return usage_error(verb, text);
  }

  struct Parsed {
    CLI::Option* option;
    std::string value;
    ValueParser parse;
  };

  std::string verb;
  CLI::App app;
  std::deque<Parsed> values;  // stable addresses: CLI11 writes into them
};

Arguments::Arguments(Context& context, const VerbHelp& help)
    : impl_(std::make_unique<Impl>(context, help)) {}

Arguments::~Arguments() = default;

void Arguments::flag(const std::string& names, const std::string& about, bool& into) {
  impl_->app.add_flag(names, into, about);
}

void Arguments::text(const std::string& names, const std::string& value_name,
                     const std::string& about, std::string& into) {
  impl_->add_text(names, value_name, about, into);
}

void Arguments::list(const std::string& names, const std::string& value_name,
                     const std::string& about, std::vector<std::string>& into) {
  // One value for each time the option is given: without this, -e would swallow the image's name.
  impl_->app.add_option(names, into, about)
      ->option_text(value_name)
      ->type_name(value_name)
      ->allow_extra_args(false);
}

void Arguments::value(const std::string& names, const std::string& value_name,
                      const std::string& about, ValueParser parse) {
  Impl::Parsed& entry = impl_->values.emplace_back();
  entry.parse = std::move(parse);
  entry.option = impl_->add_text(names, value_name, about, entry.value);
}

Result<std::optional<std::vector<std::string>>> Arguments::parse(std::vector<std::string> arguments,
                                                                 Operands operands) {
  std::vector<std::string> verbatim;
  if (operands == Operands::kAnywhere) {
    impl_->app.allow_extras();
    const auto mark = std::ranges::find(arguments, "--");
    if (mark != arguments.end()) {
      verbatim.assign(std::next(mark), arguments.end());
      arguments.erase(mark, arguments.end());
    }
  } else {
    impl_->app.prefix_command();
  }
  try {
    std::ranges::reverse(arguments);
    impl_->app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    const std::string text = help_text();
    std::fwrite(text.data(), 1, text.size(), stdout);
    return std::nullopt;
  } catch (const CLI::ArgumentMismatch& error) {
    // "--memory: 1 required MIB missing"
    const std::string text = error.what();
    return std::unexpected(
        usage_error(impl_->verb, text.substr(0, text.find(':')) + " needs a value"));
  } catch (const CLI::ConversionError& error) {
    // Only flags convert anything: "Could not convert: --quiet = yes"
    return std::unexpected(usage_error(impl_->verb, flag_with_value(error.what())));
  } catch (const CLI::ParseError& error) {
    return std::unexpected(usage_error(impl_->verb, error.what()));
  }

  std::vector<std::string> rest = impl_->app.remaining();
  if (operands == Operands::kEndOptions) {
    if (!rest.empty() && rest.front() == "--") {
      rest.erase(rest.begin());
    } else if (!rest.empty() && looks_like_an_option(rest.front())) {
      return std::unexpected(impl_->unknown_option(rest.front()));
    }
  } else {
    const auto unknown = std::ranges::find_if(rest, looks_like_an_option);
    if (unknown != rest.end()) {
      return std::unexpected(impl_->unknown_option(*unknown));
    }
    std::ranges::move(verbatim, std::back_inserter(rest));
  }
  for (const Impl::Parsed& entry : impl_->values) {
    if (entry.option->count() == 0) {
      continue;
    }
    if (const auto parsed = entry.parse(entry.value); !parsed) {
      return std::unexpected(
          usage_error(impl_->verb, entry.option->get_name() + ": " + parsed.error().message()));
    }
  }
  return rest;
}

std::string Arguments::help_text() const {
  return impl_->app.help();
}

Result<bool> parse_without_operands(Arguments& arguments, const VerbHelp& help,
                                    std::vector<std::string> words) {
  const auto operands = TRY(arguments.parse(std::move(words), Operands::kAnywhere));
  if (operands && !operands->empty()) {
    return std::unexpected(usage_error(help.verb, "unexpected '" + operands->front() + "'"));
  }
  return operands.has_value();
}

Error usage_error(std::string_view verb, std::string_view text) {
  std::string where = "msb ";
  if (!verb.empty()) {
    where += std::string(verb) + " ";
  }
  return {ErrorCode::kInvalidArgument, std::string(text) + " (see " + where + "--help)"};
}

}  // namespace msb::cli
