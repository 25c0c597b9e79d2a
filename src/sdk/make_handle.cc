// SPDX-License-Identifier: Apache-2.0
//
// Where a sandbox runs is decided here, once, when its object is made.
#include <memory>
#include <utility>

#include "sdk/local/local_sandbox.h"
#include "sdk/remote/remote_sandbox.h"
#include "sdk/sandbox_handle.h"

namespace msb::sdk {

std::shared_ptr<SandboxHandle> make_handle(SandboxOptions options,
                                           std::optional<Language> language) {
  if (const auto server_url = server_url_of(options)) {
    return std::make_shared<RemoteSandbox>(std::move(options), language, *server_url);
  }
  return std::make_shared<LocalSandbox>(std::move(options), language);
}

Result<std::vector<Metrics>> list_sandboxes(const SandboxOptions& where) {
  if (const auto server_url = server_url_of(where)) {
    return list_remote(where, *server_url);
  }
  return list_local(where);
}

}  // namespace msb::sdk
