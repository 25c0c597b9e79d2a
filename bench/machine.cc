// SPDX-License-Identifier: Apache-2.0
#include "bench/machine.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <fstream>
#include <sstream>

#include "base/child_process.h"
#include "base/file.h"
#include "base/sys.h"
#include "bench/number.h"
#include "msb/host.h"

namespace msb::bench {
namespace {

constexpr std::size_t kMaxOutputBytes = 1 << 20;

// The value of the first "NAME ... : VALUE" line.
std::string value_in(const char* path, std::string_view name) {
  std::ifstream lines(path);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(':');
    if (line.starts_with(name) && colon != std::string::npos) {
      return line.substr(std::min(line.size(), colon + 2));
    }
  }
  return "unknown";
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::array<char, 32> text{};
  std::tm parts{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", ::gmtime_r(&now, &parts));
  return text.data();
}

std::string memory() {
  double kib = 0;
  std::istringstream(value_in("/proc/meminfo", "MemTotal")) >> kib;
  return number(kib / (1 << 20)) + " GiB";
}

std::string cgroups() {
  const bool first = base::sys::stat("/sys/fs/cgroup/memory").has_value();
  return first ? "v1" : "v2";
}

// The first word of its first line of output that begins with a digit.
std::string version_of(const char* path, const char* argument) {
  auto output = base::sys::pipe();
  base::ChildSpec spec;
  spec.path = path;
  spec.argv = {path, argument};
  if (!output) {
    return {};
  }
  spec.fds = {{output->write_end.get(), 1}};
  auto child = base::ChildProcess::spawn(spec);
  if (!child) {
    return {};
  }
  output->write_end.reset();
  std::istringstream words(base::read_all(output->read_end.get(), kMaxOutputBytes).value_or(""));
  (void)child->wait();
  for (std::string word; words >> word;) {
    word.erase(0, word.starts_with("release-") ? 8 : 0);
    if (std::isdigit(static_cast<unsigned char>(word.front())) != 0) {
      return word;
    }
  }
  return {};
}

std::string peers() {
  struct Program {
    const char* name;
    const char* path;
    const char* argument = "--version";
  };
  constexpr std::array kPrograms = {
      Program{"python3", "/usr/bin/python3"}, Program{"bubblewrap", "/usr/bin/bwrap"},
      Program{"crun", "/usr/bin/crun"},       Program{"runc", "/usr/sbin/runc"},
      Program{"runsc", "/usr/bin/runsc"},     Program{"podman", "/usr/bin/podman"}};
  std::string text;
  for (const Program& program : kPrograms) {
    if (const std::string version = version_of(program.path, program.argument); !version.empty()) {
      text += (text.empty() ? "" : ", ") + std::string(program.name) + " " + version;
    }
  }
  return text;
}

}  // namespace

Machine::Machine() : begin_(ticks()) {
  std::ifstream file("/proc/loadavg");
  file >> load_;
}

Machine::Ticks Machine::ticks() {
  constexpr int kStolen = 7;
  constexpr int kColumns = 8;  // guests' time is in user's already
  std::ifstream file("/proc/stat");
  std::string name;
  file >> name;
  Ticks now;
  for (int column = 0; column < kColumns; ++column) {
    std::uint64_t ticks = 0;
    file >> ticks;
    now.all += ticks;
    now.stolen += column == kStolen ? ticks : 0;
  }
  return now;
}

std::vector<Fact> Machine::facts() const {
  utsname host{};
  ::uname(&host);
  const Ticks now = ticks();
  const double all = static_cast<double>(std::max<std::uint64_t>(1, now.all - begin_.all));
  const double stolen = 100.0 * static_cast<double>(now.stolen - begin_.stolen) / all;
  return {{"date", today()},
          {"processor", std::to_string(::sysconf(_SC_NPROCESSORS_ONLN)) + " cores of " +
                            value_in("/proc/cpuinfo", "model name")},
          {"memory", memory()},
          {"kernel", std::string("Linux ") + host.release + ", cgroups " + cgroups()},
          {"microsandbox", std::string(version())},
          {"peers", peers()},
          {"load before", load_},
          {"time stolen by other machines", number(stolen) + " %"}};
}

}  // namespace msb::bench
