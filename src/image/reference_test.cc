// SPDX-License-Identifier: Apache-2.0
#include "image/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace msb::image {
namespace {

using testing::HasSubstr;

constexpr char kHex[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::string full(std::string_view text) {
  const auto reference = Reference::parse(text);
  return reference ? reference->str() : reference.error().message();
}

TEST(Reference, FillsInDockersDefaults) {
  EXPECT_EQ(full("alpine"), "docker.io/library/alpine:latest");
  EXPECT_EQ(full("alpine:3.20"), "docker.io/library/alpine:3.20");
  EXPECT_EQ(full("microsandbox/python"), "docker.io/microsandbox/python:latest");
  EXPECT_EQ(full("docker.io/alpine"), "docker.io/library/alpine:latest");
  EXPECT_EQ(full("index.docker.io/a/b"), "docker.io/a/b:latest");
}

TEST(Reference, KeepsRegistriesAndPorts) {
  EXPECT_EQ(full("localhost/a"), "localhost/a:latest");
  EXPECT_EQ(full("localhost:5000/a/b:1"), "localhost:5000/a/b:1");
  EXPECT_EQ(full("127.0.0.1:5000/a"), "127.0.0.1:5000/a:latest");
  EXPECT_EQ(full("[::1]:5000/a"), "[::1]:5000/a:latest");
  EXPECT_EQ(full("GHCR.io/org/name:V1"), "ghcr.io/org/name:V1");
  EXPECT_EQ(full("a.b/c__d/e---f_g.h"), "a.b/c__d/e---f_g.h:latest");
}

TEST(Reference, ADigestReplacesTheDefaultTagAndDecides) {
  const std::string digest = std::string("sha256:") + kHex;
  EXPECT_EQ(full("alpine@" + digest), "docker.io/library/alpine@" + digest);
  EXPECT_EQ(full("alpine:3@" + digest), "docker.io/library/alpine:3@" + digest);
  EXPECT_EQ(Reference::parse("alpine:3@" + digest)->wanted(), digest);
  EXPECT_EQ(Reference::parse("alpine:3")->wanted(), "3");
}

TEST(Reference, ItsFullFormMeansTheSame) {
  for (const char* text : {"alpine", "localhost:5000/a/b:1", "[::1]:5000/a", "x/y:z"}) {
    const std::string once = full(text);
    EXPECT_EQ(full(once), once);
  }
}

TEST(Reference, AnErrorNamesTheRule) {
  EXPECT_THAT(full(""), HasSubstr("empty"));
  EXPECT_THAT(full("Alpine"), HasSubstr("lower-case"));
  EXPECT_THAT(full("Host/a"), HasSubstr("lower-case"));
  EXPECT_THAT(full("a//b"), HasSubstr("repository name"));
  EXPECT_THAT(full("../etc"), HasSubstr("registry is not host"));
  EXPECT_THAT(full("a/../b"), HasSubstr("repository name"));
  EXPECT_THAT(full("a___b"), HasSubstr("repository name"));
  EXPECT_THAT(full("a."), HasSubstr("repository name"));
  EXPECT_THAT(full("a:"), HasSubstr("tag"));
  EXPECT_THAT(full("a:-x"), HasSubstr("tag"));
  EXPECT_THAT(full("a:" + std::string(129, 'x')), HasSubstr("tag"));
  EXPECT_THAT(full("a@md5:00"), HasSubstr("sha256"));
  EXPECT_THAT(full("a@sha256:" + std::string(64, 'A')), HasSubstr("sha256"));
  EXPECT_THAT(full("host:99999/a"), HasSubstr("registry"));
  EXPECT_THAT(full("host:0/a"), HasSubstr("registry"));
  EXPECT_THAT(full("[...:1]:50/a"), HasSubstr("registry"));
  EXPECT_THAT(full("[::1/a"), HasSubstr("registry"));
  EXPECT_THAT(full("-x.io/a"), HasSubstr("registry"));
  EXPECT_THAT(full("x.io/" + std::string(260, 'a')), HasSubstr("255"));
  EXPECT_THAT(full("/a"), HasSubstr("repository name"));
}

TEST(Reference, ForeignBytesAreEscapedInTheError) {
  EXPECT_THAT(full("a\x1b[31m"), HasSubstr("a\\x1b[31m"));
  EXPECT_EQ(Reference::parse("a b").error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace msb::image
