// SPDX-License-Identifier: Apache-2.0
//
// Answers of a server, decoded: foreign bytes, none of them trusted. No I/O.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "msb/execution.h"
#include "msb/metrics.h"
#include "msb/sandbox.h"
#include "rpc/json.h"
#include "sdk/execution_builder.h"

namespace msb::sdk {

struct HttpReply;

// The result of an answer, in the order in which every SDK looks at one: the status, the JSON, the
// error object. kRequestFailed, kUnmarshalResponseFailed, kRpcCall; the layer below has the code
// that the same failure has on this host, as far as the answer tells.
// `id`: of the request; empty: none was sent.
Result<rpc::Json> decode_reply(const HttpReply& reply, std::string_view id);

// A piece of output as the wire has it: a line. Unknown streams have been left out.
struct OutputLine {
  Stream stream = Stream::kStdout;
  std::string text;
};

struct DecodedCode {
  std::vector<OutputLine> output;
  CodeExecution execution;
};
struct DecodedCommand {
  std::vector<OutputLine> output;
  CommandExecution execution;
};

// kExecutionNotParsed. What a result leaves out is taken from the request; `streamed` has the
// output that came before it, and `output` is then empty.
Result<DecodedCode> decode_code(const rpc::Json& result, std::string_view language,
                                std::chrono::nanoseconds duration, ExecutionBuilder streamed = {});
Result<DecodedCommand> decode_command(const rpc::Json& result, const std::string& command,
                                      const std::vector<std::string>& args,
                                      std::chrono::nanoseconds duration,
                                      ExecutionBuilder streamed = {});

// What a server tells of a sandbox that runs.
struct SandboxDetails {
  bool was_running = false;  // before the start that this answers
  std::vector<PortMapping> ports;
  std::string isolation;  // empty: an older server
  std::vector<std::string> weaknesses;
  std::vector<std::string> image_command;
  std::optional<int> exec_exit_code;
};
// kUnmarshalResponseFailed.
Result<SandboxDetails> decode_details(const rpc::Json& result);
// {"sandboxes": [...]}: none of them empty. kUnmarshalResponseFailed.
Result<std::vector<std::string>> decode_fork(const rpc::Json& result);
// {"image": ...}: never empty. kUnmarshalResponseFailed.
Result<std::string> decode_snapshot(const rpc::Json& result);
// {"base64": ...} or a string. kUnmarshalResponseFailed.
Result<std::string> decode_log(const rpc::Json& result);

// The first of the list; zeros if it is empty. kUnmarshalMetricsFailed.
Result<Metrics> decode_metrics(const rpc::Json& result);
// All of the list. kUnmarshalMetricsFailed.
Result<std::vector<Metrics>> decode_metrics_list(const rpc::Json& result);

}  // namespace msb::sdk
