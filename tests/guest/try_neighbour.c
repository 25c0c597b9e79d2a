// SPDX-License-Identifier: Apache-2.0
//
// Another sandbox of the same engine: its files, its ports, its sockets, its processes.
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "attempt.h"

int main(void) {
  refused_to_read(bait("NEIGHBOUR_FILE"));
  static const char* const kPlaces[] = {"/dev/shm/secret", "/run/secret", "/tmp/secret"};
  for (size_t i = 0; i < sizeof kPlaces / sizeof kPlaces[0]; ++i) {
    refused_to_read(kPlaces[i]);
  }
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons((unsigned short)bait_number("NEIGHBOUR_PORT")),
                           .sin_addr = {htonl(INADDR_LOOPBACK)}};
  const int stream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REFUSED(connect(stream, (struct sockaddr*)&to, sizeof to));
  const char* name = bait("NEIGHBOUR_ABSTRACT");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path + 1, name, strlen(name));
  const int local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REFUSED(connect(local, (struct sockaddr*)&address,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name))));
  const pid_t pid = (pid_t)bait_number("NEIGHBOUR_PID");
  REFUSED(kill(pid, SIGKILL));
  REFUSED(syscall(SYS_pidfd_open, pid, 0));
  // Its user ids are others than ours.
  char map[256];
  if (read_text("/proc/self/uid_map", map, sizeof map) > 0 && *bait("NEIGHBOUR_UID_MAP") != '\0') {
    holds(strstr(map, bait("NEIGHBOUR_UID_MAP")) == NULL, "its ids are not ours", map);
  }
  return verdict();
}
