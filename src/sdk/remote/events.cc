// SPDX-License-Identifier: Apache-2.0
#include "sdk/remote/events.h"

#include "rpc/output_line.h"

namespace msb::sdk {

Result<bool> take_event_line(std::string_view line, const EventSink& on_event) {
  const auto event = rpc::parse_json(line);
  if (!event) {
    return std::unexpected(Error(ErrorCode::kCorrupt, event.error().message())
                               .wrap(ErrorCode::kUnmarshalResponseFailed));
  }
  if (rpc::find_member(*event, "jsonrpc") != nullptr) {
    return false;
  }
  TRY(on_event(*event));
  return true;
}

EventSink output_events(ExecutionBuilder* builder, const OutputCallback& on_output) {
  return [builder, &on_output](const rpc::Json& event) -> Result<> {
    const auto piece = rpc::decode_output_line(event);
    if (!piece) {
      return std::unexpected(piece.error().wrap(ErrorCode::kUnmarshalResponseFailed));
    }
    const Stream stream = piece->stream == rpc::Stream::kStdout ? Stream::kStdout : Stream::kStderr;
    if (on_output) {
      on_output(stream, piece->bytes);
    }
    if (builder != nullptr) {
      builder->add(stream, piece->bytes);
    }
    return {};
  };
}

}  // namespace msb::sdk
