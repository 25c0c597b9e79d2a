// SPDX-License-Identifier: Apache-2.0
//
// JSON-RPC calls to one server. Thread-safe. Errors are two layers, the transport's and its reason;
// the caller adds the operation: "failed to run code: request failed: status 500: ...".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "msb/options.h"
#include "rpc/json.h"
#include "sdk/event_log.h"
#include "sdk/remote/events.h"
#include "sdk/remote/http_client.h"
#include "sdk/remote/request.h"

namespace msb::sdk {

class RpcClient {
 public:
  // `server_url` not empty. No I/O; what is wrong with the options is said by the first call.
  RpcClient(const SandboxOptions& options, const std::string& server_url);

  // `on_event`: called with what the server tells while the call runs, in the calling thread: at
  // once, or in portions, which costs less. A server that tells nothing before the end is as good.
  enum class Delivery : std::uint8_t { kInPortions, kPrompt };
  Result<rpc::Json> call(std::string_view method, OrderedJson params, const std::stop_token& stop,
                         const EventSink& on_event = {}, Delivery delivery = Delivery::kPrompt);

  // kUnsupported if the server does not say that it has this extension of the protocol; `option` is
  // what needs it. Asks the server once.
  Result<> require(std::string_view feature, std::string_view option, const std::stop_token& stop);

 private:
  Result<rpc::Json> exchange(std::string_view method, OrderedJson params,
                             const std::stop_token& stop, const EventSink& on_event,
                             Delivery delivery);
  Result<std::string> new_id() const;

  const EventLog log_;
  const std::function<std::string()> request_id_producer_;
  const bool has_key_;
  HttpClient http_;

  std::mutex mutex_;                                  // guards what follows
  std::optional<std::vector<std::string>> features_;  // nothing: not asked yet
};

// The server that the options, else the environment, name. Nothing: this host.
std::optional<std::string> server_url_of(const SandboxOptions& options);

}  // namespace msb::sdk
