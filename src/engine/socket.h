// SPDX-License-Identifier: Apache-2.0
//
// The few socket calls of the engine. All are non-blocking and never raise SIGPIPE, which belongs
// to the program the engine lives in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::engine {

// Bytes moved; nullopt: the call would block. A receive of 0 bytes is the end of the stream.
Result<std::optional<std::size_t>> send_some(int socket, std::span<const std::byte> bytes);
Result<std::optional<std::size_t>> receive_some(int socket, std::span<std::byte> buffer);

// A non-blocking TCP listener on 127.0.0.1; port 0 picks a free one.
// kConflict: the port is taken; kPermissionDenied: it is privileged.
Result<base::UniqueFd> listen_on_loopback(std::uint16_t port);
Result<std::uint16_t> local_port(int socket);
// The next connection, non-blocking and without Nagle's delay; nullopt: none is waiting.
Result<std::optional<base::UniqueFd>> accept_one(int listener);
// Tells the peer that nothing more comes.
void shut_down_writing(int socket) noexcept;
// Ends both directions; the descriptor stays.
void shut_down(int socket) noexcept;

}  // namespace msb::engine
