// SPDX-License-Identifier: Apache-2.0
//
// What a server tells while a call runs, a line of JSON each: foreign bytes, none of them trusted.
#pragma once

#include <functional>
#include <string_view>

#include "base/try.h"
#include "msb/options.h"
#include "rpc/json.h"
#include "sdk/execution_builder.h"

namespace msb::sdk {

using EventSink = std::function<Result<>(const rpc::Json& event)>;

// Hands an event to `on_event`. False: the line is the call's answer. kUnmarshalResponseFailed.
Result<bool> take_event_line(std::string_view line, const EventSink& on_event);

// Takes output. Both must outlive what is returned; `builder` may be null.
EventSink output_events(ExecutionBuilder* builder, const OutputCallback& on_output);

}  // namespace msb::sdk
