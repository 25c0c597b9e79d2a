// SPDX-License-Identifier: Apache-2.0
//
// The methods, whoever calls them: JSON-RPC and MCP are two spellings of these.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "rpc/json.h"
#include "rpc/reply.h"
#include "server/backend.h"
#include "server/processes.h"

namespace msb::server {

enum class Method : std::uint8_t {
  kStart,
  kStop,
  kRunCode,
  kRunCommand,
  kMetrics,
  // Of this server, no older one has them.
  kRemove,
  kLog,
  kInfo,
  kSpawn,
  kInput,
  kSignal,
  kResize,
  kPause,
  kResume,
  kSnapshot,
  kFork,
};

std::optional<Method> find_method(std::string_view name);
std::string_view name_of(Method method);
// May take as long as the guest likes: gets a thread of the larger pool.
bool is_long(Method method);
// Has output, which can be had as it comes.
bool has_output(Method method);

// Why a method gave no result.
struct MethodFailure {
  rpc::Failure kind = rpc::Failure::kFailed;
  Error error;
};

rpc::Reply reply_of(const MethodFailure& failure);

struct CallHooks {
  std::stop_token stop;
  OutputSink on_output;
  // The result has no output then: on_output has had it.
  enum class Output : std::uint8_t { kCollected, kStreamed } output = Output::kCollected;
  Delivery delivery = Delivery::kPrompt;
  PullSink on_pull;
  std::function<void(const std::string& id)> on_process;  // of Method::kSpawn, before any output
};

class Methods {
 public:
  using Outcome = std::expected<rpc::Json, MethodFailure>;

  // `host_prefixes`: paths of this host that no caller shall read in an error.
  Methods(Backend& backend, std::vector<std::string> host_prefixes)
      : backend_(backend), host_prefixes_(std::move(host_prefixes)) {}

  // Blocks. `params` null: absent.
  Outcome call(Method method, const rpc::Json* params, const CallHooks& hooks);

 private:
  template <typename Decoded>
  std::expected<Decoded, MethodFailure> with_good_names(Result<Decoded> decoded) const;
  Outcome start(const rpc::Json* params, const CallHooks& hooks);
  Outcome stop(const rpc::Json* params);
  Outcome move(Method method, const rpc::Json* params);  // kPause, kResume
  Outcome snapshot(const rpc::Json* params, const CallHooks& hooks);
  Outcome fork(const rpc::Json* params, const CallHooks& hooks);
  Outcome remove(const rpc::Json* params);
  Outcome run_code(const rpc::Json* params, const CallHooks& hooks);
  Outcome run_command(const rpc::Json* params, const CallHooks& hooks);
  Outcome metrics(const rpc::Json* params);
  Outcome log(const rpc::Json* params);
  Outcome info(const rpc::Json* params);
  Outcome spawn(const rpc::Json* params, const CallHooks& hooks);
  Outcome talk(Method method, const rpc::Json* params);

  // Of a method that takes nothing else; the names are well-formed.
  std::expected<rpc::Target, MethodFailure> target_of(Method method, const rpc::Json* params) const;
  std::optional<MethodFailure> check_names(const rpc::Target& target) const;
  // A failure if there is no such definition, in the words of the method.
  std::optional<MethodFailure> check_defined(const rpc::StartParams& params);
  std::optional<MethodFailure> check_known(const rpc::Target& target);
  MethodFailure failed(const Error& error) const;

  Backend& backend_;
  const std::vector<std::string> host_prefixes_;
  Processes processes_;
};

// `text` with every path that begins with one of `prefixes` replaced by "<host path>".
std::string without_host_paths(std::string text, const std::vector<std::string>& prefixes);

}  // namespace msb::server
