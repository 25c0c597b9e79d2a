// SPDX-License-Identifier: Apache-2.0
//
// What GET /metrics says: counts and latencies of calls, in Prometheus' text format. Thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "rpc/results.h"
#include "server/backend.h"

namespace msb::server {

class Statistics {
 public:
  // One call of a method; `code` is that of its failure, 0 for none.
  void count_call(std::string_view method, int code, std::chrono::nanoseconds duration);
  void count_response(int status);
  void add_connections(int difference);
  void add_running(int difference);

  // The page; `sandboxes` and `spares` are read for it at this moment.
  std::string exposition(const std::vector<rpc::SandboxMetrics>& sandboxes,
                         const SpareCounts& spares) const;

 private:
  static constexpr std::array kBucketSeconds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                0.1,    0.25,  0.5,    1.0,   2.5,  10.0,  60.0};
  static constexpr std::size_t kMaxMethods = 64;
  struct Latency {
    std::array<std::uint64_t, kBucketSeconds.size()> buckets{};  // not cumulative
    std::uint64_t count = 0;
    double sum_seconds = 0;
  };

  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, Latency, std::less<>> calls_;
  std::map<std::pair<std::string, int>, std::uint64_t> errors_;
  std::map<int, std::uint64_t> responses_;
  std::int64_t connections_ = 0;
  std::int64_t running_ = 0;
};

}  // namespace msb::server
