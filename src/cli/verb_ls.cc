// SPDX-License-Identifier: Apache-2.0
//
// msb ls, and msb server list: the same of this home's server and no other.
#include <cstdio>
#include <string>
#include <utility>

#include "base/try.h"
#include "cli/arguments.h"
#include "cli/connection.h"
#include "cli/readings.h"
#include "cli/verb.h"
#include "cli/verb_server_parts.h"

namespace msb::cli {
namespace {

constexpr VerbHelp kHelp{
    .verb = "ls",
    .usage = "[OPTIONS]",
    .about = "List the sandboxes of a server, running or not.",
    .epilogue =
        "Examples:\n"
        "  msb ls\n"
        "  msb ls --namespace '*' --json | jq -r '.[] | select(.running).name'",
};

constexpr VerbHelp kServerHelp{
    .verb = "server list",
    .usage = "[OPTIONS]",
    .about = "List the sandboxes of this home's server, running or not.",
    .epilogue =
        "Examples:\n"
        "  msb server list --namespace '*'",
};

struct Form {
  bool json = false;
  bool quiet = false;

  void add_to(Arguments& arguments) {
    arguments.flag("--json", "Print an array of objects", json);
    arguments.flag("-q,--quiet", "Print names only", quiet);
  }
};

Result<int> list(const SandboxOptions& where, const VerbHelp& help, const Form& form) {
  const auto readings = read_sandboxes(where);
  if (!readings) {
    return say_remote_error(help.verb, readings.error(), where);
  }
  std::string text;
  if (form.json) {
    text = json_of(*readings, JsonForm::kLines);
  } else if (form.quiet) {
    for (const Metrics& reading : *readings) {
      text += reading.name + "\n";
    }
  } else {
    text = table_of(*readings, where, Columns::kState);
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  return 0;
}

}  // namespace

Result<int> sandbox_list(Context context, std::vector<std::string> words) {
  ConnectionFlags connection;
  Form form;
  Arguments arguments(context, kHelp);
  form.add_to(arguments);
  connection.add_to(arguments, ConnectionFlags::Namespaces::kOneOrAll);
  if (!TRY(parse_without_operands(arguments, kHelp, std::move(words)))) {
    return 0;
  }
  return list(TRY(connect(context, connection)), kHelp, form);
}

Result<int> server_list(Context context, std::vector<std::string> words) {
  std::string namespace_name = "default";
  Form form;
  Arguments arguments(context, kServerHelp);
  form.add_to(arguments);
  arguments.text("-n,--namespace", "NAME", "Namespace (default); '*': all of them", namespace_name);
  if (!TRY(parse_without_operands(arguments, kServerHelp, std::move(words)))) {
    return 0;
  }
  return list(TRY(connect_to_own(context, namespace_name)), kServerHelp, form);
}

}  // namespace msb::cli
