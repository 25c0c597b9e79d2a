/* SPDX-License-Identifier: Apache-2.0
 *
 * Stands where python3 is looked for, and does what a script says instead: what an interpreter can
 * do once its guest has taken it over. $FALSE_INTERPRETER names the script: one byte for what to
 * do, one for how many bytes follow, those bytes, again and again.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kMaxScriptBytes = 4096, kPatienceMs = 5 };

static void say(int fd, const unsigned char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t count = send(fd, bytes, size, MSG_NOSIGNAL);
    if (count <= 0) {
      return;
    }
    bytes += count;
    size -= (size_t)count;
  }
}

static void print(int fd, const unsigned char* bytes, size_t size) {
  if (fd >= 0 && write(fd, bytes, size) < 0) {
    return;
  }
}

/* A piece of what the agent has sent, and the pipes that came with it. */
static void take(int control, int pipes[2]) {
  struct pollfd ready = {control, POLLIN, 0};
  if (poll(&ready, 1, kPatienceMs) <= 0) {
    return;
  }
  static char bytes[64 * 1024];
  char room[CMSG_SPACE(2 * sizeof(int))];
  struct iovec piece = {bytes, sizeof bytes};
  struct msghdr message = {0};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = sizeof room;
  if (recvmsg(control, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) <= 0) {
    return;
  }
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != NULL && header->cmsg_type == SCM_RIGHTS &&
      header->cmsg_len == CMSG_LEN(2 * sizeof(int))) {
    memcpy(pipes, CMSG_DATA(header), 2 * sizeof(int));
  }
}

int main(void) {
  const char* const fd = getenv("MSB_REPL_FD");
  const char* const path = getenv("FALSE_INTERPRETER");
  if (fd == NULL || path == NULL) {
    return 1;
  }
  const int control = atoi(fd);
  static unsigned char script[kMaxScriptBytes];
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t size = read(file, script, sizeof script);
  int pipes[2] = {-1, -1};
  signal(SIGPIPE, SIG_IGN);
  for (ssize_t at = 0; at + 2 <= size;) {
    const unsigned char what = script[at];
    const ssize_t left = size - at - 2;
    const size_t count = script[at + 1] < left ? script[at + 1] : (size_t)left;
    const unsigned char* const bytes = script + at + 2;
    at += 2 + (ssize_t)count;
    switch (what) {
      case 'c':
        say(control, bytes, count);
        break;
      case 't':
        take(control, pipes);
        break;
      case 'o':
        print(pipes[0], bytes, count);
        break;
      case 'e':
        print(pipes[1], bytes, count);
        break;
      case 'w':
        print(STDERR_FILENO, bytes, count);
        break;
      case 'i':
        signal(SIGINT, SIG_IGN);
        break;
      case 'h':
        close(control);
        break;
      case 'f':
        if (fork() > 0) {
          _exit(0);
        }
        break;
      case 'k':
        raise(SIGKILL);
        break;
      case 'x':
        _exit(count > 0 ? bytes[0] : 0);
      default:
        break;
    }
  }
  return 0;
}
