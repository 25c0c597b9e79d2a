// SPDX-License-Identifier: Apache-2.0
//
// Frames of the stream between the host and the agent inside a sandbox.
//
//   0        4        8      10     12
//   +--------+--------+------+------+----------------+
//   | size   | stream | type | 0    | payload (size) |   little-endian
//   +--------+--------+------+------+----------------+
//
// This shape is frozen; message types are only ever appended. The host numbers the streams
// (1, 2, ... ; 0 is the connection itself). Data frames of a stream are sent only against credit
// its receiver has granted (kInitialCreditBytes to begin with); all other frames are small and
// need none, so bulk data never holds up control.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/try.h"

namespace msb::wire {

inline constexpr std::uint16_t kProtocolVersion = 2;
inline constexpr std::size_t kHeaderSize = 12;
// A larger frame is a broken or hostile peer.
inline constexpr std::size_t kMaxPayloadBytes = 256 * 1024;
inline constexpr std::uint32_t kInitialCreditBytes = 1024 * 1024;

enum class FrameType : std::uint16_t {
  // host -> agent
  kHello = 1,
  kConfigure = 2,
  kWriteFile = 3,
  kExec = 4,
  kRepl = 5,
  kReplCode = 6,  // code of a kRepl larger than one frame, in pieces, then kEnd
  kSignal = 7,
  kResize = 8,
  kCancel = 9,
  kConnect = 10,
  kWarmRepl = 11,
  kAdopt = 12,
  kMeasure = 13,
  kRest = 14,  // say kResting, and then nothing until kGoOn, or kHello from another host
  kGoOn = 15,
  kRenew = 16,  // the interpreters are copies: other random numbers; answered by kDone or kFailed
  // both ways
  kData = 20,  // stdin of an exec, or bytes of a connection; counted against credit
  kEnd = 21,   // no more kData in this direction
  kCredit = 22,
  kPing = 23,
  kPong = 24,
  // agent -> host
  kHelloReply = 40,
  kDone = 41,      // a request without other result succeeded; closes the stream
  kFailed = 42,    // a request failed; closes the stream
  kStdout = 43,    // counted against credit
  kStderr = 44,    // counted against credit
  kStarted = 45,   // the process of an exec runs
  kExited = 46,    // after all output; closes the stream
  kReplDone = 47,  // after all output; closes the stream
  kConnected = 48,
  kOutputCut = 49,  // output of this stream was dropped by the agent (count in payload)
  kMeasured = 50,   // closes the stream
  kResting = 51,    // the last frame before the rest
  kLimitsMet = 52,
};

struct Frame {
  std::uint32_t stream = 0;
  FrameType type{};
  std::span<const std::byte> payload;
};

// True for the frames that use up credit.
constexpr bool is_data(FrameType type) {
  return type == FrameType::kData || type == FrameType::kStdout || type == FrameType::kStderr;
}

// Appends one frame to `out`. The payload must not exceed kMaxPayloadBytes.
void append_frame(std::vector<std::byte>& out, std::uint32_t stream, FrameType type,
                  std::span<const std::byte> payload);

// The header alone, for a vectored write of header and payload.
std::array<std::byte, kHeaderSize> encode_header(std::uint32_t stream, FrameType type,
                                                 std::size_t payload_size);

// Cuts a byte stream into frames. Not thread-safe.
//
//   reader.prepare(n) -> a buffer to read into;  reader.commit(bytes read);
//   while (auto frame = TRY(reader.next())) ...   // the payload is valid until the next prepare()
class FrameReader {
 public:
  // Room for at least one more byte, usually for `wanted` or more; in a large frame, for its rest.
  std::span<std::byte> prepare(std::size_t wanted = 64 * 1024);
  void commit(std::size_t size);
  // nullopt: not a whole frame yet. kCorrupt: the peer broke the format; the stream is unusable.
  Result<std::optional<Frame>> next();

 private:
  std::size_t missing_of_large_frame() const;

  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace msb::wire
