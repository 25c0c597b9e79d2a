// SPDX-License-Identifier: Apache-2.0
//
// Work that a pool does for a coroutine of the I/O thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "server/worker_pool.h"

namespace msb::server {

// How every operation is awaited: errors are values.
inline constexpr auto kAwait = boost::asio::as_tuple(boost::asio::use_awaitable);

template <typename T>
struct Pending {
  explicit Pending(const boost::asio::any_io_executor& executor) : woken(executor) {}
  std::optional<T> value;
  boost::asio::steady_timer woken;
};

// Runs `work` in `pool`; null: there is no room.
template <typename F, typename T = std::invoke_result_t<F&>>
std::shared_ptr<Pending<T>> begin(WorkerPool& pool, const boost::asio::any_io_executor& executor,
                                  F work) {
  auto pending = std::make_shared<Pending<T>>(executor);
  WorkerPool::Task task = [executor, pending, work = std::move(work)]() mutable {
    boost::asio::post(executor, [pending = std::move(pending), value = work()]() mutable {
      pending->value.emplace(std::move(value));
      pending->woken.cancel();
    });
  };
  return pool.try_post(std::move(task)) ? pending : nullptr;
}

template <typename T>
boost::asio::awaitable<void> wait(std::shared_ptr<Pending<T>> pending) {
  while (!pending->value) {
    pending->woken.expires_after(std::chrono::hours(1));
    co_await pending->woken.async_wait(kAwait);
  }
}

}  // namespace msb::server
