// SPDX-License-Identifier: Apache-2.0
//
// Any bytes at all from an agent, against a link with one conversation of each kind. Whatever
// comes, each ends, and nothing grows beyond its window.
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/check.h"
#include "engine/drive.h"
#include "engine/relayed_connection.h"
#include "engine/testing/fake_agent.h"

namespace {

using namespace msb::engine;

IoLoop& loop() {
  static const std::unique_ptr<IoLoop> loop = *IoLoop::start();
  return *loop;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  testing::FakeAgent agent(loop());
  agent.have_greeted();
  const std::array calls = {std::make_shared<Call>(Call::Kind::kExec, Call::Wake::kPrompt),
                            std::make_shared<Call>(Call::Kind::kRepl, Call::Wake::kInPortions),
                            std::make_shared<Call>(Call::Kind::kTask, Call::Wake::kPrompt)};
  for (const auto& call : calls) {
    MSB_CHECK(agent.link()->add(call).has_value());  // streams 1, 2, 3; the connection is 4
  }
  int ends[2];
  MSB_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
  const msb::base::UniqueFd client(ends[0]);
  std::shared_ptr<RelayedConnection> connection;
  loop().run_inside([&] {
    auto opened = RelayedConnection::open(loop(), agent.link(), msb::base::UniqueFd(ends[1]), 80,
                                          [](const RelayedConnection*) {});
    MSB_CHECK(opened.has_value());
    connection = *std::move(opened);
  });
  const auto measurement = std::make_shared<Call>(Call::Kind::kMeasurement, Call::Wake::kPrompt);
  MSB_CHECK(agent.link()->add(measurement).has_value());  // stream 5
  agent.send_raw(std::as_bytes(std::span(data, size)));
  ::shutdown(agent.socket(), SHUT_WR);
  std::uint32_t stream = 0;
  for (const auto& call : calls) {
    std::size_t output = 0;
    const OutputSink count = [&](Channel, std::string_view bytes) { output += bytes.size(); };
    (void)drive(*agent.link(), *call, ++stream, count, {});
    MSB_CHECK(output <= size);
  }
  (void)drive(*agent.link(), *measurement, ++stream + 1, {}, {});
  agent.link()->close(msb::Error(msb::ErrorCode::kUnavailable, "done"));
  loop().run_inside([&] { connection.reset(); });
  return 0;
}
