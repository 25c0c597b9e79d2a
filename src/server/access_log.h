// SPDX-License-Identifier: Apache-2.0
//
// One line of JSON for each request. Nothing of a body or of a key is in it: there is no secret to
// redact.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "rpc/json.h"

namespace msb::server {

struct AccessEntry {
  std::uint64_t request = 0;  // number of the request since the start of the server
  std::string peer;
  std::string verb;
  std::string path;    // without query
  std::string method;  // of JSON-RPC or MCP; empty: none
  std::string tool;    // of MCP; empty: none
  std::string id;      // of the JSON-RPC request, shortened
  std::string namespace_name;
  std::string sandbox;
  int status = 0;
  int code = 0;         // of the failure; 0: none
  std::string outcome;  // "ok", "failed", "refused", "disconnected"
  std::chrono::nanoseconds duration{0};
};

// Takes one line, without its newline, from the server's thread.
using LogSink = std::function<void(std::string_view line)>;

std::string encode(const AccessEntry& entry, std::chrono::system_clock::time_point now);

// Fills in what a call is about: method, tool, id, sandbox, namespace. Foreign texts are cut.
void describe(AccessEntry& entry, const rpc::Json& body);

// "2026-01-02T03:04:05.678Z"
std::string timestamp(std::chrono::system_clock::time_point time);

}  // namespace msb::server
