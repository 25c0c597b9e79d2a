// SPDX-License-Identifier: Apache-2.0
//
// Who takes part: our doors to a sandbox, and the peers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/peers/peer.h"
#include "msb/msb.h"

namespace msb::bench {

// A server of ours in a process of its own, on this home and on loopback, without keys. It ends
// with this object.
class Server {
 public:
  static Result<Server> start();
  Server(Server&&) = default;
  ~Server();
  const std::string& url() const { return url_; }

 private:
  Server() = default;
  base::ChildProcess child_;
  std::string url_;
};

// One way to the same sandboxes.
struct Door {
  std::string id;    // "ours"
  std::string name;  // "microsandbox"
  SandboxOptions where;
  std::string not_run;  // why it is shut
  bool has_pool = false;
};

struct Field {
  std::optional<Server> server;              // behind one of the doors
  std::vector<Door> doors;                   // the embedded SDK is the first; nothing is pooled
  Door pooled;                               // the embedded SDK once more, with spares; for starts
  std::vector<std::unique_ptr<Peer>> peers;  // the bare host is the first
  std::string peers_note;                    // why the first is the only one
  int rounds = 50;
  int most_alive = 1000;  // sandboxes at once
  unsigned cores = 1;

  const Door& embedded() const { return doors.front(); }
  std::vector<const Door*> doors_and_pool() const;
  const Peer& host() const { return *peers.front(); }
};

// Begins with a mount namespace for this process: before it has threads.
Result<Field> make_field(int rounds, int most_alive);

// A door of an engine of its own that keeps `spares` of what such a start gets.
Door pooled_door(std::size_t spares, const StartConfig& config);

// Waits until the pool of this door, if it has one, holds all that it wants to: making spares is
// not the work of whoever is measured next, nor to be beside it.
Result<> rest(const Door& door);

// Starts `sandbox` and runs print('hi') in it.
Result<> say_hi(PythonSandbox& sandbox, const StartConfig& config = {});

}  // namespace msb::bench
