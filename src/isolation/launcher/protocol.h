// SPDX-License-Identifier: Apache-2.0
//
// What a server asks of its launcher: to start one of two programs. One SOCK_SEQPACKET message
// each way at a time.
//
//   server                                        launcher
//   StartRequest + descriptors for the program ─►
//                            ◄─ StartedReply + pidfd, or FailedReply
//
// The started process is the server's child, not the launcher's: the server waits for it, and it
// ends with the server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/child_process.h"
#include "base/try.h"

namespace msb::isolation::launcher {

inline constexpr std::size_t kMaxMessageBytes = 16 * 1024;
inline constexpr std::size_t kMaxArguments = 8;
inline constexpr std::size_t kMaxArgumentBytes = 1024;
inline constexpr std::size_t kMaxDescriptors = 8;

struct StartRequest {
  std::string program;                 // the executable's path
  std::vector<std::string> arguments;  // without argv[0]
  std::vector<std::uint32_t> targets;  // the number each descriptor gets
};

struct StartedReply {
  std::int32_t pid = 0;
  std::int32_t exec_errno = 0;  // not 0: it has ended already, because it could not be executed
};

struct FailedReply {
  Error error{ErrorCode::kInternal, {}};
};

using Reply = std::variant<StartedReply, FailedReply>;

// What the launcher was told by who started it. Requests cannot change it.
struct Settings {
  std::string home;
  std::string warden_path;
  std::string agent_path;
  std::string unpack_path;
  std::vector<std::string> warden_rules;  // the last of a warden's arguments: what it may not do
};

std::vector<std::byte> encode(const StartRequest& request);
std::vector<std::byte> encode(const Reply& reply);

// kCorrupt: not a message of the grammar.
Result<StartRequest> decode_request(std::span<const std::byte> bytes);
Result<Reply> decode_reply(std::span<const std::byte> bytes);

// The program to start, all of it from `settings` but what the grammar leaves open: an engine's id,
// the numbers of msb-unpack. kPermissionDenied: anything else.
Result<base::ChildSpec> judge(const StartRequest& request, const Settings& settings);

}  // namespace msb::isolation::launcher
