// SPDX-License-Identifier: Apache-2.0
//
// As few devices as a sandbox needs: two disks, two serial ports, a shared folder, no network.
// Without a display, user configuration, default devices, or a way to start programs (QEMU's own
// seccomp filter).
#include "isolation/microvm/machine.h"

#include <algorithm>
#include <iterator>

#include "isolation/microvm/guest_messages.h"
#include "isolation/microvm/shared_folder.h"

namespace msb::isolation::microvm {
namespace {

// A crash of the kernel ends QEMU (panic, -no-reboot). Of the self tests of its cryptography there
// is nothing to gain here, and emulated they take a second. Of the security modules those are
// there that may have rules: Landlock's a sandbox gives itself, Yama's are the kernel's. Nobody
// asks how long what waits. Nobody watches the clock, which the host's is behind, nor whether the
// processor comes back from where it is: an idle machine would wake up for it.
constexpr const char* kKernelCommandLine =
    "console=ttyS0 quiet loglevel=3 panic=-1 reboot=t no_timer_check cryptomgr.notests "
    "lsm=landlock,yama psi=0 tsc=reliable nowatchdog";

void add_disk(std::vector<std::string>& argv, int fd, const std::string& name, bool read_only) {
  const std::string number = std::to_string(fd);
  argv.insert(argv.end(), {"-add-fd", "fd=" + number + ",set=" + number});
  // What a crash of the host costs is the sandbox's last seconds: no flushes. The jail's disk
  // makes the same choice.
  argv.insert(argv.end(),
              {"-blockdev", "driver=file,node-name=" + name + ",filename=/dev/fdset/" + number +
                                ",locking=off,cache.no-flush=on,discard=unmap,read-only=" +
                                (read_only ? "on" : "off")});
  argv.insert(argv.end(), {"-device", "virtio-blk-pci,disable-legacy=on,drive=" + name});
}

void add_port(std::vector<std::string>& argv, int fd, const std::string& id, const char* name) {
  argv.insert(argv.end(), {"-chardev", "socket,id=" + id + ",fd=" + std::to_string(fd)});
  argv.insert(argv.end(), {"-device", "virtserialport,chardev=" + id + ",name=" + name});
}

void add_share(std::vector<std::string>& argv) {
  // QEMU can give files to nobody else ("none": and does not fail for that). Volumes of several
  // file systems have inodes of the same number.
  argv.insert(argv.end(),
              {"-fsdev", std::string("local,id=share,security_model=none,multidevs=remap,path=") +
                             kShareFolder});
  argv.insert(argv.end(),
              {"-device",
               std::string("virtio-9p-pci,disable-legacy=on,fsdev=share,mount_tag=") + kShareTag});
}

// -M microvm, which would have less in it, hangs under emulation for want of a clock.
constexpr const char* kMachine =
    "pc,usb=off,vmport=off,hpet=off,dump-guest-core=off,mem-merge=off,memory-backend=memory";

// Shared, so that QEMU leaves it out of a state that it saves; a clone's is not (private_memory.c).
std::vector<std::string> memory_arguments(const Machine& machine) {
  const std::string size = std::to_string(machine.memory_mib) + "M";
  const std::string path =
      machine.memory == Memory::kClone ? kMemoryFile : "/proc/self/fd/" + std::to_string(kMemoryFd);
  return {"-m", size, "-object",
          "memory-backend-file,id=memory,size=" + size + ",share=on,mem-path=" + path};
}

// A clone has its kernel in its memory; and the firmware that QEMU adds to enter a kernel is no
// part of a state that is saved.
std::vector<std::string> kernel_arguments(const Machine& machine) {
  if (machine.memory == Memory::kClone) {
    return {};
  }
  return {"-kernel", kKernelFile, "-initrd", kInitramfsFile, "-append", kKernelCommandLine};
}

}  // namespace

std::vector<std::string> qemu_arguments(const Machine& machine) {
  const bool is_kvm = machine.accelerator == Accelerator::kKvm;
  std::vector<std::string> argv = {
      "qemu-system-x86_64",
      "-nodefaults",
      "-no-user-config",
      "-no-reboot",
      "-display",
      "none",
      "-sandbox",
      "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
      "-machine",
      kMachine,
      "-accel",
      is_kvm ? "kvm" : "tcg,tb-size=64",
      "-cpu",
      is_kvm ? "host" : "max,la57=off,erms=off",
      "-smp",
      std::to_string(machine.processors)};
  std::ranges::move(memory_arguments(machine), std::back_inserter(argv));
  std::ranges::move(kernel_arguments(machine), std::back_inserter(argv));
  add_disk(argv, kImageFd, "image", true);
  add_disk(argv, kDiskFd, "disk", false);
  argv.insert(argv.end(), {"-device", "virtio-serial-pci,disable-legacy=on,max_ports=3"});
  add_port(argv, kStreamFd, "stream", kAgentPort);
  add_port(argv, kControlFd, "control", kControlPort);
  add_share(argv);
  argv.insert(argv.end(),
              {"-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"});
  argv.insert(argv.end(), {"-chardev", "socket,id=monitor,fd=" + std::to_string(kMonitorFd), "-mon",
                           "chardev=monitor,mode=control"});
  // Whether a machine that is saved stood still is not to be in its state: a clone runs at once.
  argv.insert(argv.end(), {"-global", "migration.store-global-state=off"});
  if (machine.memory == Memory::kClone) {
    argv.insert(argv.end(), {"-incoming", "defer"});
  }
  return argv;
}

}  // namespace msb::isolation::microvm
