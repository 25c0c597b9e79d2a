// SPDX-License-Identifier: Apache-2.0
#include "engine/definitions.h"

#include <array>
#include <utility>

namespace msb::engine {
namespace {

constexpr std::int64_t kSchemaVersion = 2;

// Each version is made from the one before.
constexpr const char* kToVersion1 = R"sql(
CREATE TABLE definitions (
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  image TEXT NOT NULL,
  memory_mib INTEGER NOT NULL,
  cpus REAL NOT NULL,
  disk_mib INTEGER NOT NULL,
  max_processes INTEGER NOT NULL,
  workdir TEXT NOT NULL,
  shell TEXT NOT NULL,
  exec TEXT NOT NULL,
  user TEXT NOT NULL,
  disk_base_bytes INTEGER NOT NULL,
  PRIMARY KEY (namespace, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE definition_items (
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  field TEXT NOT NULL,
  position INTEGER NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (namespace, name, field, position),
  FOREIGN KEY (namespace, name) REFERENCES definitions ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
)sql";

constexpr const char* kToVersion2 = R"sql(
ALTER TABLE definitions ADD COLUMN isolation TEXT NOT NULL DEFAULT '';
PRAGMA user_version = 2;
)sql";

constexpr const char* kSelect =
    "SELECT namespace, name, image, memory_mib, cpus, disk_mib, max_processes, workdir, shell, "
    "exec, user, disk_base_bytes, isolation FROM definitions ";

// The list fields of a Config, by the name they are stored under.
struct ListField {
  std::string_view name;
  std::vector<std::string> Config::* member;
};
constexpr std::array kListFields = {
    ListField{"volumes", &Config::volumes},
    ListField{"ports", &Config::ports},
    ListField{"envs", &Config::envs},
    ListField{"depends_on", &Config::depends_on},
};
constexpr std::string_view kScriptsField = "scripts";

StoredDefinition read_row(const SqlStatement& row) {
  StoredDefinition definition;
  definition.name = {.namespace_name = row.text(0), .sandbox = row.text(1)};
  Config& config = definition.config;
  config.image = row.text(2);
  config.memory_mib = row.number(3);
  config.cpus = row.decimal(4);
  config.disk_mib = row.number(5);
  config.max_processes = row.number(6);
  config.workdir = row.text(7);
  config.shell = row.text(8);
  config.exec = row.text(9);
  config.user = row.text(10);
  definition.disk_base_bytes = row.number(11);
  config.isolation = row.text(12);
  return definition;
}

void bind_name(SqlStatement& statement, const Name& name) {
  statement.bind(1, name.namespace_name);
  statement.bind(2, name.sandbox);
}

}  // namespace

Result<std::unique_ptr<Definitions>> Definitions::open(const std::string& path) {
  SqlDatabase database = TRY_WRAP(SqlDatabase::open(path), "open " + path);
  std::unique_ptr<Definitions> definitions(new Definitions(std::move(database)));
  TRY_WRAP(definitions->migrate(), "open " + path);
  return definitions;
}

Result<> Definitions::migrate() {
  const auto version = [this]() -> Result<std::int64_t> {
    SqlStatement statement = TRY(database_.prepare("PRAGMA user_version"));
    static_cast<void>(TRY(statement.step()));
    return statement.number(0);
  };
  if (TRY(version()) == kSchemaVersion) {
    return {};
  }
  SqlTransaction transaction = TRY(SqlTransaction::begin(database_));
  // Read again: another program may have been faster.
  const std::int64_t found = TRY(version());
  if (found > kSchemaVersion) {
    return fail(ErrorCode::kUnsupported, "schema version " + std::to_string(found) +
                                             " was made by a newer version of this software");
  }
  if (found < 1) {
    TRY(database_.execute(kToVersion1));
  }
  if (found < 2) {
    TRY(database_.execute(kToVersion2));
  }
  return transaction.commit();
}

Result<std::optional<StoredDefinition>> Definitions::find(const Name& name) {
  const std::lock_guard lock(mutex_);
  SqlStatement statement =
      TRY(database_.prepare(std::string(kSelect) + "WHERE namespace = ?1 AND name = ?2"));
  bind_name(statement, name);
  if (!TRY(statement.step())) {
    return std::nullopt;
  }
  StoredDefinition definition = read_row(statement);
  TRY(read_lists(definition));
  return definition;
}

Result<std::vector<StoredDefinition>> Definitions::list(std::string_view namespace_name) {
  const std::lock_guard lock(mutex_);
  SqlStatement statement = TRY(database_.prepare(
      std::string(kSelect) + "WHERE ?1 = '*' OR namespace = ?1 ORDER BY namespace, name"));
  statement.bind(1, namespace_name);
  std::vector<StoredDefinition> all;
  while (TRY(statement.step())) {
    all.push_back(read_row(statement));
  }
  for (StoredDefinition& definition : all) {
    TRY(read_lists(definition));
  }
  return all;
}

Result<> Definitions::read_lists(StoredDefinition& definition) {
  SqlStatement statement = TRY(database_.prepare(
      "SELECT field, key, value FROM definition_items WHERE namespace = ?1 AND name = ?2 "
      "ORDER BY field, position"));
  bind_name(statement, definition.name);
  while (TRY(statement.step())) {
    const std::string field = statement.text(0);
    if (field == kScriptsField) {
      definition.config.scripts.emplace(statement.text(1), statement.text(2));
    }
    for (const ListField& list : kListFields) {
      if (field == list.name) {
        (definition.config.*list.member).push_back(statement.text(2));
      }
    }
  }
  return {};
}

Result<> Definitions::write_lists(const StoredDefinition& definition) {
  SqlStatement statement = TRY(database_.prepare(
      "INSERT INTO definition_items (namespace, name, field, position, key, value) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6)"));
  const auto insert = [&](std::string_view field, std::int64_t position, std::string_view key,
                          std::string_view value) -> Result<> {
    statement.reset();
    bind_name(statement, definition.name);
    statement.bind(3, field);
    statement.bind(4, position);
    statement.bind(5, key);
    statement.bind(6, value);
    static_cast<void>(TRY(statement.step()));
    return {};
  };
  for (const ListField& list : kListFields) {
    std::int64_t position = 0;
    for (const std::string& value : definition.config.*list.member) {
      TRY(insert(list.name, position++, {}, value));
    }
  }
  std::int64_t position = 0;
  for (const auto& [name, text] : definition.config.scripts) {
    TRY(insert(kScriptsField, position++, name, text));
  }
  return {};
}

Result<> Definitions::put(const StoredDefinition& definition) {
  const std::lock_guard lock(mutex_);
  SqlTransaction transaction = TRY(SqlTransaction::begin(database_));
  {
    SqlStatement remove =
        TRY(database_.prepare("DELETE FROM definitions WHERE namespace = ?1 AND name = ?2"));
    bind_name(remove, definition.name);
    static_cast<void>(TRY(remove.step()));
    SqlStatement insert = TRY(database_.prepare(
        "INSERT INTO definitions (namespace, name, image, memory_mib, cpus, disk_mib, "
        "max_processes, workdir, shell, exec, user, disk_base_bytes, isolation) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"));
    const Config& config = definition.config;
    bind_name(insert, definition.name);
    insert.bind(3, config.image);
    insert.bind(4, config.memory_mib);
    insert.bind(5, config.cpus);
    insert.bind(6, config.disk_mib);
    insert.bind(7, config.max_processes);
    insert.bind(8, config.workdir);
    insert.bind(9, config.shell);
    insert.bind(10, config.exec);
    insert.bind(11, config.user);
    insert.bind(12, definition.disk_base_bytes);
    insert.bind(13, config.isolation);
    static_cast<void>(TRY(insert.step()));
    TRY(write_lists(definition));
  }
  return transaction.commit();
}

Result<> Definitions::remove(const Name& name) {
  const std::lock_guard lock(mutex_);
  SqlStatement statement =
      TRY(database_.prepare("DELETE FROM definitions WHERE namespace = ?1 AND name = ?2"));
  bind_name(statement, name);
  static_cast<void>(TRY(statement.step()));
  return {};
}

}  // namespace msb::engine
