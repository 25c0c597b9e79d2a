// SPDX-License-Identifier: Apache-2.0
#include "engine/dependencies.h"

#include <algorithm>
#include <set>

namespace msb::engine {
namespace {

class Walk {
 public:
  Walk(std::string namespace_name, Definitions& definitions,
       const std::function<bool(const Name&)>& is_running)
      : namespace_(std::move(namespace_name)), definitions_(definitions), is_running_(is_running) {}

  Result<> visit(const std::string& sandbox, const std::vector<std::string>& depends_on) {
    path_.push_back(sandbox);
    for (std::size_t i = 0; i < depends_on.size(); ++i) {
      const std::string& next = depends_on[i];
      std::string field = "depends_on[" + std::to_string(i) + "] '" + next + "'";
      if (std::ranges::find(path_, next) != path_.end()) {
        return fail(ErrorCode::kInvalidArgument,
                    field.append(": cycle: " + chain() + " -> " + next));
      }
      if (!checked_.insert(next).second) {
        continue;
      }
      const Name name{.namespace_name = namespace_, .sandbox = next};
      const auto stored = TRY(definitions_.find(name));
      if (stored) {
        TRY(visit(next, stored->config.depends_on));
      } else if (!is_running_(name)) {
        return fail(ErrorCode::kNotFound,
                    field.append(" of '" + sandbox + "': no such sandbox is defined or running"));
      }
    }
    path_.pop_back();
    return {};
  }

 private:
  std::string chain() const {
    std::string text;
    for (const std::string& name : path_) {
      text.append(text.empty() ? "" : " -> ").append(name);
    }
    return text;
  }

  const std::string namespace_;
  Definitions& definitions_;
  const std::function<bool(const Name&)>& is_running_;
  std::vector<std::string> path_;
  std::set<std::string> checked_;
};

}  // namespace

Result<> check_dependency_graph(const Name& name, const std::vector<std::string>& depends_on,
                                Definitions& definitions,
                                const std::function<bool(const Name&)>& is_running) {
  return Walk(name.namespace_name, definitions, is_running).visit(name.sandbox, depends_on);
}

}  // namespace msb::engine
