// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/accelerator.h"

#include <fcntl.h>

#include "base/file.h"
#include "base/sys.h"

namespace msb::isolation::microvm {
namespace {

constexpr const char* kDevice = "/dev/kvm";
constexpr std::size_t kMaxCpuinfoBytes = 8 << 20;

bool has_word(std::string_view line, std::string_view word) {
  std::size_t at = 0;
  while ((at = line.find(word, at)) != std::string_view::npos) {
    const std::size_t end = at + word.size();
    if (at > 0 && line[at - 1] == ' ' && (end == line.size() || line[end] == ' ')) {
      return true;
    }
    at = end;
  }
  return false;
}

}  // namespace

bool has_virtualization(std::string_view cpuinfo) {
  const std::size_t at = cpuinfo.find("\nflags\t");
  if (at == std::string_view::npos) {
    return false;
  }
  std::string_view line = cpuinfo.substr(at + 1);
  line = line.substr(0, line.find('\n'));
  return has_word(line, "vmx") || has_word(line, "svm");
}

AcceleratorChoice choose_accelerator() {
  if (const auto device = base::sys::open(kDevice, O_RDWR); !device) {
    return {.reason = device.error().message()};
  }
  const auto cpuinfo = base::read_file("/proc/cpuinfo", kMaxCpuinfoBytes);
  if (!cpuinfo || !has_virtualization(*cpuinfo)) {
    return {.reason = "/dev/kvm is there, but the processor has neither vmx nor svm"};
  }
  return {.accelerator = Accelerator::kKvm, .reason = {}};
}

std::string slowness_of(const AcceleratorChoice& choice) {
  return "emulated, 10 to 30 times slower than the host: " + choice.reason;
}

}  // namespace msb::isolation::microvm
