// SPDX-License-Identifier: Apache-2.0
//
// The engine's one thread for I/O: it waits on all agents' streams, port listeners and relayed
// connections at once. Handlers run in it, one after the other, so none may block.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::engine {

class IoHandler {
 public:
  virtual ~IoHandler() = default;
  // `events` are epoll's bits. In the loop's thread; must not block.
  virtual void on_ready(std::uint32_t events) = 0;
};

class IoLoop {
 public:
  // Names one registration. Never reused, so an event that was already fetched from the kernel
  // cannot reach whoever got the descriptor's number next.
  using Token = std::uint64_t;

  static Result<std::unique_ptr<IoLoop>> start();
  IoLoop(const IoLoop&) = delete;
  IoLoop& operator=(const IoLoop&) = delete;
  // Joins the thread. Not from within a handler.
  ~IoLoop();

  // The calls below are for any thread. The loop shares ownership of the handler until remove().
  Result<Token> add(int fd, std::uint32_t events, std::shared_ptr<IoHandler> handler);
  void change(Token token, int fd, std::uint32_t events);
  // No new call of the handler begins after this; one that is running may still be.
  void remove(Token token, int fd);

  // Runs `task` in the loop's thread and returns when it has run; at once when already there.
  void run_inside(const std::function<void()>& task);

 private:
  IoLoop(base::UniqueFd epoll, base::UniqueFd wakeup);
  void run();
  void run_tasks();

  base::UniqueFd epoll_;
  base::UniqueFd wakeup_;
  std::mutex mutex_;  // guards what follows
  std::unordered_map<Token, std::shared_ptr<IoHandler>> handlers_;
  std::vector<std::function<void()>> tasks_;
  Token next_token_ = 1;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace msb::engine
