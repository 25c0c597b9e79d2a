// SPDX-License-Identifier: Apache-2.0
//
// A stand-in for msb-agent in the jail's own tests: static, first process of the sandbox, does what
// the test asks on descriptor 3. One request is a line of words; one answer is its length in four
// bytes and a text. What fails answers "!" and the name of errno.
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace {

constexpr int kStream = 3;

using Words = std::vector<std::string>;

std::string failure() {
  return std::string("!") + ::strerrorname_np(errno);
}

std::string done(long result) {
  return result < 0 ? failure() : std::to_string(result);
}

std::string read_file(const Words& words) {
  const int fd = ::open(words[1].c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return failure();
  }
  std::string text(64 * 1024, '\0');
  std::size_t size = 0;
  ssize_t count = 0;
  while (size < text.size() && (count = ::read(fd, &text[size], text.size() - size)) > 0) {
    size += static_cast<std::size_t>(count);
  }
  const std::string answer = count < 0 ? failure() : text.substr(0, size);
  ::close(fd);
  return answer;
}

// write PATH TEXT
std::string write_file(const Words& words) {
  const int fd = ::open(words[1].c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) {
    return failure();
  }
  const std::string answer = done(::write(fd, words[2].data(), words[2].size()));
  ::close(fd);
  return answer;
}

// fill PATH MIB: how many MiB fit, and why not more
std::string fill(const Words& words) {
  const int fd = ::open(words[1].c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) {
    return failure();
  }
  const std::string block(1 << 20, 'x');
  const long wanted = std::atol(words[2].c_str());
  long written = 0;
  std::string reason = "fits";
  while (written < wanted) {
    const ssize_t count = ::write(fd, block.data(), block.size());
    if (count < 0) {
      reason = failure();
      break;
    }
    ++written;
  }
  if (reason == "fits" && ::fsync(fd) < 0) {
    reason = failure();
  }
  ::close(fd);
  return std::to_string(written) + " " + reason;
}

std::string stat_file(const Words& words) {
  struct stat status{};
  if (::lstat(words[1].c_str(), &status) < 0) {
    return failure();
  }
  std::ostringstream text;
  text << std::oct << status.st_mode << std::dec << " " << status.st_uid << " " << status.st_gid;
  return text.str();
}

std::string list(const Words& words) {
  DIR* folder = ::opendir(words[1].c_str());
  if (folder == nullptr) {
    return failure();
  }
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") {
      names.push_back(name);
    }
  }
  ::closedir(folder);
  std::ranges::sort(names);
  std::string text;
  for (const std::string& name : names) {
    text += name + " ";
  }
  return text;
}

// call NUMBER ARGUMENTS...: a word that is not a number is passed as a string
std::string call(const Words& words) {
  long arguments[6] = {};
  for (std::size_t i = 2; i < words.size() && i < 8; ++i) {
    char* end = nullptr;
    const long number = static_cast<long>(std::strtoul(words[i].c_str(), &end, 0));
    arguments[i - 2] = *end == '\0' ? number : reinterpret_cast<long>(words[i].c_str());
  }
  return done(::syscall(std::atol(words[1].c_str()), arguments[0], arguments[1], arguments[2],
                        arguments[3], arguments[4], arguments[5]));
}

std::string ended(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                             : "exit " + std::to_string(WEXITSTATUS(status));
}

// eat MIB: how a child ended that touches so much memory
std::string eat(const Words& words) {
  const auto size = static_cast<std::size_t>(std::atol(words[1].c_str())) << 20;
  const pid_t child = ::fork();
  if (child == 0) {
    void* memory =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
      ::_exit(9);
    }
    std::memset(memory, 1, size);
    ::_exit(0);
  }
  return child < 0 ? failure() : ended(child);
}

// fork N: how many children could be had at once, and why not more
std::string fork_many(const Words& words) {
  std::vector<pid_t> children;
  std::string reason = "all";
  for (long i = 0; i < std::atol(words[1].c_str()); ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::pause();
      ::_exit(0);
    }
    if (child < 0) {
      reason = failure();
      break;
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    ::kill(child, SIGKILL);
    ended(child);
  }
  return std::to_string(children.size()) + " " + reason;
}

// leave: a process that nobody waits for, which would run on
std::string leave(const Words& /*words*/) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setsid();
    if (::fork() == 0) {
      for (;;) {
        ::pause();
      }
    }
    ::_exit(0);
  }
  return child < 0 ? failure() : ended(child);
}

// loopback PORT: a connection to a server of our own there
std::string loopback(const Words& words) {
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(words[1].c_str())));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(server, generic, sizeof address) < 0 || ::listen(server, 1) < 0) {
    return failure();
  }
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const std::string answer = done(::connect(client, generic, sizeof address));
  ::close(client);
  ::close(server);
  return answer;
}

// connect ADDRESS PORT
std::string connect_to(const Words& words) {
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(words[2].c_str())));
  ::inet_pton(AF_INET, words[1].c_str(), &address.sin_addr);
  const std::string answer =
      done(::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address));
  ::close(client);
  return answer;
}

std::string terminal(const Words& /*words*/) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0 || ::grantpt(master) < 0 || ::unlockpt(master) < 0) {
    return failure();
  }
  const std::string name = ::ptsname(master);
  struct stat status{};
  const std::string answer = ::stat(name.c_str(), &status) < 0
                                 ? failure()
                                 : name + " group " + std::to_string(status.st_gid);
  ::close(master);
  return answer;
}

std::string inject(const Words& /*words*/) {
  char byte = 'x';
  const unsigned long request = TIOCSTI;
  return done(::syscall(SYS_ioctl, 0, request | (1ul << 40), &byte));
}

std::string statfs_path(const Words& words) {
  struct statfs status{};
  if (::statfs(words[1].c_str(), &status) < 0) {
    return failure();
  }
  return std::to_string(static_cast<std::uint64_t>(status.f_blocks) *
                        static_cast<std::uint64_t>(status.f_bsize));
}

std::string host_name(const Words& /*words*/) {
  utsname name{};
  ::uname(&name);
  return name.nodename;
}

std::string device(const Words& words) {
  return done(::mknod(words[1].c_str(), S_IFCHR | 0666, makedev(1, 3)));
}

std::string make_folder(const Words& words) {
  return done(::mkdir(words[1].c_str(), 0755));
}
std::string move_file(const Words& words) {
  return done(::rename(words[1].c_str(), words[2].c_str()));
}
std::string remove_file(const Words& words) {
  return done(::unlink(words[1].c_str()));
}
std::string link_to(const Words& words) {
  return done(::symlink(words[1].c_str(), words[2].c_str()));
}
std::string read_link(const Words& words) {
  char target[4096];
  const ssize_t size = ::readlink(words[1].c_str(), target, sizeof target);
  return size < 0 ? failure() : std::string(target, static_cast<std::size_t>(size));
}
std::string send_signal(const Words& words) {
  return done(::kill(std::atoi(words[1].c_str()), std::atoi(words[2].c_str())));
}
std::string echo(const Words& words) {
  return words.size() > 1 ? words[1] : "";
}

std::string leave_with(const Words& words) {
  ::_exit(std::atoi(words[1].c_str()));
}

std::string die(const Words& /*words*/) {
  // The first process of a pid namespace cannot kill itself by a signal; it can be out of memory.
  for (;;) {
    void* memory =
        ::mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) {
      std::memset(memory, 1, 1 << 20);
    }
  }
}

std::string run(const Words& words);

// as UID GID REQUEST...
std::string as_user(const Words& words) {
  int pipe_fds[2];
  if (::pipe2(pipe_fds, O_CLOEXEC) < 0) {
    return failure();
  }
  const pid_t child = ::fork();
  if (child == 0) {
    std::string answer;
    if (::setgid(static_cast<gid_t>(std::atoi(words[2].c_str()))) < 0 ||
        ::setuid(static_cast<uid_t>(std::atoi(words[1].c_str()))) < 0) {
      answer = failure();
    } else {
      answer = run(Words(words.begin() + 3, words.end()));
    }
    [[maybe_unused]] const ssize_t ignored = ::write(pipe_fds[1], answer.data(), answer.size());
    ::_exit(0);
  }
  ::close(pipe_fds[1]);
  std::string answer(4096, '\0');
  const ssize_t size = ::read(pipe_fds[0], answer.data(), answer.size());
  ::close(pipe_fds[0]);
  ended(child);
  answer.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return answer;
}

std::string run(const Words& words) {
  static const std::map<std::string, std::string (*)(const Words&)> kVerbs = {
      {"as", as_user},
      {"call", call},
      {"connect", connect_to},
      {"device", device},
      {"die", die},
      {"eat", eat},
      {"echo", echo},
      {"exit", leave_with},
      {"fill", fill},
      {"fork", fork_many},
      {"hostname", host_name},
      {"inject", inject},
      {"kill", send_signal},
      {"leave", leave},
      {"link", link_to},
      {"list", list},
      {"loopback", loopback},
      {"mkdir", make_folder},
      {"move", move_file},
      {"read", read_file},
      {"readlink", read_link},
      {"remove", remove_file},
      {"stat", stat_file},
      {"statfs", statfs_path},
      {"terminal", terminal},
      {"write", write_file}};
  const auto verb = kVerbs.find(words.empty() ? "" : words[0]);
  return verb == kVerbs.end() ? "!no such verb" : verb->second(words);
}

void answer(const std::string& text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  std::string bytes(reinterpret_cast<const char*>(&size), sizeof size);
  bytes += text;
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t count = ::write(kStream, bytes.data() + sent, bytes.size() - sent);
    if (count <= 0) {
      ::_exit(0);
    }
    sent += static_cast<std::size_t>(count);
  }
}

}  // namespace

int main() {
  ::signal(SIGPIPE, SIG_IGN);
  std::string line;
  char byte = 0;
  while (::read(kStream, &byte, 1) == 1) {
    if (byte != '\n') {
      line.push_back(byte);
      continue;
    }
    std::istringstream stream(line);
    Words words;
    for (std::string word; stream >> word;) {
      words.push_back(word);
    }
    answer(run(words));
    line.clear();
  }
  return 0;
}
