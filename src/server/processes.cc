// SPDX-License-Identifier: Apache-2.0
#include "server/processes.h"

#include "server/random_text.h"

namespace msb::server {

Processes::Listed::~Listed() {
  if (processes_ != nullptr) {
    const std::lock_guard lock(processes_->mutex_);
    processes_->entries_.erase(id_);
  }
}

Result<Processes::Listed> Processes::add(SandboxName sandbox,
                                         std::shared_ptr<BackendProcess> process) {
  constexpr std::size_t kIdLength = 32;
  std::string id = TRY(random_text(kIdLength));
  {
    const std::lock_guard lock(mutex_);
    entries_.emplace(id, Entry{std::move(sandbox), std::move(process)});
  }
  return Listed(*this, std::move(id));
}

Result<std::shared_ptr<BackendProcess>> Processes::find(const SandboxName& sandbox,
                                                        const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.sandbox.sandbox != sandbox.sandbox ||
      found->second.sandbox.namespace_name != sandbox.namespace_name) {
    return fail(ErrorCode::kNotFound, "no such process runs in sandbox '" +
                                          sandbox.sandbox.substr(0, 64) + "'; it may have ended");
  }
  return found->second.process;
}

}  // namespace msb::server
