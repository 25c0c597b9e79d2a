// SPDX-License-Identifier: Apache-2.0
//
// A command on a server that is talked to while it runs. One request is its life: its answer, a
// line at a time, is taken by a thread of its own; input, signals and sizes are requests beside it.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "sdk/execution_builder.h"
#include "sdk/remote/rpc_client.h"
#include "sdk/sandbox_handle.h"

namespace msb::sdk {

class RemoteProcess final : public ProcessHandle {
 public:
  // Returns when the command runs. `target`: whose it is.
  static Result<std::unique_ptr<ProcessHandle>> start(std::shared_ptr<RpcClient> client,
                                                      OrderedJson target,
                                                      const std::string& command,
                                                      const std::vector<std::string>& args,
                                                      const SpawnOptions& options);
  RemoteProcess(const RemoteProcess&) = delete;
  RemoteProcess& operator=(const RemoteProcess&) = delete;
  ~RemoteProcess() override;

  Result<> write_stdin(std::string_view bytes) override;
  Result<> close_stdin() override;
  Result<> signal(int signal_number) override;
  Result<> resize(std::uint16_t rows, std::uint16_t columns) override;
  Result<CommandExecution> wait() override;

 private:
  RemoteProcess(std::shared_ptr<RpcClient> client, OrderedJson target, const std::string& command,
                const std::vector<std::string>& args, const SpawnOptions& options);
  void run();
  Result<CommandExecution> take_answer();
  // A request beside the answer, with `params` added to the process's own.
  Result<> tell(std::string_view method, const OrderedJson& params);

  const std::shared_ptr<RpcClient> client_;
  const OrderedJson target_;
  const std::string command_;
  const std::vector<std::string> args_;
  const SpawnOptions options_;
  std::stop_source stop_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::string id_;                               // empty: it does not run yet
  std::optional<Result<CommandExecution>> end_;  // nothing: it runs

  std::thread thread_;
};

}  // namespace msb::sdk
