// SPDX-License-Identifier: Apache-2.0
//
// The host's end of the stream to one sandbox's agent. Any thread sends. One at a time receives,
// and hands each frame to the Stream it belongs to: a thread that waits for an answer, for all
// streams (receive_until()), or else the I/O loop.
//
//   open ──► [open] ──► agent closes, breaks the protocol, stays silent; close() ──► [lost]
//
// The agent runs with the guest and is taken to be hostile. What it can make the host hold is
// bounded: one partial frame while reading, what Streams accept against credit, and
// kMaxUnsentBytes when it does not read. A frame that its stream did not call for ends the link.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/try.h"
#include "base/unique_fd.h"
#include "engine/bell.h"
#include "engine/io_loop.h"
#include "wire/frame.h"

namespace msb::engine {

// One conversation on the link. None of the calls may block, and no two of them overlap, but for
// on_lost().
class Stream {
 public:
  virtual ~Stream() = default;
  // False: all calls but on_lost() come from the I/O loop.
  virtual bool takes_any_thread() const { return false; }
  // An error means that the peer broke the protocol; it ends the link.
  virtual Result<> on_frame(const wire::Frame& frame) = 0;
  // The frames that had arrived together have all been given.
  virtual void on_batch_end() {}
  // has_room() is true again, after want_room().
  virtual void on_room() {}
  // The last call, unless a frame that closes the stream was given: nothing comes any more.
  virtual void on_lost(const Error& error) = 0;
};

class AgentLink final : public IoHandler, public std::enable_shared_from_this<AgentLink> {
 public:
  using Clock = std::chrono::steady_clock;

  // An agent that lets a thread wait this long without a byte is asked, and one that does not
  // answer the question for as long again is given up.
  static constexpr std::chrono::seconds kSilence{30};
  static constexpr std::size_t kMaxUnsentBytes = 4 << 20;
  // Bulk data is queued up to here, so that control frames overtake at most this much.
  static constexpr std::size_t kBulkRoomBytes = 256 << 10;

  static Result<std::shared_ptr<AgentLink>> open(IoLoop& loop, base::UniqueFd socket,
                                                 std::string instance_id);
  ~AgentLink() override = default;

  // kUnavailable (silent or gone), kCorrupt (a wrong answer). After a failure the link is lost.
  Result<> await_hello(Clock::time_point deadline);

  // A number for a new stream, whose frames go to `stream` until the one that closes it. For one
  // that belongs to the I/O loop: not from within on_frame().
  Result<std::uint32_t> add(std::shared_ptr<Stream> stream);
  // Later frames of that stream are ignored.
  void remove(std::uint32_t stream);

  // Whole frames, small ones. Never blocks.
  Result<> send(std::span<const std::byte> frames);
  // Whole frames of bulk data. Waits for room; from outside the I/O loop only.
  Result<> send_bulk(std::span<const std::byte> frames);
  // For streams that live in the I/O loop: is there room for bulk data now?
  bool has_room();
  // on_room() of that stream is called once when there is.
  void want_room(std::uint32_t stream);

  // Receives in the calling thread, instead of the I/O loop, until `done` or `deadline`: an answer
  // then wakes one thread, and not two. Returns early where that cannot be: another thread does it,
  // or a stream belongs to the loop.
  // Nobody receives afterwards if `own` is the only stream, and not null: for a thread that will be
  // back, and which nobody waits for.
  void receive_until(Clock::time_point deadline, const Stream* own,
                     const std::function<bool()>& done);
  // Has the thread in receive_until() ask `done` once more.
  void wake_receiver();

  // Called now and then by threads that wait for the agent: ends the link if it is dead silent.
  void check_alive();

  // Between the two the agent stands still by our own doing: nobody minds its silence.
  void begin_rest();
  void end_rest();
  bool is_resting() const { return is_resting_; }
  // The time that it has stood still so far, in all.
  Clock::duration rested() const;

  // Has the agent send nothing more, and holds back what is to be sent to it, until go_on(): then
  // all that was said has been heard, on both sides, and the two can be copied apart. No run of
  // code may be under way. One thread at a time. After a failure it goes on by itself.
  Result<> fall_silent(Clock::time_point deadline);
  void go_on();

  // Ends the conversation: every stream is lost with this error. The first reason stays.
  void close(const Error& reason);
  // The reason, once the link is lost.
  std::optional<Error> lost() const;
  // `callback` is called once when the link is lost, at once if it is; in whatever thread finds
  // out, so it must not block.
  void when_lost(std::function<void()> callback);

 private:
  AgentLink(IoLoop& loop, base::UniqueFd socket, std::string instance_id);
  void on_ready(std::uint32_t events) override;
  bool begin_receiving(const Bell& bell);
  void end_receiving(const Stream* own);
  void let_loop_receive();
  bool may_receive_here() const;
  Result<> receive();
  Result<> dispatch(const wire::Frame& frame);
  Result<> on_control_frame(const wire::Frame& frame);
  Result<> send_locked(std::span<const std::byte> frames);
  Result<> drain();
  std::size_t waiting_bytes() const;
  Result<> check_room(std::size_t size_bytes);
  void update_interest();

  IoLoop& loop_;
  const base::UniqueFd socket_;
  const std::string instance_id_;
  IoLoop::Token token_ = 0;

  std::mutex receive_mutex_;  // guards what follows; taken before the others
  wire::FrameReader reader_;
  std::size_t read_size_;
  std::vector<std::shared_ptr<Stream>> batch_;

  mutable std::mutex streams_mutex_;  // guards what follows
  std::unordered_map<std::uint32_t, std::shared_ptr<Stream>> streams_;
  std::uint32_t last_stream_ = 0;
  std::size_t streams_of_loop_ = 0;
  const Bell* receiver_ = nullptr;  // of the thread in receive_until()
  std::vector<std::uint32_t> room_wanted_;
  std::optional<Error> lost_;
  std::function<void()> when_lost_;
  bool greeted_ = false;
  std::condition_variable greeted_or_lost_;
  Clock::time_point heard_;
  std::optional<Clock::time_point> asked_;
  Clock::time_point resting_since_;
  Clock::duration rested_before_{0};
  std::atomic<bool> is_resting_ = false;  // changed under the lock
  enum class Silence { kNone, kWanted, kKept };
  Silence silence_ = Silence::kNone;

  std::mutex write_mutex_;  // guards what follows; never taken before streams_mutex_ is released
  std::vector<std::byte> unsent_;
  std::size_t unsent_begin_ = 0;
  bool holds_back_ = false;
  std::vector<std::byte> held_back_;
  bool loop_receives_ = true;
  bool write_lost_ = false;
  std::condition_variable room_;
};

}  // namespace msb::engine
