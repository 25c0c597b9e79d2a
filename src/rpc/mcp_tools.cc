// SPDX-License-Identifier: Apache-2.0
//
// The tools as a model sees them. The descriptions teach: what to call first, what stays, what an
// answer means, and what to do about a failure.
#include <utility>

#include "rpc/mcp.h"

namespace msb::rpc {
namespace {

Json text_property(const char* description) {
  return {{"type", "string"}, {"description", description}};
}

Json list_property(const char* description) {
  return {{"type", "array"}, {"items", {{"type", "string"}}}, {"description", description}};
}

Json integer_property(const char* description, int minimum) {
  return {{"type", "integer"}, {"minimum", minimum}, {"description", description}};
}

Json object_schema(Json properties, Json required) {
  return {
      {"type", "object"}, {"properties", std::move(properties)}, {"required", std::move(required)}};
}

Json sandbox_property() {
  return text_property(
      "Name of the sandbox: 1 to 63 letters, digits, '-' or '_', the first a letter or digit. "
      "The same name means the same sandbox in every call.");
}

Json namespace_property() {
  return text_property(
      "Group that the name belongs to. Leave it out unless you were given one; the default is the "
      "namespace of your API key, else 'default'.");
}

Json timeout_property(const char* description) {
  return {{"type", "number"}, {"minimum", 0}, {"description", description}};
}

Json config_property() {
  Json image = text_property(
      "What the sandbox is made from: 'microsandbox/python' (Python 3 and pip) or "
      "'microsandbox/node' (Node.js); any other OCI image that the server can get works for "
      "sandbox_run_command.");
  image["examples"] = {"microsandbox/python", "microsandbox/node"};
  Json config = object_schema(
      {{"image", std::move(image)},
       {"memory", integer_property("Memory limit in MiB, for example 512.", 16)},
       {"cpus", integer_property("Number of CPU cores, for example 1.", 1)},
       {"volumes", list_property("Host folders to mount, each 'host:guest' or 'host:guest:ro'. "
                                 "Only folders that the server's operator has allowed.")},
       {"ports", list_property("Ports to publish on the server's loopback, each 'host:guest'.")},
       {"envs", list_property("Environment variables, each 'KEY=VALUE'.")},
       {"workdir", text_property("Folder in which code and commands start; absolute.")},
       {"isolation",
        text_property("Walls around the sandbox: 'jail', 'oci:crun', 'oci:runc', 'oci:runsc' or "
                      "'microvm', of those that the server's operator has allowed. Leave it out "
                      "for the server's default; 'microvm' is the strongest and the slowest.")}},
      Json::array({"image"}));
  config["description"] =
      "What to start; needed for a name that is new. Leave it out to start a sandbox again as it "
      "was defined before.";
  return config;
}

Json output_property() {
  return {
      {"type", "array"},
      {"description", "Lines in order of arrival."},
      {"items",
       object_schema({{"stream", {{"type", "string"}, {"enum", Json::array({"stdout", "stderr"})}}},
                      {"text", {{"type", "string"}}}},
                     {"stream", "text"})}};
}

Json left_out_property() {
  return {{"type", "integer"},
          {"description", "Bytes of output that are missing where a line of 'output' says so."}};
}

Json target_schema() {
  return object_schema({{"sandbox", sandbox_property()}, {"namespace", namespace_property()}},
                       Json::array({"sandbox"}));
}

Json message_schema() {
  return object_schema({{"message", text_property("What happened.")},
                        {"sandbox", text_property("Name of the sandbox.")},
                        {"namespace", text_property("Its namespace.")}},
                       {"message", "sandbox", "namespace"});
}

Json code_result_schema() {
  return object_schema(
      {{"status",
        {{"type", "string"},
         {"enum", Json::array({"success", "exception", "error"})},
         {"description",
          "'exception': the code raised one, variables are kept. 'error': "
          "it did not come to its end, see 'reason'."}}},
       {"reason", text_property("'timeout', 'exit' (the code ended its interpreter) or 'died'.")},
       {"language", text_property("As in the call.")},
       {"output", output_property()},
       {"exit_code", {{"type", "integer"}}},
       {"state_lost",
        {{"type", "boolean"},
         {"description", "The interpreter was restarted: variables are gone."}}},
       {"left_out_bytes", left_out_property()},
       {"limits_hit", text_property("Which limit of the sandbox was reached.")}},
      {"status", "language", "output"});
}

Json command_result_schema() {
  return object_schema(
      {{"command", text_property("As in the call.")},
       {"args", list_property("As in the call.")},
       {"exit_code", {{"type", "integer"}, {"description", "0 is success."}}},
       {"success", {{"type", "boolean"}}},
       {"signal", {{"type", "integer"}, {"description", "The signal that ended the command."}}},
       {"output", output_property()},
       {"left_out_bytes", left_out_property()},
       {"limits_hit", text_property("Which limit of the sandbox was reached.")}},
      {"command", "args", "exit_code", "success", "output"});
}

Json nullable(const char* type, const char* description) {
  return {{"type", Json::array({type, "null"})}, {"description", description}};
}

Json metrics_schema() {
  Json one = object_schema(
      {{"namespace", {{"type", "string"}}},
       {"name", {{"type", "string"}}},
       {"running", {{"type", "boolean"}}},
       {"paused", {{"type", "boolean"}, {"description", "There if it is paused."}}},
       {"isolation", text_property("The walls around one that runs.")},
       {"cpu_usage", nullable("number", "Percent of one core since the previous reading.")},
       {"memory_usage", nullable("integer", "MiB.")},
       {"disk_usage", nullable("integer", "Bytes in the sandbox's own files.")}},
      {"namespace", "name", "running", "cpu_usage", "memory_usage", "disk_usage"});
  return object_schema({{"sandboxes", {{"type", "array"}, {"items", std::move(one)}}}},
                       Json::array({"sandboxes"}));
}

struct Hints {
  bool read_only = false;
  bool destructive = false;
  bool idempotent = false;
  bool open_world = false;
};

struct Tool {
  const char* name;
  const char* title;
  const char* description;
  Json input;
  Json output;
  Hints hints;
};

Json encode(Tool tool, std::string_view revision) {
  Json json = {{"name", tool.name},
               {"description", tool.description},
               {"inputSchema", std::move(tool.input)}};
  if (revision >= kMcpAnnotationsRevision) {
    json["annotations"] = {{"title", tool.title},
                           {"readOnlyHint", tool.hints.read_only},
                           {"destructiveHint", tool.hints.destructive},
                           {"idempotentHint", tool.hints.idempotent},
                           {"openWorldHint", tool.hints.open_world}};
  }
  if (revision >= kMcpStructuredRevision) {
    json["title"] = tool.title;
    json["outputSchema"] = std::move(tool.output);
  }
  return json;
}

Tool start_tool() {
  return {
      .name = "sandbox_start",
      .title = "Start a sandbox",
      .description =
          "Starts an isolated environment in which code and commands can be run safely. Do this "
          "before sandbox_run_code or sandbox_run_command. Starting a sandbox that runs already "
          "succeeds and changes nothing. Files of an earlier start under the same name are "
          "still there. The first start of an image may take long, because it is downloaded. "
          "Call sandbox_stop when you are done.",
      .input = object_schema({{"sandbox", sandbox_property()},
                              {"namespace", namespace_property()},
                              {"config", config_property()}},
                             Json::array({"sandbox"})),
      .output = message_schema(),
      .hints = {.idempotent = true, .open_world = true}};
}

Tool stop_tool() {
  return {.name = "sandbox_stop",
          .title = "Stop a sandbox",
          .description =
              "Ends everything that runs in a sandbox and frees its memory. Variables of its "
              "interpreters are lost; its files are kept and are there again after sandbox_start "
              "with the same name.",
          .input = target_schema(),
          .output = message_schema(),
          .hints = {.destructive = true, .idempotent = true}};
}

Tool pause_tool() {
  return {
      .name = "sandbox_pause",
      .title = "Pause a sandbox",
      .description =
          "Makes everything in a sandbox stand still where it is. It takes no CPU then and keeps "
          "its memory, its variables and what runs in it. Code and commands are refused until "
          "sandbox_resume; sandbox_stop works. Not every server can.",
      .input = target_schema(),
      .output = message_schema(),
      .hints = {.idempotent = true}};
}

Tool resume_tool() {
  return {
      .name = "sandbox_resume",
      .title = "Resume a sandbox",
      .description =
          "Lets a sandbox that was paused by sandbox_pause go on where it stood. One that is not "
          "paused is left as it is.",
      .input = target_schema(),
      .output = message_schema(),
      .hints = {.idempotent = true}};
}

Tool snapshot_tool() {
  return {
      .name = "sandbox_snapshot",
      .title = "Make an image of a sandbox",
      .description =
          "Keeps the files of a running sandbox as an image, and tells the image's name. Give that "
          "name as 'image' in the config of sandbox_start, to start any number of sandboxes that "
          "have those files: installed packages, for example. With the isolation 'microvm' those "
          "have its variables and running commands as well, otherwise not. The sandbox goes on "
          "afterwards.",
      .input = object_schema(
          {{"sandbox", sandbox_property()},
           {"namespace", namespace_property()},
           {"image", text_property("Short name for the image, with a tag if you like: 'work' or "
                                   "'work:2'. If there is one of that name, the new one replaces "
                                   "it.")}},
          {"sandbox", "image"}),
      .output =
          object_schema({{"image", text_property("The image's full name, for sandbox_start.")}},
                        Json::array({"image"})),
      .hints = {.destructive = true}};
}

Tool run_code_tool() {
  Json language = text_property("'python' or 'nodejs'; it must be in the sandbox's image.");
  language["enum"] = {"python", "nodejs", "node", "javascript"};
  return {
      .name = "sandbox_run_code",
      .title = "Run code",
      .description =
          "Runs code in the sandbox's interpreter and waits for its end. Variables, imports and "
          "functions stay for the next call. The value of a bare expression is printed, as in "
          "an interactive session. An exception is a result, with its traceback on stderr. "
          "The sandbox must have been started with sandbox_start. Give a timeout if the code "
          "may run for ever.",
      .input = object_schema(
          {{"sandbox", sandbox_property()},
           {"namespace", namespace_property()},
           {"code", text_property("The source text.")},
           {"language", std::move(language)},
           {"timeout", timeout_property("Seconds after which the code is interrupted. "
                                        "Without it there is no limit.")}},
          {"sandbox", "code", "language"}),
      .output = code_result_schema(),
      .hints = {.destructive = true, .open_world = true}};
}

Tool run_command_tool() {
  return {.name = "sandbox_run_command",
          .title = "Run a command",
          .description =
              "Runs an executable in the sandbox and waits for its end. There is no shell in "
              "between: for pipes, redirections or variables run 'sh' with the arguments '-c' and "
              "the line. To write a file, run 'tee' with its path and give the content as stdin. "
              "An exit code other than 0 is a result, not a failure. The sandbox must have been "
              "started with sandbox_start.",
          .input = object_schema(
              {{"sandbox", sandbox_property()},
               {"namespace", namespace_property()},
               {"command", text_property("The executable: a name on PATH or an absolute path.")},
               {"args", list_property("Its arguments, one element each.")},
               {"stdin", text_property("What it reads on standard input. Without it that is "
                                       "empty.")},
               {"workdir", text_property("Folder in which it starts; absolute. Without it the "
                                         "sandbox's own.")},
               {"envs", list_property("Environment variables for this command, each 'KEY=VALUE'.")},
               {"timeout", timeout_property("Seconds after which the command and all it has "
                                            "started are killed. Without it there is no limit.")}},
              {"sandbox", "command"}),
          .output = command_result_schema(),
          .hints = {.destructive = true, .open_world = true}};
}

Tool metrics_tool() {
  Json sandbox = sandbox_property();
  sandbox["description"] = "Name of one sandbox. Leave it out to get all of the namespace.";
  return {
      .name = "sandbox_get_metrics",
      .title = "Get metrics",
      .description =
          "Tells which sandboxes there are, whether they run, and what they use: CPU in percent "
          "of a core, memory in MiB, disk in bytes. A stopped one has null for all three.",
      .input = object_schema({{"sandbox", std::move(sandbox)}, {"namespace", namespace_property()}},
                             Json::array()),
      .output = metrics_schema(),
      .hints = {.read_only = true, .idempotent = true}};
}

}  // namespace

Json mcp_tools(std::string_view revision) {
  return {{"tools",
           Json::array({encode(start_tool(), revision), encode(stop_tool(), revision),
                        encode(run_code_tool(), revision), encode(run_command_tool(), revision),
                        encode(metrics_tool(), revision), encode(pause_tool(), revision),
                        encode(resume_tool(), revision), encode(snapshot_tool(), revision)})}};
}

}  // namespace msb::rpc
