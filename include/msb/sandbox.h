// SPDX-License-Identifier: Apache-2.0
//
// Sandboxes: isolated places to run code nobody vouches for.
//
//   msb::PythonSandbox sandbox;
//   if (auto started = sandbox.start(); !started) { std::cerr << started.error().message(); ... }
//   auto run = sandbox.code().run("print('Hello World')");
//   std::cout << run->output();
//
//            start()                     stop()
//   [off] ────────────► [started] ─────────────────► [off]      remove(): forgets files as well
//     ▲                     │  kSandboxNotStarted outside of [started]
//     └──── start failed ───┘  kSandboxAlreadyStarted for a second start
//
// Objects are movable handles; every method may be called from any thread, at the same time, on the
// same object (moving or destroying it is the caller's to order). All calls block their thread
// until done. Nothing throws. A started sandbox is stopped when its object is destroyed, unless
// detached. Runs of one language in one sandbox are served in order; different languages, and
// commands, run side by side.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "msb/execution.h"
#include "msb/export.h"
#include "msb/metrics.h"
#include "msb/options.h"
#include "msb/result.h"

namespace msb {

namespace sdk {
class SandboxHandle;
}  // namespace sdk

enum class Language { kPython, kNode };

// "python" or "nodejs".
MSB_EXPORT std::string_view to_string(Language language) noexcept;
// Accepts python; node, nodejs, javascript; in any case. kUnknownLanguage.
MSB_EXPORT Result<Language> parse_language(std::string_view text);

class MSB_EXPORT CodeRunner {
 public:
  // Runs `code` (UTF-8) in the sandbox's interpreter, whose state lasts until stop(). An exception
  // in the code is a result (status "exception"), not an error. Errors, all within
  // kFailedToRunCode: kSandboxNotStarted, kInvalidArgument (over 64 MiB of code), kNotFound (no
  // such interpreter in the image), kCancelled, kSandboxGone. A timeout is a result with status
  // "timeout".
  Result<CodeExecution> run(std::string_view code, const RunOptions& options = {});

 private:
  friend class Sandbox;
  CodeRunner(std::shared_ptr<sdk::SandboxHandle> handle, Language language)
      : handle_(std::move(handle)), language_(language) {}
  std::shared_ptr<sdk::SandboxHandle> handle_;
  Language language_;
};

// A command that is still running. Movable; destroying it kills the command.
class MSB_EXPORT Process {
 public:
  Process(Process&&) noexcept;
  Process& operator=(Process&&) noexcept;
  ~Process();
  // Blocks while the command does not read (flow control). kSandboxGone, kUnavailable when it
  // ended.
  Result<> write_stdin(std::string_view bytes);
  Result<> close_stdin();
  // To the command's whole process group.
  Result<> signal(int signal_number);
  Result<> resize(std::uint16_t rows, std::uint16_t columns);
  // Waits for the end; output has gone to on_output, and is collected too. Once only.
  Result<CommandExecution> wait();

 private:
  friend class CommandRunner;
  class Impl;
  explicit Process(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct SpawnOptions {
  CommandOptions command;      // stdin_bytes is not used here
  bool stdin_open = true;      // false: /dev/null
  bool collect_output = true;  // false: only on_output sees it
  struct Terminal {
    std::uint16_t rows = 24;
    std::uint16_t columns = 80;
  };
  std::optional<Terminal> terminal;  // a PTY as stdin, stdout and stderr
};

class MSB_EXPORT CommandRunner {
 public:
  // Runs an executable (looked up on PATH, no shell) and waits for it. A non-zero exit is a result.
  // Errors, all within kFailedToRunCommand: kSandboxNotStarted, kNotFound, kPermissionDenied (not
  // executable), kTimeout, kCancelled, kSandboxGone.
  Result<CommandExecution> run(const std::string& command,
                               const std::vector<std::string>& args = {},
                               const CommandOptions& options = {});
  // Starts it and returns.
  Result<Process> spawn(const std::string& command, const std::vector<std::string>& args = {},
                        const SpawnOptions& options = {});

 private:
  friend class Sandbox;
  explicit CommandRunner(std::shared_ptr<sdk::SandboxHandle> handle) : handle_(std::move(handle)) {}
  std::shared_ptr<sdk::SandboxHandle> handle_;
};

class MSB_EXPORT MetricsReader {
 public:
  // All within kFailedToGetMetrics: kSandboxNotStarted. Under a millisecond each.
  Result<Metrics> all();
  Result<double> cpu();  // percent of one core
  Result<std::int64_t> memory_mib();
  Result<std::int64_t> disk_bytes();
  Result<bool> is_running();  // false after the sandbox has died

 private:
  friend class Sandbox;
  explicit MetricsReader(std::shared_ptr<sdk::SandboxHandle> handle) : handle_(std::move(handle)) {}
  std::shared_ptr<sdk::SandboxHandle> handle_;
};

struct PortMapping {
  std::uint16_t host = 0;
  std::uint16_t guest = 0;
};

// A sandbox of any image. PythonSandbox and NodeSandbox add the language.
class MSB_EXPORT Sandbox {
 public:
  explicit Sandbox(SandboxOptions options = {});
  Sandbox(Sandbox&&) noexcept;
  Sandbox& operator=(Sandbox&&) noexcept;
  // Stops a started sandbox and waits for it; an ephemeral one is removed.
  virtual ~Sandbox();

  // Errors, all within kFailedToStartSandbox: kSandboxAlreadyStarted, kInvalidArgument (bad field),
  // kNotFound (image, volume, dependency), kConflict (name in use by another program, port taken),
  // kUnsupported, kUnavailable (registry), kCancelled, ... After an error nothing was created.
  // A name that runs already in the same engine, or on the same server, is joined: a success that
  // changes nothing of what runs, and then it is not this object's end that stops the sandbox. A
  // config with an image becomes the stored definition, for the next start.
  Result<> start(const StartConfig& config = {}, const StartOptions& options = {});
  // Joins the sandbox of this name that runs already, in the same engine or on the same server, and
  // starts nothing; this object's end leaves it running. Errors, within kFailedToStartSandbox:
  // kSandboxNotStarted (it does not run), kSandboxAlreadyStarted (this object is started).
  Result<> attach();
  // Returns when no process of the sandbox is left; start() right after it works. Files stay.
  // Errors, within kFailedToStopSandbox: kSandboxNotStarted; kTimeout (msb-warden, which holds the
  // sandboxes, does not answer: something was stopped that should not be, and the message says what
  // to do. The sandbox may live, keeps its name, runs nothing more; stop() can be tried again).
  Result<> stop();
  // Stops every process of the sandbox where it stands, without ending any of it, and returns when
  // all of them are still; it takes no more of the CPU, and keeps its memory. Until resume(), runs
  // and commands are refused (kSandboxPaused); what runs already stands still with
  // the sandbox, its time limit, too, and what is cancelled meanwhile is reported cancelled. stop()
  // and remove() work. Pausing twice is pausing once, and so is resuming. Others who have joined
  // the sandbox find it paused. Errors: kSandboxNotStarted; kUnsupported (this tier on this host,
  // or an older server, cannot); kTimeout (a process does not come to rest; the sandbox goes on).
  Result<> pause();
  Result<> resume();
  // Makes an image of the sandbox as it is now: its image, and on top all that has been written in
  // it, volumes not included. It goes on afterwards; meanwhile it stands still, so that the files
  // are those of one moment (where pause() is not supported they are read as they come and go).
  // What runs in it, and what an interpreter holds, is part of it with the tier microvm only: a
  // sandbox that is started with it begins as a copy, as if by fork(). The result is the name to
  // start other sandboxes with: `image_name` in full, which means this image from now on; on a
  // server it is among the images of the sandbox's namespace. Errors: kSandboxNotStarted;
  // kInvalidArgument (no name of an image); kUnsupported (an older server, a file that no image
  // can hold, a machine with volumes); kSandboxPaused (a machine); kResourceExhausted, kDiskFull;
  // kCancelled.
  Result<std::string> snapshot(const std::string& image_name, const StartOptions& options = {});
  // Copies of a sandbox of the tier microvm as it is in one moment: files, processes, what the
  // interpreters hold. It stands still for that moment and goes on, as do the copies, each of them
  // somebody else (host name, machine-id, random numbers, clock). Runs of code that are under way
  // are waited for; commands go on in the copies, unheard and without their time limits.
  // Connections and published ports are the original's alone. A copy has a name of its own,
  // "name-1a2b3c4d", is started, and goes with its object, files and all, unless it is detached.
  // All or none. Errors: kSandboxNotStarted, kSandboxPaused; kInvalidArgument (count is not from 1
  // to 64); kUnsupported (another tier, a sandbox with volumes, an older server);
  // kResourceExhausted, kDiskFull; kCancelled.
  Result<std::vector<Sandbox>> fork(std::size_t count = 1, const StartOptions& options = {});
  // stop() if needed, then deletes definition and files. Not existing is a success.
  Result<> remove();
  // The sandbox outlives this object: it runs until its engine ends.
  void detach();

  // A reading of every sandbox that is defined in where.namespace_ ("*": in all), running or not,
  // on the server or in the engine that `where` means; its name is not used. Within
  // kFailedToGetMetrics.
  static Result<std::vector<Metrics>> list(const SandboxOptions& where = {});

  CodeRunner code(Language language);
  CommandRunner command();
  MetricsReader metrics();

  const std::string& name() const;
  const std::string& namespace_name() const;
  // The ports in effect, after start(). Empty when off.
  std::vector<PortMapping> ports() const;
  // The walls it has, in the words of StartConfig::isolation. Empty when off.
  std::string isolation() const;
  // What the host cannot enforce for this sandbox, in words; empty when all promises hold.
  std::vector<std::string> weaknesses() const;
  // The image's own command (entrypoint and cmd) and exec's outcome, known after start().
  std::vector<std::string> image_command() const;
  // The last bytes of the sandbox's log (output of StartConfig::exec).
  Result<std::string> log(std::size_t max_bytes = 64 * 1024) const;
  // Exit status of StartConfig::exec once it has ended; nothing before.
  std::optional<int> exec_exit_code() const;

 protected:
  Sandbox(SandboxOptions options, Language language);
  explicit Sandbox(std::shared_ptr<sdk::SandboxHandle> handle);
  Result<std::vector<std::shared_ptr<sdk::SandboxHandle>>> copies(std::size_t count,
                                                                  const StartOptions& options);

 private:
  std::shared_ptr<sdk::SandboxHandle> handle_;
};

class MSB_EXPORT PythonSandbox : public Sandbox {
 public:
  explicit PythonSandbox(SandboxOptions options = {})
      : Sandbox(std::move(options), Language::kPython) {}
  // A started sandbox that begins as `snapshot` was: start() with the name that snapshot() gave as
  // image, and its errors.
  static Result<PythonSandbox> from_snapshot(const std::string& snapshot,
                                             SandboxOptions options = {}, StartConfig config = {},
                                             const StartOptions& start = {});
  CodeRunner code() { return Sandbox::code(Language::kPython); }
  // See Sandbox::fork().
  Result<std::vector<PythonSandbox>> fork(std::size_t count = 1, const StartOptions& options = {});

 private:
  using Sandbox::Sandbox;
};

class MSB_EXPORT NodeSandbox : public Sandbox {
 public:
  explicit NodeSandbox(SandboxOptions options = {})
      : Sandbox(std::move(options), Language::kNode) {}
  // A started sandbox that begins as `snapshot` was: start() with the name that snapshot() gave as
  // image, and its errors.
  static Result<NodeSandbox> from_snapshot(const std::string& snapshot, SandboxOptions options = {},
                                           StartConfig config = {}, const StartOptions& start = {});
  CodeRunner code() { return Sandbox::code(Language::kNode); }
  // See Sandbox::fork().
  Result<std::vector<NodeSandbox>> fork(std::size_t count = 1, const StartOptions& options = {});

 private:
  using Sandbox::Sandbox;
};

}  // namespace msb
