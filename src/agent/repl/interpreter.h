// SPDX-License-Identifier: Apache-2.0
//
// One interpreter process and its control channel (the drivers' files say what is spoken on it).
//
//   starting --'R'--> idle --submit()--> running --verdict--> idle
//                     idle --adopt(), renew()--> adopting --'R'--> idle
//      any state --waitpid--> exited
//
// What comes over the control channel comes from the guest's process: it is one byte (five for an
// exit), and anything unexpected ends the interpreter.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "agent/context.h"
#include "agent/repl/adoption.h"
#include "agent/repl/language.h"
#include "agent/repl/run.h"
#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::agent::repl {

class Interpreter {
 public:
  enum class Verdict : char {
    kSuccess = 'S',
    kException = 'E',
    kInterrupted = 'I',
    kExit = 'X',  // the process ends by itself soon; exited() follows
  };

  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_ready() = 0;
    virtual void on_verdict(Verdict verdict, std::int32_t exit_code) = 0;
    // `status` is waitpid's. The owner may destroy the interpreter here.
    virtual void on_exited(int status) = 0;
  };

  // kNotFound: no such interpreter on the configuration's PATH.
  static Result<std::unique_ptr<Interpreter>> start(Context& context, const LanguageSpec& spec,
                                                    Owner& owner);
  ~Interpreter();

  // Has come up, and has not ended.
  bool ready() const { return ready_ && pid_ > 0; }
  bool came_up() const { return came_up_; }
  // Was told of new settings, and has not confirmed them.
  bool adopting() const { return came_up_ && !ready_; }
  // Of the configuration as it is now: what has been done is to tell it. For one that has not run
  // anything; with kTell, on_ready() follows.
  Adoption adopt();
  // Has it draw other random numbers than the one it is a copy of; on_ready() follows.
  void renew();
  // Sends a request (see Run::take_request); the result is where its output will appear.
  Result<OutputPipes> submit(std::string request);
  // Gives it ahead what the next run will need. After practice only: ahead of each run it would be
  // one more message.
  void prepare();
  // Takes what is left of the pipes of a run that is over.
  void take_back(OutputPipes pipes);
  // As Ctrl-C on a terminal: to the interpreter and the children in its group.
  void interrupt();
  void kill();
  // What it said before it was ready, for an error message.
  std::string last_words();

 private:
  // Of one run: the agent's ends, and the interpreter's.
  struct RunPipes {
    OutputPipes ours;
    std::array<base::UniqueFd, 2> theirs;
  };
  static Result<RunPipes> make_pipes();
  Interpreter(Context& context, const LanguageSpec& spec, Owner& owner)
      : context_(context), spec_(spec), owner_(owner) {}
  Result<> launch();
  void on_control();
  bool parse_control(std::byte byte);
  void send_special(std::string_view text, std::uint32_t kind);
  void send_request();
  void wait_for_room();
  void discard_output();
  void watch_idle_pipes();

  Context& context_;
  const LanguageSpec& spec_;
  Owner& owner_;
  pid_t pid_ = 0;
  std::uint64_t mark_ = 0;
  Settings settings_;  // it has been started with these
  bool came_up_ = false;
  bool ready_ = false;
  bool running_ = false;
  base::UniqueFd control_;
  EventLoop::Watch watch_;
  // Not sent yet: a request, its descriptors with the first byte.
  std::string request_;
  std::size_t request_sent_ = 0;
  bool waits_for_room_ = false;
  std::array<base::UniqueFd, 2> request_fds_;
  std::optional<OutputPipes> ahead_;  // the next run's, whose other ends it has already
  // An exit verdict that has not arrived whole.
  std::array<std::byte, 5> exit_message_{};
  std::size_t exit_size_ = 0;
  // Of the interpreter's whole life (not pipes_per_run), while no run has them; else stderr of the
  // start.
  OutputPipes pipes_;
  std::array<EventLoop::Watch, 2> pipe_watches_;
};

}  // namespace msb::agent::repl
