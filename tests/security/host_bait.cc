// SPDX-License-Identifier: Apache-2.0
#include "host_bait.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <filesystem>

#include "base/check.h"
#include "base/sys.h"

namespace msb::security {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSecret = "the host's own\n";

base::TempDir make_folder(unsigned mode) {
  auto folder = base::TempDir::create();
  MSB_CHECK(folder.has_value());
  fs::permissions(folder->path(), static_cast<fs::perms>(mode));
  return *std::move(folder);
}

base::UniqueFd make_socket(int domain, int type) {
  base::UniqueFd made(::socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  MSB_CHECK(made.get() >= 0);
  return made;
}

void bind_to(const base::UniqueFd& fd, const void* address, socklen_t size) {
  // SAFETY: the sockets API takes every address by this type.
  MSB_CHECK(::bind(fd.get(), static_cast<const sockaddr*>(address), size) == 0);
}

std::string kernel_settings() {
  std::string text;
  for (const char* name : {"core_pattern", "modprobe", "hostname", "domainname", "sysrq", "panic",
                           "randomize_va_space", "perf_event_paranoid"}) {
    const auto value = base::read_file(std::string("/proc/sys/kernel/") + name, 4096);
    text += std::string(name) + "=" + (value ? *value : "\n");
  }
  return text;
}

// The host's address on a real network, if it has one.
std::string outer_address() {
  ifaddrs* list = nullptr;
  std::string found;
  if (::getifaddrs(&list) == 0) {
    for (const ifaddrs* at = list; at != nullptr && found.empty(); at = at->ifa_next) {
      if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != AF_INET) {
        continue;
      }
      sockaddr_in address{};
      std::memcpy(&address, at->ifa_addr, sizeof address);
      std::array<char, INET_ADDRSTRLEN> text{};
      ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
      if (std::string(text.data()).starts_with("127.")) {
        continue;
      }
      found = text.data();
    }
    ::freeifaddrs(list);
  }
  return found;
}

bool has_visitor(const base::UniqueFd& fd) {
  pollfd entry{.fd = fd.get(), .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, 0) > 0;
}

}  // namespace

// Readable and writable by everybody, so that nothing but the jail is in the way.
HostBait::HostBait() : folder_(make_folder(0777)), shared_(make_folder(0777)) {
  MSB_CHECK(base::write_file_atomic(canary_path(), kSecret, 0666).has_value());
  fs::permissions(canary_path(), static_cast<fs::perms>(0666));
  auto victim = base::ChildProcess::spawn({.path = "/bin/sleep",
                                           .argv = {"sleep", "100000"},
                                           .env = std::vector<std::string>{"SECRET=of-the-host"},
                                           .fds = {}});
  MSB_CHECK(victim.has_value());
  victim_ = *std::move(victim);

  stream_ = make_socket(AF_INET, SOCK_STREAM);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  bind_to(stream_, &address, sizeof address);
  MSB_CHECK(::listen(stream_.get(), 16) == 0);
  socklen_t size = sizeof address;
  // SAFETY: as above.
  MSB_CHECK(::getsockname(stream_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  datagrams_ = make_socket(AF_INET, SOCK_DGRAM);
  bind_to(datagrams_, &address, sizeof address);

  const std::string name = "msb-bait-" + std::to_string(::getpid());
  abstract_ = make_socket(AF_UNIX, SOCK_STREAM);
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  std::memcpy(&local.sun_path[1], name.data(), name.size());
  bind_to(abstract_, &local,
          static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size()));
  MSB_CHECK(::listen(abstract_.get(), 16) == 0);

  const int key = 0x6d730000 | (::getpid() & 0xffff);
  shared_memory_ = ::shmget(key, 4096, IPC_CREAT | 0666);
  MSB_CHECK(shared_memory_ >= 0);
  queue_ = "/" + name;
  const base::UniqueFd queue(::shm_open(queue_.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666));
  MSB_CHECK(queue.get() >= 0);

  settings_ = kernel_settings();
  std::array<char, 256> host_name{};
  ::gethostname(host_name.data(), host_name.size() - 1);
  add("FILE", canary_path());
  add("FOLDER", folder_.path());
  add("PID", std::to_string(victim_.pid()));
  add("PORT", std::to_string(ntohs(address.sin_port)));
  add("ADDRESS", outer_address());
  add("ABSTRACT", name);
  add("IPC_KEY", std::to_string(key));
  add("SHM_ID", std::to_string(shared_memory_));
  add("QUEUE", queue_);
  add("HOSTNAME", host_name.data());
  const auto score = base::read_file("/proc/self/oom_score_adj", 64);
  add("OOM_SCORE", score ? *score : "0");
}

HostBait::~HostBait() {
  ::shmctl(shared_memory_, IPC_RMID, nullptr);
  ::shm_unlink(queue_.c_str());
}

void HostBait::add(const std::string& name, const std::string& value) {
  environment_.push_back("MSB_BAIT_" + name + "=" + value);
}

std::string HostBait::damage() const {
  std::string text;
  const auto note = [&text](bool sound, const std::string& what) {
    if (!sound) {
      text += what + "\n";
    }
  };
  note(base::read_file(canary_path(), 4096) == kSecret, "the canary file was written to");
  struct stat status{};
  note(::lstat(canary_path().c_str(), &status) == 0 && status.st_mode == (S_IFREG | 0666) &&
           status.st_uid == ::geteuid() && status.st_nlink == 1,
       "the canary file has another mode, owner or name");
  note(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()) == 1,
       "a file was made beside the canary");
  const auto process = base::read_file("/proc/" + std::to_string(victim_.pid()) + "/status", 8192);
  note(process && process->find("State:\tS") != std::string::npos &&
           process->find("TracerPid:\t0\n") != std::string::npos,
       "the host's process was disturbed");
  note(!has_visitor(stream_), "somebody connected to the host's port");
  note(!has_visitor(datagrams_), "a datagram came to the host's port");
  note(!has_visitor(abstract_), "somebody connected to the host's abstract socket");
  shmid_ds memory{};
  note(::shmctl(shared_memory_, IPC_STAT, &memory) == 0 && memory.shm_nattch == 0,
       "the host's shared memory was used or removed");
  note(::access(("/dev/shm" + queue_).c_str(), F_OK) == 0, "the host's /dev/shm was changed");
  note(kernel_settings() == settings_, "a setting of the kernel was changed");
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(shared_.path(), error)) {
    if (::lstat(entry.path().c_str(), &status) == 0) {
      note(!S_ISREG(status.st_mode) || (status.st_mode & 06000) == 0,
           entry.path().string() + " would run as its owner");
      note(!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode),
           entry.path().string() + " is a device");
    }
  }
  return text;
}

}  // namespace msb::security
