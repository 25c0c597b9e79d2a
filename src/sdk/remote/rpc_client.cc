// SPDX-License-Identifier: Apache-2.0
#include "sdk/remote/rpc_client.h"

#include <cstdlib>
#include <utility>

#include "sdk/remote/failure.h"
#include "sdk/remote/response.h"

namespace msb::sdk {
namespace {

constexpr char kPath[] = "/api/v1/rpc";

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::string endpoint(std::string url) {
  while (url.ends_with('/') && !url.ends_with("://")) {
    url.pop_back();
  }
  return url + kPath;
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
      http_(endpoint(server_url), authorization_of(options), options.http) {}

Result<std::string> RpcClient::new_id() const {
  if (request_id_producer_) {
    return request_id_producer_();
  }
  auto id = new_uuid();
  if (!id) {
    return std::unexpected(std::move(id).error().wrap(ErrorCode::kCreateRequestFailed));
  }
  return id;
}

Result<rpc::Json> RpcClient::call(std::string_view method, OrderedJson params,
                                  const std::stop_token& stop) {
  auto result = exchange(method, std::move(params), stop);
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
                                      const std::stop_token& stop) {
  const std::string id = TRY(new_id());
  log_.debug("Making JSON-RPC request", {{"method", std::string(method)}, {"id", id}});
  const HttpReply reply = TRY(http_.post(encode_request(method, std::move(params), id), stop));
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

}  // namespace msb::sdk
