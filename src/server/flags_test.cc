// SPDX-License-Identifier: Apache-2.0
#include "server/flags.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace msb::server {
namespace {

std::string refusal(const std::vector<std::string>& arguments) {
  const auto flags = parse_flags(arguments);
  return flags ? "" : flags.error().message();
}

TEST(Flags, HaveTheDefaultsOfTheContract) {
  const Flags flags = parse_flags({"start"}).value();
  EXPECT_EQ(flags.verb, Flags::Verb::kStart);
  EXPECT_EQ(flags.host, "127.0.0.1");
  EXPECT_EQ(flags.port, 5555);
  EXPECT_FALSE(flags.is_dev_mode);
  EXPECT_FALSE(flags.is_detached);
  EXPECT_FALSE(flags.key.key.has_value());
  const Flags keygen = parse_flags({"keygen"}).value();
  EXPECT_EQ(keygen.lifetime, std::chrono::hours(24));
  EXPECT_EQ(keygen.namespace_name, "*");
}

TEST(Flags, HaveTheLettersOfTheContract) {
  const Flags flags = parse_flags({"start", "-k", "secret", "-p", "/projects", "-d"}).value();
  EXPECT_EQ(flags.key.key, "secret");
  EXPECT_EQ(flags.namespaces_folder, "/projects");
  EXPECT_TRUE(flags.is_detached);
  EXPECT_TRUE(parse_flags({"start", "-r"}).value().key.reset);
  EXPECT_EQ(parse_flags({"keygen", "-n", "team-a"}).value().namespace_name, "team-a");
}

TEST(Flags, TakeValuesInEitherForm) {
  const Flags flags = parse_flags({"start", "--port=0", "--host", "::1"}).value();
  EXPECT_EQ(flags.port, 0);
  EXPECT_EQ(flags.host, "::1");
}

TEST(Flags, TheLastValueCounts) {
  EXPECT_EQ(parse_flags({"start", "--home", "/a", "--home", "/b"}).value().home, "/b");
}

TEST(Flags, VolumeRootsAddUp) {
  const Flags flags = parse_flags({"start", "--volume-root", "/a", "--volume-root", "/b"}).value();
  EXPECT_EQ(flags.volume_roots, (std::vector<std::string>{"/a", "/b"}));
}

TEST(Flags, PathsDoNotDependOnTheWorkingFolder) {
  const Flags flags =
      parse_flags({"start", "-p", "x", "--tls-cert", "./c.pem", "--tls-key", "k.pem"}).value();
  const std::string here = std::filesystem::current_path().string();
  EXPECT_EQ(flags.namespaces_folder, here + "/x");
  EXPECT_EQ(flags.tls_certificate_file, here + "/c.pem");
  EXPECT_EQ(flags.tls_key_file, here + "/k.pem");
}

TEST(Flags, LifetimesAreThoseOfKeys) {
  EXPECT_EQ(parse_flags({"keygen", "--expire", "2w"}).value().lifetime, std::chrono::days(14));
  EXPECT_EQ(refusal({"keygen", "--expire", "soon"}),
            "--expire: 'soon' is not a time; give 30s, 24h, 7d (see msb server keygen --help)");
}

TEST(Flags, ThePoolIsOnAndCanBeSwitchedOff) {
  EXPECT_EQ(parse_flags({"start"}).value().pool.max_spares, 8u);
  EXPECT_EQ(parse_flags({"mcp", "--pool", "0"}).value().pool.max_spares, 0u);
  const Flags flags = parse_flags({"start", "--pool", "3", "--pool-min", "2", "--pool-half-life",
                                   "5m", "--pool-reserve", "100"})
                          .value();
  EXPECT_EQ(flags.pool.max_spares, 3u);
  EXPECT_EQ(flags.pool.min_spares, 2u);
  EXPECT_EQ(flags.pool.half_life, std::chrono::minutes(5));
  EXPECT_EQ(flags.pool.reserved_memory_bytes, 100u << 20);
  EXPECT_EQ(refusal({"start", "--pool-half-life", "soon"}),
            "--pool-half-life: 'soon' is not a time; give 30s, 24h, 7d (see msb server start "
            "--help)");
}

TEST(Flags, WhatIsWrongIsNamed) {
  const std::string where = " (see msb server start --help)";
  EXPECT_EQ(refusal({"start", "--prot", "1"}),
            "The following arguments were not expected: 1 --prot" + where);
  EXPECT_EQ(refusal({"start", "--port", "65536"}),
            "--port: Value 65536 not in range 0 to 65535" + where);
  EXPECT_EQ(refusal({"start", "--key", "x", "--reset-key"}), "--key excludes --reset-key" + where);
  EXPECT_EQ(refusal({"start", "--tls-key", "x"}), "--tls-key requires --tls-cert" + where);
  EXPECT_EQ(refusal({"serve"}), "unknown verb 'serve'; give start, keygen or mcp");
}

TEST(Flags, HelpIsTheVerbsOwn) {
  for (const auto& [word, called] : {std::pair{"start", "msb server start"},
                                     {"keygen", "msb server keygen"},
                                     {"mcp", "msb mcp"}}) {
    const Flags flags = parse_flags({word, "--help"}).value();
    EXPECT_EQ(flags.verb, Flags::Verb::kHelp);
    EXPECT_NE(flags.help_text.find("Usage: " + std::string(called) + " [OPTIONS]\n"),
              std::string::npos)
        << flags.help_text;
  }
}

}  // namespace
}  // namespace msb::server
