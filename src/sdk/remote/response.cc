// SPDX-License-Identifier: Apache-2.0
//
// One member of a wrong type spoils a result, as it does for the established clients: half a result
// would be taken for a whole one. What is absent has a default, what is unknown is ignored.
#include "sdk/remote/response.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "rpc/base64.h"
#include "sdk/execution_builder.h"
#include "sdk/remote/failure.h"
#include "sdk/remote/http_client.h"

namespace msb::sdk {
namespace {

using rpc::Json;

constexpr int kSignalledExitBase = 128;
constexpr int kMaxSignal = 127;

std::unexpected<Error> wrong(std::string text) {
  return fail(ErrorCode::kCorrupt, std::move(text));
}

Result<std::string> text_member(const Json& object, const char* name, std::string absent) {
  const Json* const member = rpc::find_present(object, name);
  if (member == nullptr) {
    return absent;
  }
  if (!member->is_string()) {
    return wrong(std::string(name) + ": not a string");
  }
  return member->get<std::string>();
}

Result<bool> bool_member(const Json& object, const char* name) {
  const Json* const member = rpc::find_present(object, name);
  if (member != nullptr && !member->is_boolean()) {
    return wrong(std::string(name) + ": not a bool");
  }
  return member != nullptr && member->get<bool>();
}

// Integers of a JSON that came through a language without them may have a fraction of zero.
Result<std::int64_t> integer_member(const Json& object, const char* name) {
  constexpr double kLimit = 9007199254740992.0;  // 2^53: integers a double can tell apart
  const Json* const member = rpc::find_present(object, name);
  if (member == nullptr) {
    return 0;
  }
  if (member->is_number_unsigned() &&
      member->get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max()) {
    return wrong(std::string(name) + ": out of range");
  }
  if (member->is_number_integer()) {
    return member->get<std::int64_t>();
  }
  if (member->is_number_float()) {
    const double value = member->get<double>();
    if (value == std::trunc(value) && std::abs(value) < kLimit) {
      return static_cast<std::int64_t>(value);
    }
  }
  return wrong(std::string(name) + ": not an integer");
}

Result<int> int_member(const Json& object, const char* name) {
  const std::int64_t value = TRY(integer_member(object, name));
  if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max()) {
    return wrong(std::string(name) + ": out of range");
  }
  return static_cast<int>(value);
}

Result<std::vector<OutputLine>> output_of(const Json& result) {
  std::vector<OutputLine> lines;
  const Json* const list = rpc::find_present(result, "output");
  if (list == nullptr) {
    return lines;
  }
  if (!list->is_array()) {
    return wrong("output: not a list");
  }
  for (const Json& item : *list) {
    if (!item.is_object()) {
      return wrong("output: an item is not an object");
    }
    const std::string stream = TRY(text_member(item, "stream", {}));
    std::string text = TRY(text_member(item, "text", {}));
    if (stream == "stdout" || stream == "stderr") {
      text += '\n';
      lines.push_back({stream == "stdout" ? Stream::kStdout : Stream::kStderr, std::move(text)});
    }
  }
  return lines;
}

ExecutionBuilder collect(ExecutionBuilder builder, const std::vector<OutputLine>& lines) {
  for (const OutputLine& line : lines) {
    builder.add(line.stream, line.text);
  }
  return builder;
}

Result<std::vector<std::string>> texts_member(const Json& object, const char* name) {
  std::vector<std::string> texts;
  const Json* const list = rpc::find_present(object, name);
  if (list == nullptr) {
    return texts;
  }
  if (!list->is_array()) {
    return wrong(std::string(name) + ": not a list");
  }
  for (const Json& item : *list) {
    if (!item.is_string()) {
      return wrong(std::string(name) + ": an item is not a string");
    }
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

Result<std::uint16_t> port_member(const Json& object, const char* name) {
  const std::int64_t port = TRY(integer_member(object, name));
  if (port < 0 || port > std::numeric_limits<std::uint16_t>::max()) {
    return wrong(std::string(name) + ": not a port");
  }
  return static_cast<std::uint16_t>(port);
}

Result<ExecutionBuilder::Summary> summary_of(const Json& result,
                                             std::chrono::nanoseconds duration) {
  ExecutionBuilder::Summary summary;
  summary.duration = duration;
  if (rpc::find_present(result, "output") != nullptr) {
    summary.raw_json = rpc::to_text(result);  // of a streamed one it would be half of it
  }
  const std::int64_t dropped = TRY(integer_member(result, "dropped_bytes"));
  summary.dropped_bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(dropped, 0));
  LimitsHit& limits = summary.limits_hit;
  limits.text = TRY(text_member(result, "limits_hit", {}));
  const auto names = [&](ErrorCode code) { return limits.text.contains(to_string(code)); };
  limits.memory = names(ErrorCode::kOutOfMemory);
  limits.processes = names(ErrorCode::kTooManyProcesses);
  limits.disk = names(ErrorCode::kDiskFull);
  return summary;
}

std::unexpected<Error> not_parsed(const Error& error) {
  return std::unexpected(error.wrap(ErrorCode::kExecutionNotParsed));
}

Result<DecodedCode> code_of(const Json& result, std::string_view language,
                            std::chrono::nanoseconds duration, ExecutionBuilder streamed) {
  if (!result.is_object()) {
    return wrong("result: not an object");
  }
  std::vector<OutputLine> lines = TRY(output_of(result));
  std::string status = TRY(text_member(result, "status", "success"));
  const std::string reason = TRY(text_member(result, "reason", {}));
  if (status == "error" && !reason.empty()) {
    status = reason;  // "exit", "timeout" or "died", as on this host
  }
  const std::string ran = TRY(text_member(result, "language", std::string(language)));
  const int exit_code = TRY(int_member(result, "exit_code"));
  const bool state_lost = TRY(bool_member(result, "state_lost"));
  ExecutionBuilder::Summary summary = TRY(summary_of(result, duration));
  CodeExecution execution =
      collect(std::move(streamed), lines)
          .code(std::move(status), ran, exit_code, state_lost, std::move(summary));
  return DecodedCode{std::move(lines), std::move(execution)};
}

Result<DecodedCommand> command_of(const Json& result, const std::string& command,
                                  const std::vector<std::string>& args,
                                  std::chrono::nanoseconds duration, ExecutionBuilder streamed) {
  if (!result.is_object()) {
    return wrong("result: not an object");
  }
  std::vector<OutputLine> lines = TRY(output_of(result));
  std::string ran = TRY(text_member(result, "command", command));
  std::vector<std::string> ran_args = args;
  if (rpc::find_present(result, "args") != nullptr) {
    ran_args = TRY(texts_member(result, "args"));
  }
  if (rpc::find_present(result, "exit_code") == nullptr) {
    return wrong("exit_code: missing");
  }
  int exit_code = TRY(int_member(result, "exit_code"));
  [[maybe_unused]] const bool success = TRY(bool_member(result, "success"));
  const int signal = TRY(int_member(result, "signal"));
  if (signal < 0 || signal > kMaxSignal) {
    return wrong("signal: out of range");
  }
  if (signal != 0) {
    exit_code = kSignalledExitBase + signal;  // the wire has 1
  }
  ExecutionBuilder::Summary summary = TRY(summary_of(result, duration));
  CommandExecution execution =
      collect(std::move(streamed), lines)
          .command(std::move(ran), std::move(ran_args), exit_code, signal, std::move(summary));
  return DecodedCommand{std::move(lines), std::move(execution)};
}

Result<Metrics> reading_of(const Json& item) {
  if (!item.is_object()) {
    return wrong("sandboxes: an item is not an object");
  }
  Metrics metrics;
  metrics.name = TRY(text_member(item, "name", {}));
  metrics.namespace_ = TRY(text_member(item, "namespace", {}));
  metrics.is_running = TRY(bool_member(item, "running"));
  metrics.is_paused = TRY(bool_member(item, "paused"));
  metrics.isolation = TRY(text_member(item, "isolation", {}));
  if (const Json* const cpu = rpc::find_present(item, "cpu_usage")) {
    if (!cpu->is_number()) {
      return wrong("cpu_usage: not a number");
    }
    metrics.cpu_percent = cpu->get<double>();
  }
  metrics.memory_mib = TRY(integer_member(item, "memory_usage"));
  // One that does not run has no usage, but still its bytes.
  const bool has_bytes = rpc::find_present(item, "disk_bytes") != nullptr;
  metrics.disk_bytes = TRY(integer_member(item, has_bytes ? "disk_bytes" : "disk_usage"));
  return metrics;
}

Result<std::vector<Metrics>> readings_of(const Json& result) {
  std::vector<Metrics> readings;
  const Json* const list = rpc::find_present(result, "sandboxes");
  if (list == nullptr) {
    return readings;
  }
  if (!list->is_array()) {
    return wrong("sandboxes: not a list");
  }
  for (const Json& item : *list) {
    readings.push_back(TRY(reading_of(item)));
  }
  return readings;
}

Result<SandboxDetails> details_of(const Json& result) {
  SandboxDetails details;
  details.was_running = TRY(bool_member(result, "was_running"));
  details.isolation = TRY(text_member(result, "isolation", {}));
  details.weaknesses = TRY(texts_member(result, "weaknesses"));
  details.image_command = TRY(texts_member(result, "image_command"));
  if (rpc::find_present(result, "exec_exit_code") != nullptr) {
    details.exec_exit_code = TRY(int_member(result, "exec_exit_code"));
  }
  const Json* const ports = rpc::find_present(result, "ports");
  if (ports == nullptr) {
    return details;
  }
  if (!ports->is_array()) {
    return wrong("ports: not a list");
  }
  for (const Json& item : *ports) {
    details.ports.push_back(
        {.host = TRY(port_member(item, "host")), .guest = TRY(port_member(item, "guest"))});
  }
  return details;
}

// The result's, or the error that the body tells.
Result<Json> result_of(const Json& body, std::string_view id) {
  const auto malformed = [](std::string text) {
    return std::unexpected(
        Error(ErrorCode::kCorrupt, std::move(text)).wrap(ErrorCode::kUnmarshalResponseFailed));
  };
  if (!body.is_object()) {
    return malformed("not a JSON object");
  }
  if (const Json* const echoed = rpc::find_present(body, "id")) {
    if (!echoed->is_string()) {
      return malformed("id: not a string");
    }
    if (!id.empty() && echoed->get_ref<const std::string&>() != id) {
      return malformed("id: of another request");
    }
  }
  if (const Json* const error = rpc::find_present(body, "error")) {
    const Json* const code = rpc::find_present(*error, "code");
    const Json* const message = rpc::find_present(*error, "message");
    if (!error->is_object() || (code != nullptr && !code->is_number_integer()) ||
        (message != nullptr && !message->is_string())) {
      return malformed("error: not an error object");
    }
    return std::unexpected(
        reason_of_rpc_error(*error, code == nullptr ? 0 : code->get<long long>(),
                            message == nullptr ? "" : printable_body(message->get<std::string>()))
            .wrap(ErrorCode::kRpcCall));
  }
  const Json* const result = rpc::find_member(body, "result");
  return result != nullptr ? *result : Json();
}

}  // namespace

Result<Json> decode_reply(const HttpReply& reply, std::string_view id) {
  if (reply.status != 200) {
    return std::unexpected(
        reason_of_status(reply.status, reply.body).wrap(ErrorCode::kRequestFailed));
  }
  const auto body = rpc::parse_json(reply.body);
  if (!body) {
    return std::unexpected(Error(ErrorCode::kCorrupt, body.error().message())
                               .wrap(ErrorCode::kUnmarshalResponseFailed));
  }
  return result_of(*body, id);
}

Result<DecodedCode> decode_code(const Json& result, std::string_view language,
                                std::chrono::nanoseconds duration, ExecutionBuilder streamed) {
  auto decoded = code_of(result, language, duration, std::move(streamed));
  if (!decoded) {
    return not_parsed(decoded.error());
  }
  return decoded;
}

Result<DecodedCommand> decode_command(const Json& result, const std::string& command,
                                      const std::vector<std::string>& args,
                                      std::chrono::nanoseconds duration,
                                      ExecutionBuilder streamed) {
  auto decoded = command_of(result, command, args, duration, std::move(streamed));
  if (!decoded) {
    return not_parsed(decoded.error());
  }
  return decoded;
}

Result<SandboxDetails> decode_details(const Json& result) {
  auto details = details_of(result);
  if (!details) {
    return std::unexpected(details.error().wrap(ErrorCode::kUnmarshalResponseFailed));
  }
  return details;
}

Result<std::string> decode_snapshot(const Json& result) {
  const std::string* const image = result.is_object() ? rpc::find_string(result, "image") : nullptr;
  if (image == nullptr || image->empty()) {
    return std::unexpected(Error(ErrorCode::kCorrupt, "no name of an image")
                               .wrap(ErrorCode::kUnmarshalResponseFailed));
  }
  return *image;
}

Result<std::vector<std::string>> decode_fork(const Json& result) {
  std::vector<std::string> names;
  const auto list = result.is_object() ? result.find("sandboxes") : result.end();
  if (list != result.end() && list->is_array()) {
    for (const Json& name : *list) {
      names.push_back(name.is_string() ? name.get<std::string>() : "");
    }
  }
  if (names.empty() || std::ranges::find(names, "") != names.end()) {
    return std::unexpected(Error(ErrorCode::kCorrupt, "no names of sandboxes")
                               .wrap(ErrorCode::kUnmarshalResponseFailed));
  }
  return names;
}

Result<std::string> decode_log(const Json& result) {
  if (result.is_string()) {
    return result.get<std::string>();
  }
  const std::string* const base64 = rpc::find_string(result, "base64");
  auto bytes = base64 == nullptr ? std::nullopt : rpc::from_base64(*base64);
  if (!bytes) {
    return std::unexpected(Error(ErrorCode::kCorrupt, "the log is neither text nor base64")
                               .wrap(ErrorCode::kUnmarshalResponseFailed));
  }
  return *std::move(bytes);
}

Result<std::vector<Metrics>> decode_metrics_list(const Json& result) {
  auto readings = readings_of(result);
  if (!readings) {
    return std::unexpected(readings.error().wrap(ErrorCode::kUnmarshalMetricsFailed));
  }
  return readings;
}

Result<Metrics> decode_metrics(const Json& result) {
  const std::vector<Metrics> readings = TRY(decode_metrics_list(result));
  return readings.empty() ? Metrics() : readings.front();
}

}  // namespace msb::sdk
