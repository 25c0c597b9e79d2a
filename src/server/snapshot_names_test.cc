// SPDX-License-Identifier: Apache-2.0
#include "server/snapshot_names.h"

#include <gtest/gtest.h>

namespace msb::server {
namespace {

// Never asked: no test names an image by its digest.
class NoStore final : public image::Store {
 public:
  Result<std::optional<image::Image>> find(const std::string&) override { return std::nullopt; }
  Result<image::Image> pull(const std::string&, const image::PullOptions&) override { return no(); }
  Result<image::Image> find_or_pull(const std::string&, const image::PullOptions&) override {
    return no();
  }
  Result<std::vector<image::Image>> import(const std::string&,
                                           const image::ImportOptions&) override {
    return no();
  }
  Result<image::Image> commit(const std::string&, int, const std::string&,
                              std::stop_token) override {
    return no();
  }
  Result<image::Image> tag(const std::string&, const std::string&) override {
    return fail(ErrorCode::kUnsupported, "");
  }
  Result<std::vector<image::Image>> list() override { return no(); }
  Result<std::string> inspect(const std::string&) override { return no(); }
  Result<> remove(const std::string&) override { return no(); }
  Result<std::uint64_t> prune() override { return no(); }

 private:
  static std::unexpected<Error> no() { return fail(ErrorCode::kUnsupported, "no store"); }
};

std::string reference(const std::string& namespace_name, const std::string& name) {
  const auto found = snapshot_reference(namespace_name, name);
  return found ? *found : "!" + std::string(to_string(found.error().code()));
}

bool may_start(const std::string& namespace_name, const std::string& image) {
  NoStore store;
  return check_image_access(store, namespace_name, image).has_value();
}

TEST(SnapshotNames, AreBelowTheirNamespace) {
  EXPECT_EQ(reference("default", "work"), "localhost/snapshots/default/work:latest");
  EXPECT_EQ(reference("default", "work:2"), "localhost/snapshots/default/work:2");
  EXPECT_EQ(reference("default", reference("default", "work")),
            "localhost/snapshots/default/work:latest");
  // No two namespaces share one, whatever their letters.
  EXPECT_EQ(reference("Team_a", "work"), "localhost/snapshots/hex.5465616d5f61/work:latest");
  EXPECT_EQ(reference("hex5465616d5f61", "work"),
            "localhost/snapshots/hex5465616d5f61/work:latest");
}

TEST(SnapshotNames, LeadNowhereElse) {
  for (const char* name :
       {"", "a/b", "../work", "/work", "microsandbox/python", "localhost/snapshots/other/work",
        "localhost/snapshots/default/../other/work", "work@sha256:0", "Work", "a b", "a:b:c"}) {
    EXPECT_EQ(reference("default", name), "!invalid argument") << name;
  }
}

TEST(SnapshotNames, AreTheirNamespacesOwn) {
  EXPECT_TRUE(may_start("default", "microsandbox/python"));
  EXPECT_TRUE(may_start("default", "localhost/snapshots/default/work:latest"));
  EXPECT_TRUE(may_start("default", "localhost/snapshots/default/work"));
  EXPECT_TRUE(may_start("Team_a", reference("Team_a", "work")));
  EXPECT_FALSE(may_start("default", "localhost/snapshots/other/work:latest"));
  EXPECT_FALSE(may_start("default", "localhost/snapshots/other/work"));
  EXPECT_FALSE(may_start("default", "localhost/snapshots/default2/work"));
  EXPECT_FALSE(may_start("default2", "localhost/snapshots/default/work"));
  EXPECT_FALSE(may_start("default", "localhost/snapshots/work"));
}

}  // namespace
}  // namespace msb::server
