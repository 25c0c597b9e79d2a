// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/host_needs.h"

#include <unistd.h>

#include <utility>

#include "isolation/microvm/accelerator.h"
#include "isolation/microvm/flat_image.h"
#include "isolation/microvm/kernel_image.h"
#include "isolation/microvm/machine.h"

namespace msb::isolation::microvm {
namespace {

using Level = Finding::Level;

Finding good(std::string topic, std::string detail) {
  return {
      .topic = std::move(topic), .level = Level::kGood, .detail = std::move(detail), .remedy = {}};
}

Finding missing(std::string topic, std::string detail, std::string remedy) {
  return {.topic = std::move(topic),
          .level = Level::kMissing,
          .detail = std::move(detail),
          .remedy = std::move(remedy)};
}

Finding find_user(bool is_root) {
  return is_root ? good("user", "root")
                 : missing("user", "not root", "run as root, or use the jail");
}

Finding find_program(std::string topic, const char* path, const char* package) {
  return ::access(path, X_OK) == 0
             ? good(std::move(topic), path)
             : missing(std::move(topic), std::string(path) + " is not installed",
                       std::string("apt-get install ") + package);
}

Finding find_emulator() {
  return find_program("program", kQemuPath, "qemu-system-x86");
}

Finding find_guest_kernel(const std::string& libexec) {
  const auto kernel = find_kernel(kernel_roots(libexec));
  constexpr const char* kRemedy = "apt-get install linux-image-amd64, or tools/fetch-guest-kernel";
  if (!kernel) {
    return missing("kernel", "none in /boot, nor beside our programs", kRemedy);
  }
  std::string detail = kernel->version + ", " + kernel->path;
  return kernel->has_volumes ? good("kernel", std::move(detail))
                             : Finding{.topic = "kernel",
                                       .level = Level::kWeak,
                                       .detail = detail + ": no volumes, it has no 9p",
                                       .remedy = kRemedy};
}

Finding find_accelerator() {
  const AcceleratorChoice choice = choose_accelerator();
  return choice.accelerator == Accelerator::kKvm
             ? good("processor", "KVM")
             : Finding{.topic = "processor",
                       .level = Level::kWeak,
                       .detail = slowness_of(choice),
                       .remedy = "a host with hardware virtualization, and /dev/kvm in it"};
}

}  // namespace

std::vector<Finding> examine_host(bool is_root, const std::string& libexec) {
  return {find_user(is_root), find_emulator(),
          find_program("image maker", kImageMakerPath, "erofs-utils"), find_guest_kernel(libexec),
          find_accelerator()};
}

Result<> check_host(bool is_root) {
  for (const Finding& finding : {find_user(is_root), find_emulator()}) {
    if (finding.level == Level::kMissing) {
      return fail(ErrorCode::kUnsupported,
                  "the tier microvm: " + finding.detail + "; " + finding.remedy);
    }
  }
  return {};
}

}  // namespace msb::isolation::microvm
