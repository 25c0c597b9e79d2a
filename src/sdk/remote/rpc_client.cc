// SPDX-License-Identifier: Apache-2.0
#include "sdk/remote/rpc_client.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/random.h"
#include "rpc/output_line.h"
#include "sdk/remote/failure.h"
#include "sdk/remote/response.h"

namespace msb::sdk {
namespace {

constexpr char kPath[] = "/api/v1/rpc";
constexpr char kHealthPath[] = "/api/v1/health";

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::string without_slashes(std::string url) {
  while (url.ends_with('/') && !url.ends_with("://")) {
    url.pop_back();
  }
  return url;
}

// Whatever it says that is not a list of words is no feature.
std::vector<std::string> features_of(const HttpReply& health) {
  std::vector<std::string> features;
  const auto body = rpc::parse_json(health.body);
  const rpc::Json* const list = body ? rpc::find_present(*body, "features") : nullptr;
  if (health.status == 200 && list != nullptr && list->is_array()) {
    for (const rpc::Json& feature : *list) {
      if (feature.is_string()) {
        features.push_back(feature.get<std::string>());
      }
    }
  }
  return features;
}

Result<> has_feature(const std::vector<std::string>& features, std::string_view feature,
                     std::string_view option) {
  if (std::ranges::find(features, feature) != features.end()) {
    return {};
  }
  return fail(ErrorCode::kUnsupported,
              std::string(option) +
                  ": this server cannot do it; leave it unset, use a newer server, or run the "
                  "sandbox on this host");
}

std::string authorization_of(const SandboxOptions& options) {
  const std::string key = options.api_key.empty() ? environment("MSB_API_KEY") : options.api_key;
  return key.empty() ? "" : "Bearer " + key;
}

}  // namespace

std::optional<std::string> server_url_of(const SandboxOptions& options) {
  std::string url = options.server_url;
  if (url.empty() && !options.engine) {
    url = environment("MSB_SERVER_URL");
  }
  return url.empty() ? std::nullopt : std::optional(std::move(url));
}

RpcClient::RpcClient(const SandboxOptions& options, const std::string& server_url)
    : log_(options.logger),
      request_id_producer_(options.request_id_producer),
      has_key_(!authorization_of(options).empty()),
      http_(without_slashes(server_url), authorization_of(options), options.http) {}

Result<std::string> RpcClient::new_id() const {
  if (request_id_producer_) {
    return request_id_producer_();
  }
  auto id = base::random_uuid();
  if (!id) {
    return std::unexpected(std::move(id).error().wrap(ErrorCode::kCreateRequestFailed));
  }
  return id;
}

Result<rpc::Json> RpcClient::call(std::string_view method, OrderedJson params,
                                  const std::stop_token& stop, const EventSink& on_event,
                                  Delivery delivery) {
  auto result = exchange(method, std::move(params), stop, on_event, delivery);
  if (!result && result.error().is(ErrorCode::kRpcCall)) {
    log_.error("JSON-RPC error",
               {{"method", std::string(method)}, {"message", result.error().message()}});
  } else if (!result) {
    log_.error("HTTP request failed",
               {{"method", std::string(method)}, {"error", result.error().message()}});
  }
  return result;
}

Result<rpc::Json> RpcClient::exchange(std::string_view method, OrderedJson params,
                                      const std::stop_token& stop, const EventSink& on_event,
                                      Delivery delivery) {
  const std::string id = TRY(new_id());
  log_.debug("Making JSON-RPC request", {{"method", std::string(method)}, {"id", id}});
  const std::string body = encode_request(method, std::move(params), id);
  HttpRequest request;
  request.path = kPath;
  request.body = body;
  if (on_event) {
    request.accept =
        std::string(delivery == Delivery::kPrompt ? rpc::kLinesMediaType : rpc::kLinesInPortions) +
        ", application/json";
    request.on_line = [&](std::string_view line) { return take_event_line(line, on_event); };
  }
  const HttpReply reply = TRY(http_.send(request, stop));
  if (reply.status == 401 && !has_key_) {
    return std::unexpected(reason_of_status(reply.status, reply.body)
                               .wrap(ErrorCode::kApiKeyMustBeSpecified)
                               .wrap(ErrorCode::kRequestFailed));
  }
  rpc::Json result = TRY(decode_reply(reply, id));
  log_.debug("JSON-RPC request completed successfully",
             {{"method", std::string(method)}, {"id", id}});
  return result;
}

Result<> RpcClient::require(std::string_view feature, std::string_view option,
                            const std::stop_token& stop) {
  {
    const std::lock_guard lock(mutex_);
    if (features_) {
      return has_feature(*features_, feature, option);
    }
  }
  HttpRequest request;
  request.path = kHealthPath;
  std::vector<std::string> features = features_of(TRY(http_.send(request, stop)));
  const std::lock_guard lock(mutex_);
  features_ = std::move(features);
  return has_feature(*features_, feature, option);
}

}  // namespace msb::sdk
