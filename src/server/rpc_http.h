// SPDX-License-Identifier: Apache-2.0
//
// JSON-RPC over HTTP: what a POST on /api/v1/rpc or one of its aliases means, given its body and
// the caller's rights. What takes time is handed back as a call for the transport to run.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "rpc/request.h"
#include "server/access.h"
#include "server/access_log.h"
#include "server/edge.h"
#include "server/methods.h"

namespace msb::server {

// The answer to a call whose output went ahead.
struct LateReply {
  rpc::Reply whole;       // if nothing has been sent yet
  std::string last_line;  // else: a JSON-RPC response, result or error
};

struct RpcCall {
  Method method = Method::kStart;
  rpc::Request request;
  rpc::Message message = rpc::Message::kAbsent;

  // Blocks.
  rpc::Reply run(Methods& methods, const CallHooks& hooks) const;
  LateReply run_late(Methods& methods, const CallHooks& hooks) const;

 private:
  Methods::Outcome outcome(Methods& methods, const CallHooks& hooks) const;
};

// Does not block. `entry` hears what the call is about.
std::variant<Response, RpcCall> prepare_rpc(Route route, const rpc::Claims& claims,
                                            std::string_view body, AccessEntry& entry);

}  // namespace msb::server
