// SPDX-License-Identifier: Apache-2.0
#include "image/config.h"

#include <algorithm>

#include "base/parse.h"
#include "image/json.h"
#include "image/manifest.h"
#include "image/printable.h"

namespace msb::image {
namespace {

using json::Value;

constexpr std::string_view kDefaultPath =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// {"80/tcp": {}, "53/udp": {}, "8080": {}}: TCP is the default.
Result<std::vector<std::uint16_t>> parse_ports(const Value& config) {
  std::vector<std::uint16_t> ports;
  const Value& exposed = json::member(config, "ExposedPorts");
  if (exposed.is_null()) {
    return ports;
  }
  if (!exposed.is_object()) {
    return fail(ErrorCode::kCorrupt, "'ExposedPorts' is not an object");
  }
  for (const auto& [name, ignored] : exposed.items()) {
    const std::string_view text = name;
    const std::size_t slash = text.find('/');
    if (slash != std::string_view::npos && text.substr(slash) != "/tcp") {
      continue;
    }
    const auto port = base::parse_number<std::uint16_t>(text.substr(0, slash));
    if (!port || *port == 0) {
      return fail(ErrorCode::kCorrupt, "'ExposedPorts': '" + printable(text) + "' is not a port");
    }
    ports.push_back(*port);
  }
  std::ranges::sort(ports);
  return ports;
}

Result<ImageConfig> parse_run_config(const Value& config) {
  ImageConfig run;
  run.env = TRY(json::strings(config, "Env"));
  run.entrypoint = TRY(json::strings(config, "Entrypoint"));
  run.cmd = TRY(json::strings(config, "Cmd"));
  run.user = TRY(json::string(config, "User"));
  run.workdir = TRY(json::string(config, "WorkingDir"));
  if (!run.workdir.empty() && !run.workdir.starts_with('/')) {
    run.workdir.insert(0, "/");
  }
  run.exposed_tcp_ports = TRY(parse_ports(config));
  return run;
}

}  // namespace

Result<ParsedConfig> parse_config(std::string_view text) {
  const Value document = TRY(json::parse(text, "image config"));
  const Platform& host = host_platform();
  Platform platform;
  platform.os = TRY_WRAP(json::string(document, "os"), "image config");
  platform.architecture = TRY_WRAP(json::string(document, "architecture"), "image config");
  if ((!platform.os.empty() && platform.os != host.os) ||
      (!platform.architecture.empty() && platform.architecture != host.architecture)) {
    return fail(ErrorCode::kUnsupported,
                "the image is for " + platform.str() + ", this host is " + host.str());
  }
  ParsedConfig parsed;
  parsed.created = TRY_WRAP(json::string(document, "created"), "image config");
  parsed.run = TRY_WRAP(parse_run_config(json::member(document, "config")), "image config");
  const auto diff_ids =
      TRY_WRAP(json::strings(json::member(document, "rootfs"), "diff_ids"), "image config");
  if (diff_ids.size() > kMaxLayers) {
    return fail(ErrorCode::kCorrupt,
                "image config: more than " + std::to_string(kMaxLayers) + " layers");
  }
  for (const std::string& diff_id : diff_ids) {
    parsed.diff_ids.push_back(TRY_WRAP(Digest::parse(diff_id), "image config: diff_ids"));
  }
  return parsed;
}

std::string config_of_rootfs(const Digest& diff_id) {
  Value document;
  document["architecture"] = host_platform().architecture;
  document["os"] = host_platform().os;
  document["config"]["Env"] = Value::array({kDefaultPath});
  document["config"]["Cmd"] = Value::array({"/bin/sh"});
  document["rootfs"]["type"] = "layers";
  document["rootfs"]["diff_ids"] = Value::array({diff_id.str()});
  return document.dump();
}

}  // namespace msb::image
