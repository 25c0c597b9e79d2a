// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/program.h"

#include <poll.h>

#include <array>
#include <span>

#include "base/file.h"
#include "base/sys.h"
#include "base/try.h"

namespace msb::bench {
namespace {

constexpr std::size_t kMaxOutputBytes = 1 << 20;
constexpr std::chrono::seconds kPatience{60};

struct Started {
  base::ChildProcess child;
  base::UniqueFd output;
  base::UniqueFd errors;
};

Result<Started> start(const Argv& argv) {
  base::sys::Pipe output = TRY(base::sys::pipe());
  // A file: nobody has to read it for the program to go on.
  base::UniqueFd errors = TRY(base::sys::memfd_create("stderr", 0));
  base::ChildSpec spec;
  spec.path = argv.front();
  spec.argv = argv;
  spec.fds = {{output.write_end.get(), 1}, {errors.get(), 2}};
  base::ChildProcess child = TRY(base::ChildProcess::spawn(spec));
  return Started{std::move(child), std::move(output.read_end), std::move(errors)};
}

// The last line that says anything.
std::string last_line(int errors) {
  std::array<std::byte, 4096> buffer{};
  const auto size = base::sys::pread(errors, buffer, 0);
  std::string text(reinterpret_cast<const char*>(buffer.data()), size.value_or(0));
  text.erase(text.find_last_not_of('\n') + 1);
  return text.substr(text.rfind('\n') + 1);
}

Result<> expect_success(Started& program, const Argv& argv) {
  const base::ExitStatus status = TRY(program.child.wait());
  if (!status.success()) {
    return fail(ErrorCode::kUnavailable,
                argv.front() + ": " + status.text() + ": " + last_line(program.errors.get()));
  }
  return {};
}

}  // namespace

Result<Laps> run_program(const Argv& argv, std::string_view expected) {
  const auto begin = std::chrono::steady_clock::now();
  Started program = TRY(start(argv));
  std::string output;
  double answered_ms = 0;
  std::array<std::byte, 4096> buffer{};
  while (const std::size_t size = TRY(base::sys::read(program.output.get(), buffer))) {
    if (output.empty()) {
      answered_ms = milliseconds_since(begin);
    }
    output.append(reinterpret_cast<const char*>(buffer.data()), size);
    if (output.size() > kMaxOutputBytes) {
      return fail(ErrorCode::kUnavailable, argv.front() + ": prints without end");
    }
  }
  TRY(expect_success(program, argv));
  const double ended_ms = milliseconds_since(begin);
  if (output != expected) {
    return fail(ErrorCode::kUnavailable, argv.front() + ": printed '" + output + "'");
  }
  return Laps{output.empty() ? ended_ms : answered_ms, ended_ms};
}

Result<std::size_t> drain_program(const Argv& argv) {
  Started program = TRY(start(argv));
  std::vector<std::byte> buffer(1 << 18);
  std::size_t total = 0;
  while (const std::size_t size = TRY(base::sys::read(program.output.get(), buffer))) {
    total += size;
  }
  TRY(expect_success(program, argv));
  return total;
}

Result<IdleProgram> IdleProgram::start(const Argv& argv) {
  base::sys::Pipe input = TRY(base::sys::pipe());
  base::sys::Pipe output = TRY(base::sys::pipe());
  const base::UniqueFd errors = TRY(base::sys::memfd_create("stderr", 0));
  base::ChildSpec spec;
  spec.path = argv.front();
  spec.argv = argv;
  spec.fds = {{input.read_end.get(), 0}, {output.write_end.get(), 1}, {errors.get(), 2}};
  IdleProgram idle;
  idle.child_ = TRY(base::ChildProcess::spawn(spec));
  idle.stdin_ = std::move(input.write_end);
  idle.stdout_ = std::move(output.read_end);
  output.write_end.reset();
  std::array<std::byte, 3> up{};
  const bool speaks = TRY(base::sys::poll_one(idle.stdout_.get(), POLLIN, kPatience));
  const auto said = speaks ? base::read_exact(idle.stdout_.get(), up) : false;
  if (!said.value_or(false)) {
    return fail(ErrorCode::kUnavailable,
                argv.front() + ": did not come up: " + last_line(errors.get()));
  }
  return idle;
}

Result<> IdleProgram::wait_for_the_end() {
  if (!TRY(child_.wait(kPatience))) {
    return fail(ErrorCode::kTimeout, "it does not end");
  }
  return {};
}

IdleProgram::~IdleProgram() {
  stdin_.reset();
  if (child_.pid() > 0) {
    (void)child_.wait(kPatience);
  }
}

}  // namespace msb::bench
