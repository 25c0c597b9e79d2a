// SPDX-License-Identifier: Apache-2.0
#include "server/statistics.h"

#include <algorithm>
#include <cstdio>

namespace msb::server {
namespace {

std::string number_text(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.9g", value);
  return text.data();
}

// A family of one type; its samples follow.
void begin(std::string& page, const char* name, const char* type, const char* help) {
  page += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
}

void sample(std::string& page, const std::string& name_and_labels, double value) {
  page += name_and_labels + " " + number_text(value) + "\n";
}

void append_spares(std::string& page, const SpareCounts& spares) {
  begin(page, "msb_spares", "gauge", "Sandboxes kept ready for starts to come.");
  sample(page, "msb_spares{state=\"ready\"}", static_cast<double>(spares.ready));
  sample(page, "msb_spares{state=\"wanted\"}", static_cast<double>(spares.wanted));
  begin(page, "msb_spare_claims_total", "counter", "Starts that could have had a spare.");
  sample(page, "msb_spare_claims_total{result=\"claimed\"}", static_cast<double>(spares.claimed));
  sample(page, "msb_spare_claims_total{result=\"not_found\"}",
         static_cast<double>(spares.not_found));
  begin(page, "msb_spare_failures_total", "counter", "Spares that could not be made.");
  sample(page, "msb_spare_failures_total", static_cast<double>(spares.failed));
}

}  // namespace

void Statistics::count_call(std::string_view method, int code, std::chrono::nanoseconds duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  const auto bucket = static_cast<std::size_t>(std::ranges::lower_bound(kBucketSeconds, seconds) -
                                               kBucketSeconds.begin());
  const std::lock_guard lock(mutex_);
  // A caller chooses the name of a tool, and shall not write the page, or fill the memory, with it.
  const bool is_plain = std::ranges::all_of(method, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
  });
  if (!is_plain || (!calls_.contains(method) && calls_.size() >= kMaxMethods)) {
    method = "other";
  }
  Latency& latency = calls_[std::string(method)];
  if (bucket < latency.buckets.size()) {
    ++latency.buckets[bucket];
  }
  ++latency.count;
  latency.sum_seconds += seconds;
  if (code != 0) {
    ++errors_[{std::string(method), code}];
  }
}

void Statistics::count_response(int status) {
  const std::lock_guard lock(mutex_);
  ++responses_[status];
}

void Statistics::add_connections(int difference) {
  const std::lock_guard lock(mutex_);
  connections_ += difference;
}

void Statistics::add_running(int difference) {
  const std::lock_guard lock(mutex_);
  running_ += difference;
}

std::string Statistics::exposition(const std::vector<rpc::SandboxMetrics>& sandboxes,
                                   const SpareCounts& spares) const {
  std::string page;
  const std::lock_guard lock(mutex_);
  begin(page, "msb_call_duration_seconds", "histogram", "Time that calls of a method took.");
  for (const auto& [method, latency] : calls_) {
    const std::string labels = "method=\"" + method + "\"";
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < kBucketSeconds.size(); ++i) {
      below += latency.buckets[i];
      sample(page,
             "msb_call_duration_seconds_bucket{" + labels + ",le=\"" +
                 number_text(kBucketSeconds[i]) + "\"}",
             static_cast<double>(below));
    }
    const auto count = static_cast<double>(latency.count);
    sample(page, "msb_call_duration_seconds_bucket{" + labels + ",le=\"+Inf\"}", count);
    sample(page, "msb_call_duration_seconds_sum{" + labels + "}", latency.sum_seconds);
    sample(page, "msb_call_duration_seconds_count{" + labels + "}", count);
  }
  begin(page, "msb_call_errors_total", "counter", "Calls that failed, by the code of the failure.");
  for (const auto& [what, count] : errors_) {
    sample(page,
           "msb_call_errors_total{method=\"" + what.first + "\",code=\"" +
               std::to_string(what.second) + "\"}",
           static_cast<double>(count));
  }
  begin(page, "msb_http_responses_total", "counter", "Responses by status.");
  for (const auto& [status, count] : responses_) {
    sample(page, "msb_http_responses_total{status=\"" + std::to_string(status) + "\"}",
           static_cast<double>(count));
  }
  begin(page, "msb_connections", "gauge", "Open connections.");
  sample(page, "msb_connections", static_cast<double>(connections_));
  begin(page, "msb_calls_running", "gauge", "Calls that have not ended.");
  sample(page, "msb_calls_running", static_cast<double>(running_));

  std::size_t running_sandboxes = 0;
  double memory_bytes = 0;
  double disk_bytes = 0;
  for (const rpc::SandboxMetrics& one : sandboxes) {
    running_sandboxes += one.is_running ? 1 : 0;
    memory_bytes += static_cast<double>(one.memory_mib) * 1024 * 1024;
    disk_bytes += static_cast<double>(one.disk_bytes);
  }
  begin(page, "msb_sandboxes", "gauge", "Sandboxes by state.");
  sample(page, "msb_sandboxes{state=\"running\"}", static_cast<double>(running_sandboxes));
  sample(page, "msb_sandboxes{state=\"stopped\"}",
         static_cast<double>(sandboxes.size() - running_sandboxes));
  begin(page, "msb_sandbox_memory_bytes", "gauge", "Memory of all running sandboxes.");
  sample(page, "msb_sandbox_memory_bytes", memory_bytes);
  begin(page, "msb_sandbox_disk_bytes", "gauge", "Writable layers of all running sandboxes.");
  sample(page, "msb_sandbox_disk_bytes", disk_bytes);
  append_spares(page, spares);
  return page;
}

}  // namespace msb::server
