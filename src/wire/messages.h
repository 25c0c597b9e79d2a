// SPDX-License-Identifier: Apache-2.0
//
// Payloads of the frames. Each message knows its frame type and encodes itself; decode() validates
// every length, count and enumerator and fails with kCorrupt. Frames without a struct here carry
// raw bytes (kData, kStdout, kStderr, kReplCode) or nothing (kEnd, kCancel, kDone, kPing, kPong,
// kConnected, kMeasure, kRest, kGoOn, kResting).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wire/frame.h"

namespace msb::wire {

inline constexpr std::size_t kMaxPathBytes = 4096;
inline constexpr std::size_t kMaxStringBytes = 128 * 1024;  // one argument or variable, as Linux
inline constexpr std::size_t kMaxStrings = 8192;            // arguments or variables of one exec
inline constexpr std::size_t kMaxNameBytes = 256;
inline constexpr std::size_t kMaxErrorTextBytes = 4096;

enum class Language : std::uint8_t { kPython = 1, kNode = 2 };

// host -> agent, once, first frame. The agent answers kHelloReply.
struct Hello {
  static constexpr FrameType kType = FrameType::kHello;
  std::uint16_t version = kProtocolVersion;
  // Identifies this start of this sandbox; echoed in HelloReply.
  std::string instance_id;
  std::vector<std::byte> encode() const;
  static Result<Hello> decode(std::span<const std::byte> payload);
};

struct HelloReply {
  static constexpr FrameType kType = FrameType::kHelloReply;
  std::uint16_t version = kProtocolVersion;
  std::string instance_id;
  std::vector<std::byte> encode() const;
  static Result<HelloReply> decode(std::span<const std::byte> payload);
};

// host -> agent, once, after kHello, on stream 0; not answered. What an exec or REPL gets unless
// its request says otherwise.
struct Configure {
  static constexpr FrameType kType = FrameType::kConfigure;
  std::vector<std::string> env;  // KEY=VALUE, later ones win
  std::string workdir;           // created (owned by `user`) if it is not there; empty: "/"
  std::string user;              // "name|uid[:group|gid]", empty: root
  // The host's kernel does not see inside: kLimitsMet is to come before each kExited and kReplDone.
  bool counts_limits = false;
  bool operator==(const Configure&) const = default;
  std::vector<std::byte> encode() const;
  static Result<Configure> decode(std::span<const std::byte> payload);
};

// host -> agent. Creates a regular file, with its parents, or replaces it, so that whoever reads it
// has the old one or the new one; answered by kDone/kFailed.
struct WriteFile {
  static constexpr FrameType kType = FrameType::kWriteFile;
  std::string path;  // absolute, inside the sandbox
  std::uint32_t mode = 0644;
  std::string owner;    // as Configure::user; empty: root
  std::string content;  // up to what fits one frame
  // One that is there already, and is nobody's to read yet, is written over: less work.
  bool in_place = false;
  std::vector<std::byte> encode() const;
  static Result<WriteFile> decode(std::span<const std::byte> payload);
};

// host -> agent. Answered by kStarted or kFailed, then kStdout/kStderr, then kExited.
struct Exec {
  static constexpr FrameType kType = FrameType::kExec;
  enum Flags : std::uint32_t {
    kTerminal = 1,  // a PTY is stdin, stdout and stderr; output arrives as kStdout
    kStdin = 2,     // stdin is fed by kData and ended by kEnd; else it is /dev/null
  };
  std::vector<std::string> argv;  // not empty; argv[0] is looked up on PATH unless it has a '/'
  std::vector<std::string> env;   // added to Configure::env
  std::string workdir;            // empty: Configure::workdir
  std::string user;               // empty: Configure::user
  std::uint32_t flags = 0;
  std::uint16_t rows = 24;
  std::uint16_t columns = 80;
  std::uint64_t timeout_ms = 0;  // 0: none
  std::vector<std::byte> encode() const;
  static Result<Exec> decode(std::span<const std::byte> payload);
};

// host -> agent. Followed by the code in kReplCode frames and kEnd. Requests of one language are
// served in order. Answered by kStdout/kStderr, then kReplDone (or kFailed: no interpreter).
struct Repl {
  static constexpr FrameType kType = FrameType::kRepl;
  Language language = Language::kPython;
  std::uint64_t timeout_ms = 0;  // counts from when the code begins to run; 0: none
  // Before the first run there may be some that only seem to be: of code of the agent's, which is
  // not followed by any, and which leaves no trace. What is slow once has then been.
  bool is_practice = false;
  std::vector<std::byte> encode() const;
  static Result<Repl> decode(std::span<const std::byte> payload);
};

inline constexpr std::size_t kMaxCodeBytes = 64 * 1024 * 1024;

// host -> agent. Starts the interpreter ahead of the first kRepl. Not answered.
struct WarmRepl {
  static constexpr FrameType kType = FrameType::kWarmRepl;
  Language language = Language::kPython;
  std::vector<std::byte> encode() const;
  static Result<WarmRepl> decode(std::span<const std::byte> payload);
};

// host -> agent. Takes kConfigure's place in a sandbox that was made ahead and has run nothing yet:
// a warm interpreter becomes what it would be had it been started with these settings. Answered by
// kDone when that is so, or kFailed.
struct Adopt {
  static constexpr FrameType kType = FrameType::kAdopt;
  Configure settings;
  // Other settings will come, and be the sandbox's. Settings that are not a rehearsal's come once.
  bool is_rehearsal = false;
  std::vector<std::byte> encode() const;
  static Result<Adopt> decode(std::span<const std::byte> payload);
};

// host -> agent. The machine is a copy of another one: interpreters draw other random numbers from
// now on. Answered by kDone when that is so, or kFailed.
struct Renew {
  static constexpr FrameType kType = FrameType::kRenew;
  static std::vector<std::byte> encode() { return {}; }
};

// host -> agent, on an exec's stream: to its whole process group.
struct Signal {
  static constexpr FrameType kType = FrameType::kSignal;
  std::int32_t number = 0;
  std::vector<std::byte> encode() const;
  static Result<Signal> decode(std::span<const std::byte> payload);
};

struct Resize {
  static constexpr FrameType kType = FrameType::kResize;
  std::uint16_t rows = 24;
  std::uint16_t columns = 80;
  std::vector<std::byte> encode() const;
  static Result<Resize> decode(std::span<const std::byte> payload);
};

// host -> agent. Connects to a TCP port on the sandbox's loopback. Answered by kConnected or
// kFailed; then kData and kEnd flow both ways. kCancel, or kEnd both ways, closes the stream;
// the agent confirms the close with kDone.
struct Connect {
  static constexpr FrameType kType = FrameType::kConnect;
  std::uint16_t port = 0;
  std::vector<std::byte> encode() const;
  static Result<Connect> decode(std::span<const std::byte> payload);
};

struct Credit {
  static constexpr FrameType kType = FrameType::kCredit;
  std::uint32_t size_bytes = 0;
  std::vector<std::byte> encode() const;
  static Result<Credit> decode(std::span<const std::byte> payload);
};

struct Failed {
  static constexpr FrameType kType = FrameType::kFailed;
  ErrorCode code = ErrorCode::kInternal;
  std::int32_t sys_errno = 0;
  std::string text;
  std::vector<std::byte> encode() const;
  static Result<Failed> decode(std::span<const std::byte> payload);
};

struct Started {
  static constexpr FrameType kType = FrameType::kStarted;
  std::uint32_t pid = 0;  // as seen inside
  std::vector<std::byte> encode() const;
  static Result<Started> decode(std::span<const std::byte> payload);
};

struct Exited {
  static constexpr FrameType kType = FrameType::kExited;
  enum class Cause : std::uint8_t { kExit = 0, kSignal = 1 };
  enum class Ended : std::uint8_t { kByItself = 0, kTimeout = 1, kCancelled = 2 };
  Cause cause = Cause::kExit;
  std::int32_t code = 0;  // exit status or signal number
  Ended ended = Ended::kByItself;
  std::vector<std::byte> encode() const;
  static Result<Exited> decode(std::span<const std::byte> payload);
};

struct ReplDone {
  static constexpr FrameType kType = FrameType::kReplDone;
  enum class Status : std::uint8_t {
    kSuccess = 0,
    kException = 1,  // an uncaught exception; the state is kept
    kExit = 2,       // the code asked the interpreter to exit; the state is gone
    kTimeout = 3,
    kCancelled = 4,
    kDied = 5,  // the interpreter was killed or crashed; the state is gone
  };
  Status status = Status::kSuccess;
  std::int32_t code = 0;    // exit status (kExit), or signal number / -exit status (kDied)
  bool state_lost = false;  // the next run meets a new interpreter
  std::vector<std::byte> encode() const;
  static Result<ReplDone> decode(std::span<const std::byte> payload);
};

// agent -> host, the answer to kMeasure: what the kernel around the agent counts of its sandbox.
// For a host whose own kernel does not see inside.
struct Measured {
  static constexpr FrameType kType = FrameType::kMeasured;
  std::uint64_t memory_bytes = 0;     // page cache not counted
  std::uint64_t disk_used_bytes = 0;  // of the file system that is the writable layer
  std::vector<std::byte> encode() const;
  static Result<Measured> decode(std::span<const std::byte> payload);
};

// agent -> host, where Configure::counts_limits is set: what the kernel around the agent has
// counted of its sandbox from the begin of this exec or run to its end, and what its disk holds
// then.
struct LimitsMet {
  static constexpr FrameType kType = FrameType::kLimitsMet;
  std::uint64_t oom_kills = 0;
  std::uint64_t refused_forks = 0;
  std::uint64_t disk_free_bytes = 0;
  std::uint64_t disk_free_inodes = 0;
  std::vector<std::byte> encode() const;
  static Result<LimitsMet> decode(std::span<const std::byte> payload);
};

struct OutputCut {
  static constexpr FrameType kType = FrameType::kOutputCut;
  std::uint64_t dropped_bytes = 0;
  std::vector<std::byte> encode() const;
  static Result<OutputCut> decode(std::span<const std::byte> payload);
};

}  // namespace msb::wire
