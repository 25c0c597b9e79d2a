// SPDX-License-Identifier: Apache-2.0
#include "engine/definitions.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "engine/dependencies.h"

namespace msb::engine {
namespace {

class DefinitionsTest : public ::testing::Test {
 protected:
  std::string path() const { return folder_.path() + "/msb.db"; }
  std::unique_ptr<Definitions> open() {
    auto definitions = Definitions::open(path());
    EXPECT_TRUE(definitions) << definitions.error().message();
    return *std::move(definitions);
  }
  static StoredDefinition full(const std::string& name) {
    StoredDefinition definition;
    definition.name = {.namespace_name = "team", .sandbox = name};
    definition.disk_base_bytes = 12345;
    definition.config = {.image = "docker.io/library/alpine:3",
                         .memory_mib = 64,
                         .cpus = 0.25,
                         .volumes = {"/a:/b", "/c:/d:ro"},
                         .ports = {"8080:80"},
                         .envs = {"A=1", "B=with ' quote", "C=\xff\xfe"},
                         .depends_on = {"db"},
                         .workdir = "/srv",
                         .shell = "bash",
                         .scripts = {{"one", "echo 1\n"}, {"two", ""}},
                         .exec = "sleep 1",
                         .user = "1000:1000",
                         .disk_mib = 100,
                         .max_processes = 50,
                         .isolation = "oci:crun"};
    return definition;
  }

  base::TempDir folder_ = *base::TempDir::create();
};

TEST_F(DefinitionsTest, KeepsEveryFieldAcrossPrograms) {
  const StoredDefinition stored = full("a");
  ASSERT_TRUE(open()->put(stored));
  const auto found = open()->find(stored.name);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->config, stored.config);
  EXPECT_EQ((*found)->disk_base_bytes, 12345);
}

TEST_F(DefinitionsTest, ALaterPutReplacesTheWholeDefinition) {
  const auto definitions = open();
  StoredDefinition stored = full("a");
  ASSERT_TRUE(definitions->put(stored));
  stored.config = Config{};
  stored.config.image = "other";
  stored.config.envs = {"ONLY=1"};
  ASSERT_TRUE(definitions->put(stored));
  EXPECT_EQ((*definitions->find(stored.name))->config, stored.config);
}

TEST_F(DefinitionsTest, ListsByNamespace) {
  const auto definitions = open();
  StoredDefinition other = full("z");
  other.name.namespace_name = "other";
  ASSERT_TRUE(definitions->put(full("b")));
  ASSERT_TRUE(definitions->put(full("a")));
  ASSERT_TRUE(definitions->put(other));
  const auto team = definitions->list("team");
  ASSERT_EQ(team->size(), 2u);
  EXPECT_EQ(team->front().name.sandbox, "a");
  EXPECT_EQ(team->front().config.scripts.size(), 2u);
  EXPECT_EQ(definitions->list("*")->size(), 3u);
  EXPECT_TRUE(definitions->list("none")->empty());
}

TEST_F(DefinitionsTest, WhatIsRemovedIsGoneAndRemovingAgainIsASuccess) {
  const auto definitions = open();
  const StoredDefinition stored = full("a");
  ASSERT_TRUE(definitions->put(stored));
  ASSERT_TRUE(definitions->remove(stored.name));
  EXPECT_FALSE(*definitions->find(stored.name));
  EXPECT_TRUE(definitions->remove(stored.name));
}

TEST_F(DefinitionsTest, SecretsAreForTheOwnerOnly) {
  ASSERT_TRUE(open()->put(full("a")));
  struct stat status{};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(DefinitionsTest, ANewerSchemaIsRefusedWithTheReason) {
  {
    auto database = SqlDatabase::open(path());
    ASSERT_TRUE(database->execute("PRAGMA user_version = 99"));
  }
  const auto definitions = Definitions::open(path());
  ASSERT_FALSE(definitions);
  EXPECT_TRUE(definitions.error().is(ErrorCode::kUnsupported)) << definitions.error().message();
}

TEST_F(DefinitionsTest, WhatAnOlderVersionKeptIsKept) {
  {
    auto database = SqlDatabase::open(path());
    ASSERT_TRUE(database->execute(
        "CREATE TABLE definitions (namespace TEXT NOT NULL, name TEXT NOT NULL, image TEXT NOT "
        "NULL, "
        "memory_mib INTEGER NOT NULL, cpus REAL NOT NULL, disk_mib INTEGER NOT NULL, "
        "max_processes INTEGER NOT NULL, workdir TEXT NOT NULL, shell TEXT NOT NULL, "
        "exec TEXT NOT NULL, user TEXT NOT NULL, disk_base_bytes INTEGER NOT NULL, "
        "PRIMARY KEY (namespace, name)) STRICT, WITHOUT ROWID;"
        "CREATE TABLE definition_items (namespace TEXT NOT NULL, name TEXT NOT NULL, "
        "field TEXT NOT NULL, position INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, "
        "PRIMARY KEY (namespace, name, field, position), FOREIGN KEY (namespace, name) "
        "REFERENCES definitions ON DELETE CASCADE) STRICT, WITHOUT ROWID;"
        "INSERT INTO definitions VALUES ('team','a','alpine',64,0.5,100,50,'','','','',12345);"
        "PRAGMA user_version = 1;"));
  }
  const auto definitions = open();
  auto found = definitions->find({.namespace_name = "team", .sandbox = "a"});
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->config.image, "alpine");
  EXPECT_EQ((*found)->config.isolation, "");
  ASSERT_TRUE(definitions->put(full("a")));
  EXPECT_EQ((*definitions->find(full("a").name))->config.isolation, "oci:crun");
}

TEST_F(DefinitionsTest, AFileThatIsNoDatabaseIsCorrupt) {
  ASSERT_TRUE(base::write_file_atomic(path(), std::string(4096, 'x')));
  const auto definitions = Definitions::open(path());
  ASSERT_FALSE(definitions);
  EXPECT_TRUE(definitions.error().is(ErrorCode::kCorrupt)) << definitions.error().message();
}

TEST_F(DefinitionsTest, ManyProgramsWriteAtOnce) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const auto definitions = open();  // a connection of its own, as another program has
      for (int j = 0; j < 20; ++j) {
        const auto put = definitions->put(full("s" + std::to_string(i) + "-" + std::to_string(j)));
        EXPECT_TRUE(put) << put.error().message();
      }
    });
  }
  threads.clear();
  EXPECT_EQ(open()->list("team")->size(), 80u);
}

TEST_F(DefinitionsTest, DependenciesAreFollowedThroughTheStore) {
  const auto definitions = open();
  const auto put = [&](const std::string& name, std::vector<std::string> depends_on) {
    StoredDefinition stored = full(name);
    stored.config.depends_on = std::move(depends_on);
    ASSERT_TRUE(definitions->put(stored));
  };
  put("db", {});
  put("cache", {"db"});
  put("loop", {"web"});
  const Name web{.namespace_name = "team", .sandbox = "web"};
  const auto nothing_runs = [](const Name&) { return false; };
  EXPECT_TRUE(check_dependency_graph(web, {"cache", "db"}, *definitions, nothing_runs));
  const auto cycle = check_dependency_graph(web, {"db", "loop"}, *definitions, nothing_runs);
  ASSERT_FALSE(cycle);
  EXPECT_EQ(cycle.error().message(), "depends_on[0] 'web': cycle: web -> loop -> web");
  const auto unknown = check_dependency_graph(web, {"nonesuch"}, *definitions, nothing_runs);
  ASSERT_FALSE(unknown);
  EXPECT_TRUE(unknown.error().is(ErrorCode::kNotFound));
  EXPECT_TRUE(
      check_dependency_graph(web, {"nonesuch"}, *definitions, [](const Name&) { return true; }));
}

}  // namespace
}  // namespace msb::engine
