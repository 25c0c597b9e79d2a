// SPDX-License-Identifier: Apache-2.0
//
// The engine that sandboxes of this process run in. Most programs never name it: the first start()
// makes one for the process, with the defaults below.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "msb/export.h"
#include "msb/result.h"

namespace msb {

// Spare sandboxes, made ahead and nobody's yet: a start that finds one of its image takes it, and
// is over in a tenth of the time. They are made in the background once an image has been started
// more than once, as many as recent starts came together, and given up when starts become rare.
// What a start observes does not depend on them; one that finds none, or asks for what a sandbox
// cannot get later (volumes, another user or disk size than starts before), is made anew.
struct PoolOptions {
  // At once, of all images; each takes about 10 MiB of memory. 0: none, the default: a library
  // keeps no processes that its program did not ask for.
  std::size_t max_spares = 0;
  // Of each image that is in demand.
  std::size_t min_spares = 1;
  // The number of spares halves in this time without starts, down to none.
  std::chrono::milliseconds half_life{30'000};
  // Memory of the host that spares leave available. 0: an eighth of all.
  std::int64_t reserved_memory_mib = 0;
};

struct PoolStatus {
  std::size_t ready = 0;
  std::size_t wanted = 0;       // as many are on their way
  std::uint64_t claimed = 0;    // starts that got a spare
  std::uint64_t not_found = 0;  // starts that could have had one
};

struct EngineOptions {
  // Images, definitions, writable layers. Empty: $MSB_HOME, else ~/.microsandbox.
  std::string home;
  // Where msb-warden, msb-agent and msb-unpack are. Empty: $MSB_LIBEXEC_DIR, else beside the
  // running executable, else in ../libexec/msb from it or from libmsb.so, else the installed path.
  std::string libexec_dir;
  PoolOptions pool;
  // The tiers that sandboxes may have (StartConfig::isolation); the first is what they have unless
  // they say. Empty: those of $MSB_ISOLATION, separated by commas, else any, and the jail.
  std::vector<std::string> isolation;
};

struct SandboxInfo {
  std::string namespace_;
  std::string name;
  std::string image;
  bool is_running = false;
  std::int64_t disk_bytes = 0;
};

// Owns the warden process and, through it, every sandbox started in it. When the last owner lets go
// of it (or the process dies in any way) all of them end. Thread-safe. After fork() the sandboxes
// stay the parent's: the child must not use its objects, but may make an engine of its own.
class MSB_EXPORT Engine {
 public:
  // kNotFound (a program of ours is missing), kUnsupported (this host cannot isolate; `msb
  // doctor`).
  static Result<std::shared_ptr<Engine>> create(const EngineOptions& options = {});
  // The process's own engine, made at the first call. $MSB_POOL is its PoolOptions::max_spares.
  static Result<std::shared_ptr<Engine>> instance();
  virtual ~Engine() = default;

  // Defined sandboxes of a namespace ("*": of all), running or not.
  virtual Result<std::vector<SandboxInfo>> list(std::string_view namespace_name = "default") = 0;
  virtual const std::string& home() const = 0;
  virtual PoolStatus pool() const = 0;

 protected:
  Engine() = default;
};

}  // namespace msb
