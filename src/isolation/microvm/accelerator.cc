// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/accelerator.h"

#include <fcntl.h>

#include <algorithm>
#include <array>

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

std::string model_of(std::string_view cpuinfo) {
  constexpr std::array<std::string_view, 5> kFields = {"vendor_id\t", "cpu family\t", "model\t",
                                                       "stepping\t", "flags\t"};
  std::string model;
  while (!cpuinfo.empty() && cpuinfo.front() != '\n') {
    const std::string_view line = cpuinfo.substr(0, cpuinfo.find('\n'));
    if (std::ranges::any_of(kFields, [&](auto field) { return line.starts_with(field); })) {
      model.append(line).push_back('\n');
    }
    cpuinfo.remove_prefix(std::min(line.size() + 1, cpuinfo.size()));
  }
  return model;
}

const std::string& processor_model() {
  // It stays the same, and a host with many is slow to list them.
  static const std::string model =
      model_of(base::read_file("/proc/cpuinfo", kMaxCpuinfoBytes).value_or(""));
  return model;
}

AcceleratorChoice choose_accelerator() {
  if (const auto device = base::sys::open(kDevice, O_RDWR); !device) {
    return {.reason = device.error().message()};
  }
  if (!has_virtualization(processor_model())) {
    return {.reason = "/dev/kvm is there, but the processor has neither vmx nor svm"};
  }
  return {.accelerator = Accelerator::kKvm, .reason = {}};
}

std::string slowness_of(const AcceleratorChoice& choice) {
  return "emulated, 10 to 30 times slower than the host: " + choice.reason;
}

}  // namespace msb::isolation::microvm
