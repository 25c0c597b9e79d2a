// SPDX-License-Identifier: Apache-2.0
//
// What an agent is told first. Everything goes out at once, without waiting for answers:
//
//   of a start      host:  Hello  Configure  WarmRepl...  WriteFile...  | Repl  Exec  Connect ...
//                   agent:        HelloReply        Done...             | ...
//   of a copy       host:   Hello  Configure  WriteFile...  Renew | WarmRepl...  Repl  Exec ...
//                   agent:        HelloReply        Done...      | ...
//   of a spare      host:  Hello  Configure  Repl...  |  Adopt  WriteFile...  |  Repl  Exec ...
//                   agent:    HelloReply  ReplDone... |         Done...       |  ...
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/agent_link.h"
#include "engine/errands.h"
#include "wire/messages.h"

namespace msb::engine {

struct GuestFile {
  std::string path;
  std::string content;
  std::uint32_t mode = 0644;
  bool in_place = false;  // wire::WriteFile
};

struct Greeting {
  wire::Configure configuration;
  std::vector<wire::Language> warm;
  std::vector<GuestFile> files;
};

// A sandbox that has not answered by then never will; generous, because a thousand may start at
// once.
inline constexpr std::chrono::seconds kGreetingTimeout{60};

// Returns when the agent has answered and every file is in place; interpreters may still be
// starting. kCancelled: `stop` was requested, and the link is lost.
Result<> greet(AgentLink& link, const std::string& instance_id, const Greeting& greeting,
               const std::stop_token& stop);

// Of a spare: the interpreters practise, which is waited for.
Result<> greet_spare(AgentLink& link, const std::string& instance_id, const Greeting& greeting,
                     const std::stop_token& stop);

// Of a clone, whose template was greeted like a spare: it has another host now, is to be
// `greeting`'s, and has the interpreters of `warm`.
Result<> greet_clone(AgentLink& link, const std::string& instance_id, const Greeting& greeting,
                     const std::vector<wire::Language>& warm, const std::stop_token& stop);

// Of a copy of a machine that was in use: `greeting`'s settings are for what begins from now on;
// what runs goes on, with other random numbers.
Result<> greet_copy(AgentLink& link, const std::string& instance_id, const Greeting& greeting,
                    const std::stop_token& stop);

// Has the interpreters of an agent that was greeted draw other random numbers.
Result<> renew_interpreters(AgentLink& link);

// To a spare, which is to be `greeting`'s from now on: sent, to be waited for. `warm` are the
// languages whose interpreters it has.
enum class Adoption { kFinal, kRehearsal };
Result<Errands> adopt(AgentLink& link, const Greeting& greeting,
                      const std::vector<wire::Language>& warm, Adoption adoption);

}  // namespace msb::engine
