// SPDX-License-Identifier: Apache-2.0
#include "rpc/params.h"

#include <gtest/gtest.h>

#include <chrono>

#include "rpc/request.h"

namespace msb::rpc {
namespace {

using std::chrono::milliseconds;

Json parsed(const char* text) {
  return Json::parse(text);
}

std::string start_error(const char* text) {
  const Json params = parsed(text);
  const auto start = decode_start(&params);
  return start ? "accepted" : start.error().message();
}

TEST(DecodeRequest, TakesBothDialects) {
  const auto request = decode_request(parsed(
      R"({"jsonrpc":"2.0","method":"sandbox.stop","params":{"sandbox":"a"},"id":"7","more":1})"));
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->method, "sandbox.stop");
  EXPECT_EQ(request->id, Json("7"));
}

TEST(DecodeFork, HasASandboxAndPerhapsANumber) {
  const Json one = {{"sandbox", "work"}};
  const Json three = {{"sandbox", "work"}, {"namespace", "own"}, {"count", 3}};
  EXPECT_EQ(decode_fork(&one)->count, 1u);
  const auto decoded = decode_fork(&three);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->count, 3u);
  EXPECT_EQ(decoded->target.namespace_name, "own");
  for (const Json& bad : {Json{{"count", 1}}, Json{{"sandbox", "work"}, {"count", "2"}},
                          Json{{"sandbox", "work"}, {"count", -1}},
                          Json{{"sandbox", "work"}, {"count", 1.5}}, Json::array()}) {
    EXPECT_FALSE(decode_fork(&bad)) << bad.dump();
  }
  EXPECT_FALSE(decode_fork(nullptr));
}

TEST(DecodeSnapshot, ASnapshotNeedsASandboxAndAnImage) {
  const Json good = {{"sandbox", "a"}, {"image", "work"}};
  const auto decoded = decode_snapshot(&good);
  ASSERT_TRUE(decoded) << decoded.error().message();
  EXPECT_EQ(decoded->target.sandbox, "a");
  EXPECT_EQ(decoded->image, "work");
  for (const Json& bad :
       {Json{{"sandbox", "a"}}, Json{{"image", "work"}}, Json{{"sandbox", "a"}, {"image", 1}},
        Json{{"sandbox", "a"}, {"image", nullptr}}, Json::array()}) {
    EXPECT_FALSE(decode_snapshot(&bad)) << bad.dump();
  }
  EXPECT_FALSE(decode_snapshot(nullptr));
}

TEST(DecodeRequest, KeepsTheTypeOfAnId) {
  for (const char* id : {"1", "\"1\"", "1.5", "true", "[1]", "{\"a\":1}"}) {
    const std::string text = std::string(R"({"jsonrpc":"2.0","method":"m","id":)") + id + "}";
    const auto request = decode_request(parsed(text.c_str()));
    ASSERT_TRUE(request.has_value());
    EXPECT_EQ(to_text(*request->id), id);
  }
}

TEST(DecodeRequest, TakesANullIdForNone) {
  EXPECT_FALSE(decode_request(parsed(R"({"jsonrpc":"2.0","method":"m","id":null})"))->id);
  EXPECT_FALSE(decode_request(parsed(R"({"jsonrpc":"2.0","method":"m"})"))->id);
}

TEST(DecodeRequest, RefusesWhatIsNoRequestWith422) {
  for (const char* text :
       {"1", "\"x\"", "[]", R"([{"jsonrpc":"2.0","method":"m"}])", "{}", R"({"jsonrpc":"2.0"})",
        R"({"jsonrpc":2,"method":"m"})", R"({"jsonrpc":"2.0","method":1})"}) {
    const auto request = decode_request(parsed(text));
    ASSERT_FALSE(request.has_value()) << text;
    EXPECT_EQ(request.error().status, 422) << text;
    EXPECT_NE(
        request.error().body.find("Failed to deserialize the JSON body into the target type: "),
        std::string::npos);
  }
}

TEST(DecodeRequest, RefusesAnotherVersionAsJsonRpcDoes) {
  const auto request = decode_request(parsed(R"({"jsonrpc":"1.0","method":"m","id":3})"));
  ASSERT_FALSE(request.has_value());
  EXPECT_EQ(request.error().status, 400);
  EXPECT_EQ(Json::parse(request.error().body), parsed(R"({"jsonrpc":"2.0","id":3,
                     "error":{"code":-32600,"message":"Invalid or missing jsonrpc version field"}})"));
}

TEST(DecodeStart, ReadsEveryField) {
  const Json params = parsed(R"({"sandbox":"demo","config":{"image":"microsandbox/python",
      "memory":512,"cpus":1,"volumes":["/srv/data:/data"],"ports":["8080:80"],"envs":["DEBUG=1"],
      "depends_on":["db"],"workdir":"/work","shell":"/bin/sh","scripts":{"start":"python app.py"},
      "exec":"python app.py","unknown":[1]}})");
  const auto start = decode_start(&params);
  ASSERT_TRUE(start.has_value()) << start.error().message();
  EXPECT_EQ(start->target.sandbox, "demo");
  EXPECT_EQ(start->target.namespace_name, "default");
  EXPECT_FALSE(start->target.names_namespace);
  ASSERT_TRUE(start->config.has_value());
  EXPECT_EQ(start->config->memory_mib, 512);
  EXPECT_EQ(start->config->cpus, 1);
  EXPECT_EQ(start->config->volumes, std::vector<std::string>{"/srv/data:/data"});
  EXPECT_EQ(start->config->scripts.at("start"), "python app.py");
  EXPECT_EQ(start->config->exec, "python app.py");
}

TEST(DecodeStart, TakesNullForEveryOptionalField) {
  const Json params = parsed(R"({"sandbox":"a","namespace":null,"config":{"image":"i","memory":null,
      "cpus":null,"volumes":null,"ports":null,"envs":null,"depends_on":null,"workdir":null,
      "shell":null,"scripts":null,"exec":null}})");
  const auto start = decode_start(&params);
  ASSERT_TRUE(start.has_value()) << start.error().message();
  EXPECT_FALSE(start->config->memory_mib.has_value());
  EXPECT_TRUE(start->config->volumes.empty());
}

TEST(DecodeStart, IgnoresAConfigWithoutAnImage) {
  const Json params = parsed(R"({"sandbox":"a","namespace":"n","config":{"memory":64}})");
  const auto start = decode_start(&params);
  ASSERT_TRUE(start.has_value());
  EXPECT_FALSE(start->config.has_value());
  EXPECT_EQ(start->target.namespace_name, "n");
  EXPECT_TRUE(start->target.names_namespace);
}

TEST(DecodeStart, SaysWhatIsWrong) {
  EXPECT_EQ(start_error("{}"), "Invalid params for sandbox.start: missing field `sandbox`");
  EXPECT_EQ(start_error("null"),
            "Invalid params for sandbox.start: invalid type: null, expected struct "
            "SandboxStartParams");
  EXPECT_EQ(decode_start(nullptr).error().message(), start_error("null"));
  EXPECT_EQ(start_error(R"({"sandbox":1})"),
            "Invalid params for sandbox.start: invalid type: integer, expected a string for field "
            "`sandbox`");
  EXPECT_EQ(start_error(R"({"sandbox":"a","config":{"image":"i","cpus":1.5}})"),
            "Invalid params for sandbox.start: invalid type: floating point, expected u8 for field "
            "`cpus`");
  EXPECT_EQ(start_error(R"({"sandbox":"a","config":{"image":"i","cpus":256}})"),
            "Invalid params for sandbox.start: invalid value: integer `256`, expected u8 for field "
            "`cpus`");
  EXPECT_EQ(start_error(R"({"sandbox":"a","config":{"image":"i","memory":-1}})"),
            "Invalid params for sandbox.start: invalid value: integer `-1`, expected u32 for field "
            "`memory`");
  EXPECT_EQ(start_error(R"({"sandbox":"a","config":{"image":"i","memory":18446744073709551615}})"),
            "Invalid params for sandbox.start: invalid value: integer `18446744073709551615`, "
            "expected u32 for field `memory`");
  EXPECT_EQ(start_error(R"({"sandbox":"a","config":{"image":"i","envs":["A=1",2]}})"),
            "Invalid params for sandbox.start: invalid type: integer, expected a string for field "
            "`envs[1]`");
  EXPECT_EQ(start_error(R"({"sandbox":"a","config":{"image":"i","scripts":["x"]}})"),
            "Invalid params for sandbox.start: invalid type: sequence, expected a map for field "
            "`scripts`");
}

TEST(DecodeMetrics, TakesNothingForAllOfTheDefaultNamespace) {
  for (const char* text : {"null", "{}", R"({"sandbox":null})"}) {
    const Json params = parsed(text);
    const auto metrics = decode_metrics(&params);
    ASSERT_TRUE(metrics.has_value()) << text;
    EXPECT_FALSE(metrics->sandbox.has_value());
    EXPECT_EQ(metrics->namespace_name, "default");
  }
}

TEST(DecodeRunTarget, KnowsTheTextsOfOldPortals) {
  const Json list = Json::array();
  const Json empty = Json::object();
  const Json number = {{"sandbox", "a"}, {"namespace", 1}};
  EXPECT_EQ(decode_run_target(&list).error().message(),
            "Request parameters must be an object containing 'sandbox'");
  EXPECT_EQ(decode_run_target(&empty).error().message(),
            "Missing required 'sandbox' parameter for portal request");
  EXPECT_EQ(decode_run_target(&number).error().message(),
            "Missing required 'namespace' parameter for portal request");
}

TEST(DecodeCommand, TakesNullArgsForNone) {
  const auto command = decode_command(
      parsed(R"({"sandbox":"a","command":"pwd","args":null,"timeout":30000000000})"));
  ASSERT_TRUE(command.has_value());
  EXPECT_TRUE(command->args.empty());
  EXPECT_EQ(command->timeout, milliseconds(30'000));
}

TEST(DecodeTimeout, TakesEveryNumberThatClientsSend) {
  EXPECT_EQ(*decode_timeout(parsed("2.5")), milliseconds(2500));
  EXPECT_EQ(*decode_timeout(parsed("1")), milliseconds(1000));
  EXPECT_EQ(*decode_timeout(parsed("0.0001")), milliseconds(1));
  EXPECT_EQ(*decode_timeout(parsed("0")), milliseconds(0));
  EXPECT_EQ(*decode_timeout(parsed("-3")), milliseconds(0));
  EXPECT_EQ(*decode_timeout(parsed("10000000")), milliseconds(10'000'000'000));
  EXPECT_EQ(*decode_timeout(parsed("30000000000")), milliseconds(30'000));
  EXPECT_EQ(*decode_timeout(parsed("18446744073709551615")), milliseconds(0));
  EXPECT_EQ(*decode_timeout(parsed("1e300")), milliseconds(0));
  EXPECT_FALSE(decode_timeout(parsed("\"5\"")).has_value());
}

}  // namespace
}  // namespace msb::rpc
