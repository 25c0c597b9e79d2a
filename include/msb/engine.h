// SPDX-License-Identifier: Apache-2.0
//
// The engine that sandboxes of this process run in. Most programs never name it: the first start()
// makes one for the process, with the defaults below.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "msb/export.h"
#include "msb/result.h"

namespace msb {

struct EngineOptions {
  // Images, definitions, writable layers. Empty: $MSB_HOME, else ~/.microsandbox.
  std::string home;
  // Where msb-warden, msb-agent and msb-unpack are. Empty: $MSB_LIBEXEC_DIR, else beside the
  // running executable, else in ../libexec/msb from it or from libmsb.so, else the installed path.
  std::string libexec_dir;
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
  // The process's own engine, made at the first call.
  static Result<std::shared_ptr<Engine>> instance();
  virtual ~Engine() = default;

  // Defined sandboxes of a namespace ("*": of all), running or not.
  virtual Result<std::vector<SandboxInfo>> list(std::string_view namespace_name = "default") = 0;
  virtual const std::string& home() const = 0;

 protected:
  Engine() = default;
};

}  // namespace msb
