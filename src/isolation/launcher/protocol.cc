// SPDX-License-Identifier: Apache-2.0
#include "isolation/launcher/protocol.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/parse.h"
#include "isolation/warden/protocol.h"

namespace msb::isolation::launcher {
namespace {

using base::ByteReader;
using base::ByteWriter;

enum class Kind : std::uint8_t { kStart = 1, kStarted = 64, kFailed = 65 };

// Descriptor numbers, as image/unpack/protocol.h and warden/serve.h have them.
constexpr std::uint32_t kInput = 0;
constexpr std::uint32_t kOutput = 1;
constexpr std::uint32_t kUnpackRoot = 3;
constexpr std::uint32_t kUnpackStatus = 4;
constexpr std::uint32_t kEngineSocket = 3;

bool is_number(const std::string& text) {
  return base::parse_number<std::uint64_t>(text).has_value();
}

std::unexpected<Error> refused(std::string_view what) {
  return fail(ErrorCode::kPermissionDenied,
              "the launcher of this server does not start " + std::string(what));
}

bool has_targets(const StartRequest& request, std::initializer_list<std::uint32_t> targets) {
  return std::ranges::equal(request.targets, targets);
}

Result<base::ChildSpec> judge_unpack(const StartRequest& request, const Settings& settings) {
  const auto& arguments = request.arguments;
  const std::string verb = arguments.empty() ? std::string() : arguments.front();
  const bool numbers =
      std::all_of(arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end(), is_number);
  const bool known = numbers && ((verb == "decompress" && arguments.size() == 2 &&
                                  has_targets(request, {kInput, kOutput, kUnpackStatus})) ||
                                 (verb == "extract" && arguments.size() == 3 &&
                                  has_targets(request, {kInput, kUnpackRoot, kUnpackStatus})) ||
                                 (verb == "pack" && arguments.size() == 3 &&
                                  has_targets(request, {kOutput, kUnpackRoot, kUnpackStatus})) ||
                                 (verb == "remove" && arguments.size() == 1 &&
                                  has_targets(request, {kUnpackRoot, kUnpackStatus})));
  if (!known) {
    return refused("msb-unpack so");
  }
  base::ChildSpec spec;
  spec.path = settings.unpack_path;
  spec.argv = {"msb-unpack"};
  spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
  return spec;
}

Result<base::ChildSpec> judge_warden(const StartRequest& request, const Settings& settings) {
  const auto& arguments = request.arguments;
  if (arguments.size() != 4 || arguments[0] != "serve" || arguments[1] != settings.home ||
      arguments[2] != settings.agent_path || !warden::is_id(arguments[3]) ||
      !has_targets(request, {kEngineSocket})) {
    return refused("msb-warden so");
  }
  base::ChildSpec spec;
  spec.path = settings.warden_path;
  spec.argv = {"msb-warden", "serve", settings.home, settings.agent_path, arguments[3]};
  spec.argv.insert(spec.argv.end(), settings.warden_rules.begin(), settings.warden_rules.end());
  return spec;
}

}  // namespace

std::vector<std::byte> encode(const StartRequest& request) {
  ByteWriter writer;
  writer.u8(static_cast<std::uint8_t>(Kind::kStart));
  writer.string(request.program);
  writer.strings(request.arguments);
  writer.u32(static_cast<std::uint32_t>(request.targets.size()));
  for (const std::uint32_t target : request.targets) {
    writer.u32(target);
  }
  return std::move(writer).take();
}

std::vector<std::byte> encode(const Reply& reply) {
  ByteWriter writer;
  if (const auto* started = std::get_if<StartedReply>(&reply)) {
    writer.u8(static_cast<std::uint8_t>(Kind::kStarted));
    writer.i32(started->pid);
    writer.i32(started->exec_errno);
  } else if (const auto* failed = std::get_if<FailedReply>(&reply)) {
    writer.u8(static_cast<std::uint8_t>(Kind::kFailed));
    warden::write_error(writer, failed->error);
  }
  return std::move(writer).take();
}

Result<StartRequest> decode_request(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  StartRequest request;
  if (static_cast<Kind>(reader.u8()) != Kind::kStart) {
    reader.reject();
  }
  request.program = reader.string(kMaxArgumentBytes);
  request.arguments = reader.strings(kMaxArguments, kMaxArgumentBytes);
  const std::uint32_t count = reader.u32();
  if (count > kMaxDescriptors) {
    reader.reject();
  }
  for (std::uint32_t i = 0; i < std::min<std::size_t>(count, kMaxDescriptors); ++i) {
    request.targets.push_back(reader.u32());
  }
  TRY(reader.finish("request to the launcher"));
  return request;
}

Result<Reply> decode_reply(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  Reply reply;
  switch (static_cast<Kind>(reader.u8())) {
    case Kind::kStarted: {
      StartedReply started;
      started.pid = reader.i32();
      started.exec_errno = reader.i32();
      reply = started;
      break;
    }
    case Kind::kFailed:
      reply = FailedReply{warden::read_error(reader)};
      break;
    default:
      reader.reject();
  }
  TRY(reader.finish("reply of the launcher"));
  return reply;
}

Result<base::ChildSpec> judge(const StartRequest& request, const Settings& settings) {
  if (request.program != settings.unpack_path && request.program != settings.warden_path) {
    return refused("other programs");
  }
  base::ChildSpec spec =
      TRY(request.program == settings.unpack_path ? judge_unpack(request, settings)
                                                  : judge_warden(request, settings));
  spec.env = std::vector<std::string>{};
  spec.new_session = true;
  return spec;
}

}  // namespace msb::isolation::launcher
