// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <utility>

#include "rpc/mcp.h"

namespace msb::rpc {
namespace {

struct Prompt {
  const char* name;
  const char* title;
  const char* description;
  const char* image;
  const char* language;
  const char* default_sandbox;
};

constexpr std::array<Prompt, 2> kPrompts = {{
    {"create_python_sandbox", "Python sandbox", "Create a sandbox for Python code",
     "microsandbox/python", "Python", "python-sandbox"},
    {"create_node_sandbox", "Node.js sandbox", "Create a sandbox for Node.js code",
     "microsandbox/node", "Node.js", "node-sandbox"},
}};

std::string argument(const Json& arguments, const char* name, std::string_view fallback) {
  const std::string* text = find_string(arguments, name);
  return text == nullptr || text->empty() ? std::string(fallback) : *text;
}

}  // namespace

Json mcp_prompts(std::string_view revision) {
  Json prompts = Json::array();
  for (const Prompt& prompt : kPrompts) {
    Json one = {{"name", prompt.name},
                {"description", prompt.description},
                {"arguments", Json::array({{{"name", "sandbox_name"},
                                            {"description", "Name of the sandbox to create"},
                                            {"required", true}},
                                           {{"name", "namespace"},
                                            {"description", "Namespace of the sandbox"},
                                            {"required", false}}})}};
    if (revision >= kMcpStructuredRevision) {
      one["title"] = prompt.title;
    }
    prompts.push_back(std::move(one));
  }
  return {{"prompts", std::move(prompts)}};
}

std::optional<Json> mcp_prompt(std::string_view name, const Json& arguments,
                               std::string_view default_namespace) {
  for (const Prompt& prompt : kPrompts) {
    if (name != prompt.name) {
      continue;
    }
    const std::string text =
        "Create a " + std::string(prompt.language) + " sandbox named '" +
        argument(arguments, "sandbox_name", prompt.default_sandbox) + "' in the namespace '" +
        argument(arguments, "namespace", default_namespace) +
        "': call sandbox_start with the image " + prompt.image +
        ", 512 MiB of memory, 1 CPU and the workdir /workspace. Tell me when it has started.";
    return Json{
        {"description", prompt.description},
        {"messages",
         Json::array({{{"role", "user"}, {"content", {{"type", "text"}, {"text", text}}}}})}};
  }
  return std::nullopt;
}

}  // namespace msb::rpc
