// SPDX-License-Identifier: Apache-2.0
#include "sdk/local/convert.h"

#include <utility>

namespace msb::sdk {

engine::Config to_engine(const StartConfig& config) {
  return {.image = config.image,
          .memory_mib = config.memory,
          .cpus = config.cpus,
          .volumes = config.volumes,
          .ports = config.ports,
          .envs = config.envs,
          .depends_on = config.depends_on,
          .workdir = config.workdir,
          .shell = config.shell,
          .scripts = config.scripts,
          .exec = config.exec,
          .user = config.user,
          .disk_mib = config.disk,
          .max_processes = config.max_processes,
          .isolation = config.isolation};
}

wire::Language to_engine(Language language) {
  return language == Language::kPython ? wire::Language::kPython : wire::Language::kNode;
}

engine::CommandRequest to_engine(const std::string& command, const std::vector<std::string>& args,
                                 const CommandOptions& options) {
  engine::CommandRequest request;
  request.argv.reserve(args.size() + 1);
  request.argv.push_back(command);
  request.argv.insert(request.argv.end(), args.begin(), args.end());
  request.env = options.envs;
  request.workdir = options.workdir;
  request.user = options.user;
  request.timeout = options.timeout;
  request.stop = options.stop;
  request.wake = options.on_output ? engine::Call::Wake::kPrompt : engine::Call::Wake::kInPortions;
  return request;
}

Stream to_public(engine::Channel channel) {
  return channel == engine::Channel::kStdout ? Stream::kStdout : Stream::kStderr;
}

ExecutionBuilder::Summary to_public(engine::RunSummary summary) {
  return {.limits_hit = {.memory = summary.limits.memory,
                         .processes = summary.limits.processes,
                         .disk = summary.limits.disk,
                         .text = std::move(summary.limits.text)},
          .dropped_bytes = summary.dropped_bytes,
          .duration = summary.duration};
}

std::string to_public(wire::ReplDone::Status status) {
  switch (status) {
    case wire::ReplDone::Status::kSuccess:
      return "success";
    case wire::ReplDone::Status::kException:
      return "exception";
    case wire::ReplDone::Status::kExit:
      return "exit";
    case wire::ReplDone::Status::kTimeout:
      return "timeout";
    case wire::ReplDone::Status::kCancelled:
      return "cancelled";
    case wire::ReplDone::Status::kDied:
      break;
  }
  return "died";
}

ImageProgress to_public(const image::Progress& progress) {
  ImageProgress result;
  switch (progress.stage) {
    case image::Progress::Stage::kResolve:
      result.stage = ImageProgress::Stage::kResolve;
      break;
    case image::Progress::Stage::kDownload:
      result.stage = ImageProgress::Stage::kDownload;
      break;
    case image::Progress::Stage::kUnpack:
      result.stage = ImageProgress::Stage::kUnpack;
      break;
    case image::Progress::Stage::kDone:
      result.stage = ImageProgress::Stage::kDone;
      break;
  }
  result.item = progress.item;
  result.done_bytes = progress.done_bytes;
  result.total_bytes = progress.total_bytes;
  return result;
}

image::ProgressCallback to_engine(const std::function<void(const ImageProgress&)>& callback) {
  if (!callback) {
    return nullptr;
  }
  return [callback](const image::Progress& progress) { callback(to_public(progress)); };
}

}  // namespace msb::sdk
