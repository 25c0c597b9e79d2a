// SPDX-License-Identifier: Apache-2.0
//
// What goes over the wire, to the byte: the examples of the protocol, in the dialect with a
// namespace, and what the answers become.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "msb/msb.h"
#include "sdk/remote/scripted_server.h"

namespace msb::sdk {
namespace {

using testing::http_reply;
using testing::result_reply;
using testing::ScriptedReply;
using testing::ScriptedRequest;
using testing::ScriptedServer;

// Answers start and stop, and everything else with `result`.
ScriptedServer::Handler answers(std::string result) {
  return [result = std::move(result)](const ScriptedRequest& request) {
    const bool is_lifecycle = request.body.contains("sandbox.start") ||
                              request.body.contains("sandbox.stop") ||
                              request.body.contains("sandbox.remove");
    return result_reply(is_lifecycle ? R"("Sandbox demo is as you want it")" : result);
  };
}

SandboxOptions options_for(const ScriptedServer& server, const std::string& id = "a") {
  SandboxOptions options;
  options.name = "demo";
  options.server_url = server.url();
  options.api_key = "msb_key";
  options.request_id_producer = [id] { return id; };
  return options;
}

std::string why(const auto& result) {
  return result ? "no error" : result.error().message();
}

TEST(RemoteWire, StartsWithEverything) {
  const ScriptedServer server(answers("null"));
  PythonSandbox sandbox(options_for(server, "7b0c1d3e-8a0f-4a53-9d0c-2f1f5f0a6b11"));
  StartConfig config;
  config.image = "microsandbox/python";
  config.volumes = {"/srv/data:/data"};
  config.ports = {"8080:80"};
  config.envs = {"DEBUG=1"};
  config.depends_on = {"db"};
  config.workdir = "/work";
  config.shell = "/bin/sh";
  config.scripts = {{"start", "python app.py"}};
  config.exec = "python app.py";
  const auto started = sandbox.start(config);
  ASSERT_TRUE(started) << why(started);
  const ScriptedRequest request = server.requests().at(0);
  EXPECT_EQ(
      request.body,
      R"json({"jsonrpc":"2.0","method":"sandbox.start","params":{"namespace":"default","sandbox":"demo","config":{"image":"microsandbox/python","memory":512,"cpus":1,"volumes":["/srv/data:/data"],"ports":["8080:80"],"envs":["DEBUG=1"],"depends_on":["db"],"workdir":"/work","shell":"/bin/sh","scripts":{"start":"python app.py"},"exec":"python app.py"},"details":true},"id":"7b0c1d3e-8a0f-4a53-9d0c-2f1f5f0a6b11"})json");
  EXPECT_EQ(request.start_line, "POST /api/v1/rpc HTTP/1.1");
  EXPECT_EQ(request.headers.at("content-type"), "application/json");
  EXPECT_EQ(request.headers.at("authorization"), "Bearer msb_key");
  EXPECT_FALSE(request.headers.contains("expect"));
  ASSERT_EQ(sandbox.ports().size(), 1U);
  EXPECT_EQ(sandbox.ports()[0].host, 8080);
  EXPECT_EQ(sandbox.ports()[0].guest, 80);
}

TEST(RemoteWire, StartsWithDefaultsAndWithoutAnId) {
  const ScriptedServer server(answers("null"));
  SandboxOptions options = options_for(server, "");
  options.server_url += "//";
  PythonSandbox sandbox(std::move(options));
  ASSERT_TRUE(sandbox.start());
  EXPECT_EQ(
      server.requests().at(0).body,
      R"json({"jsonrpc":"2.0","method":"sandbox.start","params":{"namespace":"default","sandbox":"demo","config":{"image":"microsandbox/python","memory":512,"cpus":1,"image_is_default":true},"details":true}})json");
  EXPECT_EQ(server.requests().at(0).start_line, "POST /api/v1/rpc HTTP/1.1");
}

TEST(RemoteWire, StartsAStoredDefinition) {
  const ScriptedServer server(answers("null"));
  Sandbox sandbox(options_for(server));
  ASSERT_TRUE(sandbox.start());
  EXPECT_EQ(
      server.requests().at(0).body,
      R"json({"jsonrpc":"2.0","method":"sandbox.start","params":{"namespace":"default","sandbox":"demo","details":true},"id":"a"})json");
}

TEST(RemoteWire, RunsCodeWithATimeout) {
  const ScriptedServer server(answers(
      R"json({"status":"success","language":"python","output":[{"stream":"stdout","text":"1"},{"stream":"stderr","text":"w"},{"stream":"other","text":"x"},{"stream":"stdout","text":""}]})json"));
  PythonSandbox sandbox(options_for(server, "40fbe9e5-3208-4789-aee0-9dd3fd65cf4c"));
  ASSERT_TRUE(sandbox.start());
  std::vector<std::pair<Stream, std::string>> told;
  RunOptions options;
  options.timeout = std::chrono::milliseconds(2500);
  options.on_output = [&](Stream stream, std::string_view text) {
    told.emplace_back(stream, text);
  };
  const auto run = sandbox.code().run("print(1)", options);
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(
      server.requests().at(1).body,
      R"json({"jsonrpc":"2.0","method":"sandbox.repl.run","params":{"namespace":"default","sandbox":"demo","language":"python","code":"print(1)","timeout":2.5},"id":"40fbe9e5-3208-4789-aee0-9dd3fd65cf4c"})json");
  EXPECT_EQ(run->output(), "1\n");
  EXPECT_EQ(run->error(), "w");
  EXPECT_TRUE(run->has_error());
  EXPECT_EQ(run->status(), "success");
  EXPECT_TRUE(run->raw_json().contains(R"("stream":"other")"));
  const std::vector<std::pair<Stream, std::string>> expected = {
      {Stream::kStdout, "1\n"}, {Stream::kStderr, "w\n"}, {Stream::kStdout, "\n"}};
  EXPECT_EQ(told, expected);
}

TEST(RemoteWire, RunsACommandAndStops) {
  const ScriptedServer server(answers(
      R"json({"args":[],"command":"pwd","exit_code":0,"output":[{"stream":"stdout","text":"/home/python-user/work"}],"success":true})json"));
  NodeSandbox sandbox(options_for(server));
  ASSERT_TRUE(sandbox.start());
  CommandOptions options;
  options.timeout = std::chrono::seconds(30);
  const auto run = sandbox.command().run("pwd", {}, options);
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(
      server.requests().at(1).body,
      R"json({"jsonrpc":"2.0","method":"sandbox.command.run","params":{"namespace":"default","sandbox":"demo","command":"pwd","args":[],"timeout":30},"id":"a"})json");
  EXPECT_EQ(run->output(), "/home/python-user/work");
  EXPECT_TRUE(run->is_success());
  EXPECT_EQ(run->command(), "pwd");
  ASSERT_TRUE(sandbox.stop());
  EXPECT_EQ(
      server.requests().at(2).body,
      R"json({"jsonrpc":"2.0","method":"sandbox.stop","params":{"namespace":"default","sandbox":"demo"},"id":"a"})json");
}

TEST(RemoteWire, ASignalledCommandIsAsOnThisHost) {
  const ScriptedServer server(answers(
      R"json({"args":["x"],"command":"sh","exit_code":1,"signal":9,"success":false,"output":[],"limits_hit":"out of memory (limit 64 MiB)"})json"));
  PythonSandbox sandbox(options_for(server));
  ASSERT_TRUE(sandbox.start());
  const auto run = sandbox.command().run("sh", {"x"});
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(run->exit_code(), 137);
  EXPECT_EQ(run->signal(), 9);
  EXPECT_TRUE(run->limits_hit().memory);
  EXPECT_FALSE(run->limits_hit().disk);
}

TEST(RemoteWire, AnEndedInterpreterIsAsOnThisHost) {
  const ScriptedServer server(answers(
      R"json({"status":"error","reason":"exit","exit_code":3,"state_lost":true,"language":"nodejs","output":[]})json"));
  NodeSandbox sandbox(options_for(server));
  ASSERT_TRUE(sandbox.start());
  const auto run = sandbox.code().run("process.exit(3)");
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(run->status(), "exit");
  EXPECT_EQ(run->exit_code(), 3);
  EXPECT_TRUE(run->state_lost());
}

TEST(RemoteWire, ReadsMetrics) {
  const ScriptedServer server(answers(
      R"json({"sandboxes":[{"namespace":"default","name":"demo","running":true,"cpu_usage":1.5,"memory_usage":123,"disk_usage":1048576}]})json"));
  PythonSandbox sandbox(options_for(server));
  ASSERT_TRUE(sandbox.start());
  const auto metrics = sandbox.metrics().all();
  ASSERT_TRUE(metrics) << why(metrics);
  EXPECT_EQ(
      server.requests().at(1).body,
      R"json({"jsonrpc":"2.0","method":"sandbox.metrics.get","params":{"namespace":"default","sandbox":"demo"},"id":"a"})json");
  EXPECT_TRUE(metrics->is_running);
  EXPECT_EQ(metrics->cpu_percent, 1.5);
  EXPECT_EQ(metrics->memory_mib, 123);
  EXPECT_EQ(metrics->disk_bytes, 1048576);
}

TEST(RemoteWire, AnEmptyListOfMetricsIsZeros) {
  const ScriptedServer server(answers(R"json({"sandboxes":[]})json"));
  PythonSandbox sandbox(options_for(server));
  ASSERT_TRUE(sandbox.start());
  const auto metrics = sandbox.metrics().all();
  ASSERT_TRUE(metrics) << why(metrics);
  EXPECT_FALSE(metrics->is_running);
  EXPECT_EQ(metrics->name, "demo");
}

TEST(RemoteWire, IdsAreRandomUuids) {
  ScriptedServer server(answers("null"));
  SandboxOptions options = options_for(server);
  options.request_id_producer = nullptr;
  PythonSandbox sandbox(std::move(options));
  ASSERT_TRUE(sandbox.start());
  ASSERT_TRUE(sandbox.stop());
  const auto id_of = [&](std::size_t at) {
    const std::string body = server.requests().at(at).body;
    return body.substr(body.rfind(R"("id":")") + 6, 36);
  };
  EXPECT_THAT(id_of(0), ::testing::MatchesRegex(
                            "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_NE(id_of(0), id_of(1));
}

TEST(RemoteWire, TheEnvironmentNamesServerAndKey) {
  const ScriptedServer server(answers("null"));
  ::setenv("MSB_SERVER_URL", server.url().c_str(), 1);
  ::setenv("MSB_API_KEY", "msb_of_environment", 1);
  {
    PythonSandbox sandbox;
    const auto started = sandbox.start();
    ::unsetenv("MSB_SERVER_URL");
    ::unsetenv("MSB_API_KEY");
    ASSERT_TRUE(started) << why(started);
    EXPECT_EQ(server.requests().at(0).headers.at("authorization"), "Bearer msb_of_environment");
  }
  // An anonymous sandbox leaves nothing behind.
  ASSERT_EQ(server.requests().size(), 3U);
  EXPECT_TRUE(server.requests().at(1).body.contains("sandbox.stop"));
  EXPECT_TRUE(server.requests().at(2).body.contains("sandbox.remove"));
}

TEST(RemoteWire, ADetachedSandboxIsLeftRunning) {
  const ScriptedServer server(answers("null"));
  {
    PythonSandbox sandbox(options_for(server));
    ASSERT_TRUE(sandbox.start());
    sandbox.detach();
  }
  EXPECT_EQ(server.requests().size(), 1U);
}

// As `otherwise`, with the health of `features`.
ScriptedServer::Handler with_health(std::string features,
                                    const ScriptedServer::Handler& otherwise) {
  return [features = std::move(features), otherwise](const ScriptedRequest& request) {
    return request.start_line.starts_with("GET /api/v1/health ")
               ? http_reply(200, R"({"message":"Service is healthy")" + features + "}")
               : otherwise(request);
  };
}

TEST(RemoteWire, WhatAnOldServerLacksIsRefusedByName) {
  const ScriptedServer server(with_health("", [](const ScriptedRequest& request) {
    const bool is_known = request.body.contains("sandbox.start");
    return is_known
               ? result_reply(R"("done")")
               : http_reply(
                     404,
                     R"({"jsonrpc":"2.0","error":{"code":-32601,"message":"no such method"}})");
  }));
  PythonSandbox sandbox(options_for(server));
  sandbox.detach();
  const auto refuses = [](const auto& result, const std::string& option) {
    EXPECT_FALSE(result);
    EXPECT_TRUE(!result && result.error().is(ErrorCode::kUnsupported)) << option;
    EXPECT_TRUE(why(result).contains(option)) << why(result);
  };
  const auto start_with = [&](auto set) {
    StartConfig config;
    set(config);
    return sandbox.start(config);
  };
  const auto run_with = [&](auto set) {
    CommandOptions options;
    set(options);
    return sandbox.command().run("x", {}, options);
  };
  refuses(start_with([](auto& config) { config.user = "nobody"; }), "user");
  refuses(start_with([](auto& config) { config.disk = 100; }), "disk");
  refuses(start_with([](auto& config) { config.max_processes = 10; }), "max_processes");
  refuses(start_with([](auto& config) { config.isolation = "oci:crun"; }), "isolation");
  refuses(start_with([](auto& config) { config.ports = {"0:80"}; }), "ports");
  refuses(start_with([](auto& config) { config.cpus = 0.5; }), "cpus");
  ASSERT_TRUE(sandbox.start());
  refuses(run_with([](auto& options) { options.workdir = "/"; }), "workdir");
  refuses(run_with([](auto& options) { options.envs = {"A=1"}; }), "envs");
  refuses(run_with([](auto& options) { options.user = "0"; }), "user");
  refuses(run_with([](auto& options) { options.stdin_bytes = "1"; }), "stdin_bytes");
  refuses(sandbox.command().spawn("x"), "no such method");
  refuses(sandbox.log(), "no such method");
  // Health was asked once.
  EXPECT_EQ(server.requests().size(), 4U);
}

TEST(RemoteWire, WhatANewServerHasIsSent) {
  const ScriptedServer server(with_health(
      R"(,"features":["start.options","command.options","isolation",7,"words of the future"])",
      [](const ScriptedRequest& request) {
        return result_reply(
            request.body.contains("sandbox.start")
                ? R"json({"message":"m","was_running":true,"ports":[{"host":4711,"guest":80}],"isolation":"microvm","weaknesses":["w"],"image_command":["python3"]})json"
                : R"json({"exit_code":0,"output":[]})json");
      }));
  {
    PythonSandbox sandbox(options_for(server));
    StartConfig config;
    config.image = "i";
    config.user = "nobody";
    config.disk = 100;
    config.max_processes = 10;
    config.isolation = "oci:crun";
    config.cpus = 0.5;
    config.ports = {"0:80"};
    const auto started = sandbox.start(config);
    ASSERT_TRUE(started) << why(started);
    EXPECT_TRUE(server.requests().at(1).body.contains(
        R"json("config":{"image":"i","memory":512,"cpus":1,"cpu_limit":0.5,"ports":["0:80"],"user":"nobody","disk":100,"max_processes":10,"isolation":"oci:crun"},"details":true})json"))
        << server.requests().at(1).body;
    EXPECT_EQ(sandbox.ports().at(0).host, 4711);
    EXPECT_EQ(sandbox.weaknesses(), std::vector<std::string>{"w"});
    EXPECT_EQ(sandbox.isolation(), "microvm");
    EXPECT_EQ(sandbox.image_command(), std::vector<std::string>{"python3"});
    CommandOptions options;
    options.workdir = "/";
    options.envs = {"A=1"};
    options.user = "0";
    options.stdin_bytes = "\xff";
    ASSERT_TRUE(sandbox.command().run("x", {}, options));
    EXPECT_TRUE(server.requests().at(2).body.contains(
        R"json("workdir":"/","envs":["A=1"],"user":"0","stdin_base64":"/w=="})json"))
        << server.requests().at(2).body;
  }
  // It ran before our start, so our end leaves it running.
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST(RemoteWire, OutputIsToldAsItComes) {
  const ScriptedServer server([](const ScriptedRequest& request) {
    if (!request.body.contains("sandbox.repl.run")) {
      return result_reply(R"("done")");
    }
    EXPECT_EQ(request.headers.at("accept"), "application/x-ndjson, application/json");
    return http_reply(200,
                      "{\"stream\":\"stdout\",\"text\":\"a\\nb\"}\n"
                      "{\"stream\":\"stderr\",\"base64\":\"/w==\"}\n"
                      R"({"jsonrpc":"2.0","result":{"status":"success"},"id":"a"})"
                      "\n",
                      "application/x-ndjson");
  });
  PythonSandbox sandbox(options_for(server));
  ASSERT_TRUE(sandbox.start());
  std::vector<std::pair<Stream, std::string>> told;
  RunOptions options;
  options.on_output = [&](Stream stream, std::string_view text) {
    told.emplace_back(stream, text);
  };
  const auto run = sandbox.code().run("1", options);
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(run->output(), "a\nb");
  EXPECT_EQ(run->error(), "\xff");
  EXPECT_TRUE(run->raw_json().contains(R"({"stream":"stdout","text":"a"})")) << run->raw_json();
  const std::vector<std::pair<Stream, std::string>> expected = {{Stream::kStdout, "a\nb"},
                                                                {Stream::kStderr, "\xff"}};
  EXPECT_EQ(told, expected);
}

TEST(RemoteWire, AnEphemeralNameMustBeUnused) {
  const ScriptedServer server(
      answers(R"json({"sandboxes":[{"name":"demo","running":false}]})json"));
  SandboxOptions options = options_for(server);
  options.is_ephemeral = true;
  {
    PythonSandbox sandbox(std::move(options));
    const auto started = sandbox.start();
    ASSERT_FALSE(started);
    EXPECT_TRUE(started.error().is(ErrorCode::kAlreadyExists)) << why(started);
  }
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(RemoteWire, AttachAsksWhetherItRuns) {
  const ScriptedServer server(answers(R"json({"image_command":["python3"]})json"));
  {
    PythonSandbox sandbox(options_for(server));
    const auto attached = sandbox.attach();
    EXPECT_TRUE(attached) << why(attached);
    EXPECT_EQ(sandbox.image_command(), std::vector<std::string>{"python3"});
  }
  ASSERT_EQ(server.requests().size(), 1U);  // its end stops nothing
  EXPECT_EQ(
      server.requests().at(0).body,
      R"json({"jsonrpc":"2.0","method":"sandbox.info.get","params":{"namespace":"default","sandbox":"demo"},"id":"a"})json");
}

TEST(RemoteWire, AttachAsksAnOldServerForMetrics) {
  for (const bool runs : {true, false}) {
    const ScriptedServer server([&](const ScriptedRequest& request) {
      return request.body.contains("sandbox.info.get")
                 ? http_reply(404, R"({"jsonrpc":"2.0","error":{"code":-32601,"message":"x"}})")
                 : result_reply(R"json({"sandboxes":[{"name":"demo","running":)json" +
                                std::string(runs ? "true" : "false") + "}]}");
    });
    PythonSandbox sandbox(options_for(server));
    const auto attached = sandbox.attach();
    EXPECT_EQ(why(attached), runs ? "no error" : "failed to start sandbox: sandbox not started");
    EXPECT_EQ(server.requests().size(), 2U);
  }
}

TEST(RemoteWire, ListsANamespace) {
  const ScriptedServer server(answers(
      R"json({"sandboxes":[{"name":"one","running":true,"memory_usage":3},{"name":"two","running":false,"cpu_usage":null}]})json"));
  SandboxOptions where = options_for(server);
  where.namespace_ = "team";
  const auto readings = Sandbox::list(where);
  ASSERT_TRUE(readings) << why(readings);
  ASSERT_EQ(readings->size(), 2U);
  EXPECT_EQ((*readings)[0].name, "one");
  EXPECT_EQ((*readings)[0].namespace_, "team");
  EXPECT_EQ((*readings)[0].memory_mib, 3);
  EXPECT_FALSE((*readings)[1].is_running);
  EXPECT_EQ(
      server.requests().at(0).body,
      R"json({"jsonrpc":"2.0","method":"sandbox.metrics.get","params":{"namespace":"team"},"id":"a"})json");
}

class Recorder final : public Logger {
 public:
  void debug(std::string_view message, std::span<const LogField> fields) override {
    add(message, fields);
  }
  void info(std::string_view message, std::span<const LogField> fields) override {
    add(message, fields);
  }
  void error(std::string_view message, std::span<const LogField> fields) override {
    add(message, fields);
  }
  std::string text;

 private:
  void add(std::string_view message, std::span<const LogField> fields) {
    text += message;
    for (const LogField& field : fields) {
      text += " " + std::string(field.key) + "=" + field.value;
    }
    text += "\n";
  }
};

TEST(RemoteWire, LogsCallsWithoutSecrets) {
  const ScriptedServer server(answers("null"));
  SandboxOptions options = options_for(server);
  const auto recorder = std::make_shared<Recorder>();
  options.logger = recorder;
  PythonSandbox sandbox(std::move(options));
  StartConfig config;
  config.envs = {"TOKEN=hush"};
  ASSERT_TRUE(sandbox.start(config));
  ASSERT_TRUE(sandbox.stop());
  EXPECT_TRUE(recorder->text.contains("Starting sandbox name=demo namespace=default"));
  EXPECT_TRUE(recorder->text.contains("Making JSON-RPC request method=sandbox.start id=a"));
  EXPECT_TRUE(recorder->text.contains("JSON-RPC request completed successfully"));
  EXPECT_TRUE(recorder->text.contains("Sandbox stopped successfully"));
  EXPECT_FALSE(recorder->text.contains("hush"));
  EXPECT_FALSE(recorder->text.contains("msb_key"));
}

}  // namespace
}  // namespace msb::sdk
