// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/guest/identity.h"

#include <fcntl.h>
#include <linux/random.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstring>
#include <ctime>
#include <vector>

#include "base/file.h"
#include "base/sys.h"
#include "isolation/microvm/guest/boot.h"

namespace msb::isolation::microvm {
namespace {

namespace sys = base::sys;

// What the kernel has is stirred, not replaced; the second call makes every processor's generator
// take it up before the next number.
Result<> stir(int device, const std::string& entropy) {
  std::vector<std::byte> pool(sizeof(rand_pool_info) + entropy.size());
  rand_pool_info header{};
  header.entropy_count = static_cast<int>(entropy.size() * 8);
  header.buf_size = static_cast<int>(entropy.size());
  std::memcpy(pool.data(), &header, sizeof header);
  std::memcpy(pool.data() + sizeof header, entropy.data(), entropy.size());
  if (::ioctl(device, RNDADDENTROPY, pool.data()) < 0) {
    return std::unexpected(sys::error("ioctl(RNDADDENTROPY)"));
  }
  if (::ioctl(device, RNDRESEEDCRNG) < 0) {
    return std::unexpected(sys::error("ioctl(RNDRESEEDCRNG)"));
  }
  return {};
}

// Written over, as all are of one length: it is what sandboxes see over the kernel's own.
Result<> set_boot_id(int file, const std::string& id) {
  if (::lseek(file, 0, SEEK_SET) < 0) {
    return std::unexpected(sys::error("lseek", kBootIdFile));
  }
  return base::write_all(file, id + "\n");
}

}  // namespace

Result<> set_clock(std::int64_t realtime_ns) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const timespec now{.tv_sec = realtime_ns / kSecond, .tv_nsec = realtime_ns % kSecond};
  if (::clock_settime(CLOCK_REALTIME, &now) < 0) {
    return std::unexpected(sys::error("clock_settime"));
  }
  return {};
}

Result<IdentityFiles> open_identity_files() {
  IdentityFiles files;
  files.random = TRY(sys::open("/dev/urandom", O_WRONLY));
  files.boot_id = TRY(sys::open(kBootIdFile, O_WRONLY));
  return files;
}

Result<> assume(const IdentityFiles& files, const Identity& identity) {
  TRY(stir(files.random.get(), identity.entropy));
  TRY(set_clock(identity.realtime_ns));
  return set_boot_id(files.boot_id.get(), identity.boot_id);
}

Result<> rename_host(const std::string& hostname) {
  if (::sethostname(hostname.data(), hostname.size()) < 0) {
    return std::unexpected(sys::error("sethostname", hostname));
  }
  return {};
}

}  // namespace msb::isolation::microvm
