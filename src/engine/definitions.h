// SPDX-License-Identifier: Apache-2.0
//
// The definitions of persistent sandboxes: what a name was last started with. Kept in
// $MSB_HOME/msb.db, which several programs may use at once. Thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "engine/config.h"
#include "engine/sqlite.h"

namespace msb::engine {

struct StoredDefinition {
  Name name;
  Config config;
  std::int64_t disk_base_bytes = 0;  // what the fresh writable layer used for itself
};

class Definitions {
 public:
  // kUnsupported: made by a newer version of this software.
  static Result<std::unique_ptr<Definitions>> open(const std::string& path);

  Result<std::optional<StoredDefinition>> find(const Name& name);
  // Of one namespace, or of all ("*"); in order of name.
  Result<std::vector<StoredDefinition>> list(std::string_view namespace_name);
  Result<> put(const StoredDefinition& definition);
  // Not existing is a success.
  Result<> remove(const Name& name);

 private:
  explicit Definitions(SqlDatabase database) : database_(std::move(database)) {}
  Result<> migrate();
  Result<> read_lists(StoredDefinition& definition);
  Result<> write_lists(const StoredDefinition& definition);

  std::mutex mutex_;  // guards the connection: one statement at a time
  SqlDatabase database_;
};

}  // namespace msb::engine
