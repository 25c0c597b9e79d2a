// SPDX-License-Identifier: Apache-2.0
//
// Passing descriptors out, and taking some in: through the host's abstract sockets, a neighbour's,
// and with credentials of somebody else.
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "attempt.h"

static int send_control(int socket_fd, int type, const void* data, size_t size) {
  char byte = 'x';
  struct iovec bytes = {&byte, 1};
  union {
    char bytes[CMSG_SPACE(sizeof(struct ucred))];  // the larger of the two kinds
    struct cmsghdr align;
  } control = {0};
  struct msghdr message = {.msg_iov = &bytes,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = CMSG_SPACE(size)};
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(size);
  memcpy(CMSG_DATA(header), data, size);
  return (int)sendmsg(socket_fd, &message, MSG_NOSIGNAL);
}

static int send_root(int socket_fd) {
  return send_control(socket_fd, SCM_RIGHTS, &(int){0}, sizeof(int));
}

static void to_abstract(const char* name) {
  static const int kTypes[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
  for (size_t i = 0; i < sizeof kTypes / sizeof kTypes[0]; ++i) {
    const int fd = socket(AF_UNIX, kTypes[i] | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path + 1, name, strlen(name));
    const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
    if (refused(name, connect(fd, (struct sockaddr*)&address, size)) == 0) {
      refused("sendmsg(SCM_RIGHTS)", send_root(fd));
    }
    close(fd);
  }
}

static void forge(pid_t pid, uid_t uid) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return;
  }
  const struct ucred claimed = {pid, uid, uid};
  refused("sendmsg(SCM_CREDENTIALS)",
          send_control(pair[0], SCM_CREDENTIALS, &claimed, sizeof claimed));
  close(pair[0]);
  close(pair[1]);
}

int main(void) {
  to_abstract(bait("ABSTRACT"));
  to_abstract(bait("NEIGHBOUR_ABSTRACT"));
  to_abstract("/org/freedesktop/systemd1/private");
  forge((pid_t)bait_number("PID"), geteuid());
  forge(1, geteuid());
  forge(getpid(), 0x70000000);
  return verdict();
}
