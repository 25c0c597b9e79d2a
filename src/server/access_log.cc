// SPDX-License-Identifier: Apache-2.0
#include "server/access_log.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace msb::server {
namespace {

constexpr std::size_t kMaxForeignBytes = 128;

std::string shortened(const std::string* text) {
  return text == nullptr ? std::string() : text->substr(0, kMaxForeignBytes);
}

}  // namespace

std::string timestamp(std::chrono::system_clock::time_point time) {
  const auto since = time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(since - seconds);
  const std::time_t unix_time = seconds.count();
  std::tm parts{};
  ::gmtime_r(&unix_time, &parts);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 8> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03dZ",
                static_cast<int>(milliseconds.count() % 1000));
  return std::string(text.data(), size) + fraction.data();
}

std::string encode(const AccessEntry& entry, std::chrono::system_clock::time_point now) {
  const double ms = std::chrono::duration<double, std::milli>(entry.duration).count();
  rpc::Json line = {{"time", timestamp(now)},
                    {"request", entry.request},
                    {"peer", entry.peer},
                    {"verb", entry.verb},
                    {"path", entry.path.substr(0, kMaxForeignBytes)},
                    {"status", entry.status},
                    {"outcome", entry.outcome},
                    {"duration_ms", std::round(ms * 1000) / 1000}};
  for (const auto& [name, text] :
       {std::pair("method", &entry.method), std::pair("tool", &entry.tool),
        std::pair("id", &entry.id), std::pair("namespace", &entry.namespace_name),
        std::pair("sandbox", &entry.sandbox)}) {
    if (!text->empty()) {
      line[name] = *text;
    }
  }
  if (entry.code != 0) {
    line["code"] = entry.code;
  }
  return rpc::to_text(line);
}

void describe(AccessEntry& entry, const rpc::Json& body) {
  entry.method = shortened(rpc::find_string(body, "method"));
  if (const rpc::Json* id = rpc::find_present(body, "id")) {
    entry.id = id->is_string() ? shortened(id->get_ptr<const std::string*>())
                               : rpc::to_text(*id).substr(0, kMaxForeignBytes);
  }
  const rpc::Json* params = rpc::find_present(body, "params");
  if (params == nullptr) {
    return;
  }
  const rpc::Json* arguments = params;
  if (entry.method == "tools/call") {
    entry.tool = shortened(rpc::find_string(*params, "name"));
    arguments = rpc::find_present(*params, "arguments");
  }
  if (arguments != nullptr) {
    entry.sandbox = shortened(rpc::find_string(*arguments, "sandbox"));
    entry.namespace_name = shortened(rpc::find_string(*arguments, "namespace"));
  }
}

}  // namespace msb::server
