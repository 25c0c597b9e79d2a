// SPDX-License-Identifier: Apache-2.0
//
// What a sandbox is started with, and how the SDK behaves.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "msb/logger.h"

namespace msb {

class Engine;
struct ImageProgress;  // msb/image.h

// Everything a sandbox can be started with. All fields are checked before anything happens; an
// error names the field, the value and the rule (kInvalidArgument).
struct StartConfig {
  // OCI reference ("microsandbox/python", "ghcr.io/org/name:tag", "name@sha256:..."). Empty: the
  // image of the sandbox's stored definition, else the language's own; a config without any field
  // set means the stored definition as it is. A local image of that name is used before a registry
  // is asked.
  std::string image;
  // MiB, 16 .. 1048576. Swap included; page cache is given back under pressure.
  std::int64_t memory = 512;
  // Cores, 0.01 .. 1024; fractions allowed.
  double cpus = 1.0;
  // "host:guest", "host:guest:ro" or "path" (same on both sides). The host path must exist; files
  // appear inside as owned by the sandbox's user.
  std::vector<std::string> volumes;
  // "host:guest" or "port". The host side listens on 127.0.0.1; host port 0 picks a free one, see
  // Sandbox::ports().
  std::vector<std::string> ports;
  // "KEY=VALUE", added to the image's.
  std::vector<std::string> envs;
  // Names of sandboxes that must be running; defined ones are started first, cycles are refused.
  std::vector<std::string> depends_on;
  // Absolute; replaces the image's. Created if it is not there.
  std::string workdir;
  // Interpreter of `scripts` and `exec`. Empty: /bin/sh.
  std::string shell;
  // Name -> text. Placed in /.sandbox/scripts, executable, on PATH.
  std::map<std::string, std::string> scripts;
  // Run by the shell in the background when the sandbox has started; its output goes to the
  // sandbox's log.
  std::string exec;

  // User inside: "name", "uid" or "user:group". Empty: the image's.
  std::string user;
  // Size of the writable layer in MiB, 16 .. 1048576. Kept from the first start of a name.
  std::int64_t disk = 4096;
  // Processes and threads at once, 8 .. 65536.
  std::int64_t max_processes = 512;
  // The walls: "jail" (ours), "oci:crun", "oci:runc", "oci:runsc" (an OCI runtime's of this host),
  // or "microvm" (a kernel of its own, in QEMU). Empty: the engine's default.
  // What is not allowed is kPermissionDenied; what this host cannot give is kUnsupported with the
  // reason: no other tier takes its place. A sandbox that runs with another one is kConflict.
  std::string isolation;
};

// How a remote sandbox speaks HTTP to its server.
struct HttpOptions {
  std::chrono::milliseconds connect_timeout{10'000};
  // For a whole call, answer included: kTimeout. Zero: none, as long runs and pulls need.
  std::chrono::milliseconds total_timeout{0};
  // Nothing: the environment's (http_proxy, https_proxy, no_proxy), and none for a server on
  // loopback. Empty: none.
  std::optional<std::string> proxy;
  std::string ca_file;  // PEM; empty: the system's
  std::string ca_path;  // a folder of hashed certificates; empty: the system's
  bool verify_tls = true;
  // Calls at once; more wait for their turn.
  std::size_t max_connections = 64;
  // Connections kept open between calls, and for how long.
  std::size_t max_idle_connections = 10;
  std::chrono::seconds idle_timeout{30};
  // A longer answer is refused: kCorrupt.
  std::size_t max_response_bytes = 128 * 1024 * 1024;
  std::string user_agent = "microsandbox-cpp";
};

// Where a sandbox runs: on the server at `server_url`, else at $MSB_SERVER_URL; when neither names
// one, on this host, in an engine of this process. An `engine` given here means this host, whatever
// the environment says. Nothing here is checked, and nothing fails, before start().
//
// On a server, the same calls have the same results and errors. What differs:
//  - Volumes and ports are those of the server's host, and it says which folders may be mounted.
//  - Cancelling a start() gives it up on this side; the server may still finish it.
//    StartOptions::on_progress is not called.
//  - Code and input are bounded by what the server takes in one request (16 MiB).
//  - A callback that holds output up for a minute loses its run: kUnavailable.
//  - An error's text has the server's whole answer; its codes are the same.
// A server of the protocol's v0.2 line that is not ours lacks its extensions (docs/
// protocol-extensions.md). There,
//  - these are kUnsupported, naming the option: StartConfig::user, disk, max_processes, isolation,
//    a fraction of cpus, host port 0, other fields without image or language;
//    CommandOptions::workdir, envs, user, stdin_bytes; spawn(); log(); remove().
//  - on_output is called with whole lines, in order, when the run has ended; an output's last line
//    counts as ended by a newline.
//  - isolation(), weaknesses(), image_command() and exec_exit_code() know nothing. With a language,
//    a start always stores its own config. A sandbox that ran before start() is stopped by this
//    object as well, unless detached.
struct SandboxOptions {
  // 1 .. 63 of [A-Za-z0-9_-], first alphanumeric. Empty: "sandbox-" and 8 hex digits, and the
  // sandbox is ephemeral: its files live as long as this object, not until remove().
  std::string name;
  // Makes a named sandbox ephemeral, too. start() then refuses a name that has a stored definition
  // (kAlreadyExists), so files that someone kept are neither used nor lost.
  bool is_ephemeral = false;
  std::string namespace_ = "default";
  // Null: nothing is logged.
  std::shared_ptr<Logger> logger;
  // The engine to run in. Null: the process's own, made at the first start.
  std::shared_ptr<Engine> engine;

  // "http://host:port" or "https://...", with or without a path before /api/v1/rpc.
  std::string server_url;
  // Empty: $MSB_API_KEY. Empty as well: none is sent, which a server in dev mode accepts.
  std::string api_key;
  // Makes the id of each request, from any thread. Null: random UUIDs. An empty one is not sent.
  std::function<std::string()> request_id_producer;
  HttpOptions http;
};

struct StartOptions {
  // Called while an image that is not on this host is pulled; from a thread of the SDK.
  std::function<void(const ImageProgress&)> on_progress;
  // Ends start() early, with everything undone: kCancelled.
  std::stop_token stop;
};

enum class Stream { kStdout, kStderr };

// Gets output as it comes, in order, from a thread of the SDK. It must not call back into the same
// sandbox's stop(). While it runs, that run's output waits (the guest is throttled, nothing lost).
using OutputCallback = std::function<void(Stream stream, std::string_view bytes)>;

struct RunOptions {
  // Zero: none. Code that runs longer is interrupted, then its interpreter is restarted.
  std::chrono::milliseconds timeout{0};
  OutputCallback on_output;
  // Ends the run early: kCancelled.
  std::stop_token stop;
};

struct CommandOptions {
  // Zero: none. The command's whole process group is killed: kTimeout.
  std::chrono::milliseconds timeout{0};
  std::string workdir;            // empty: the sandbox's
  std::vector<std::string> envs;  // "KEY=VALUE", added to the sandbox's
  std::string user;               // empty: the sandbox's
  std::string stdin_bytes;        // empty: stdin is closed
  OutputCallback on_output;
  std::stop_token stop;
};

}  // namespace msb
