// SPDX-License-Identifier: Apache-2.0
//
// The kernel's own network: every netlink family but the one that lists interfaces, and through
// that one every change.
#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "attempt.h"

// The answer's errno as a system call's.
static int ask(int fd, unsigned short type, unsigned short flags, int index, unsigned change) {
  struct {
    struct nlmsghdr header;
    struct ifinfomsg info;
    char attributes[64];
  } request = {.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
                          .nlmsg_type = type,
                          .nlmsg_flags = (unsigned short)(NLM_F_REQUEST | NLM_F_ACK | flags)},
               .info = {.ifi_index = index, .ifi_change = change}};
  char answer[1024];
  if (send(fd, &request, request.header.nlmsg_len, 0) < 0 ||
      recv(fd, answer, sizeof answer, 0) < (ssize_t)sizeof(struct nlmsghdr)) {
    return -1;
  }
  struct nlmsghdr header;
  struct nlmsgerr error;
  memcpy(&header, answer, sizeof header);
  memcpy(&error, answer + NLMSG_HDRLEN, sizeof error);
  if (header.nlmsg_type != NLMSG_ERROR) {
    return 0;
  }
  errno = -error.error;
  return error.error == 0 ? 0 : -1;
}

int main(void) {
  for (int protocol = 0; protocol < 32; ++protocol) {
    if (protocol == NETLINK_ROUTE) {
      continue;
    }
    char what[32];
    snprintf(what, sizeof what, "netlink family %d", protocol);
    refused(what, socket(AF_NETLINK, SOCK_RAW, protocol));
    refused(what, socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, protocol));
    refused(what, syscall(SYS_socket, AF_NETLINK | 1L << 32, SOCK_RAW, protocol));
  }
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd >= 0) {
    REFUSED(ask(fd, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, 0));
    REFUSED(ask(fd, RTM_SETLINK, 0, 1, IFF_UP));
    REFUSED(ask(fd, RTM_DELLINK, 0, 1, 0));
    REFUSED(ask(fd, RTM_NEWADDR, NLM_F_CREATE, 1, 0));
    REFUSED(ask(fd, RTM_NEWROUTE, NLM_F_CREATE, 1, 0));
    REFUSED(ask(fd, RTM_NEWNEIGH, NLM_F_CREATE, 1, 0));
    REFUSED(ask(fd, RTM_NEWRULE, NLM_F_CREATE, 1, 0));
    REFUSED(ask(fd, RTM_NEWQDISC, NLM_F_CREATE, 1, 0));
    REFUSED(ask(fd, 88 /* RTM_NEWNSID */, 0, 1, 0));
  }
  const int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq interface = {0};
  strcpy(interface.ifr_name, "lo");
  REFUSED(ioctl(control, SIOCSIFFLAGS, &interface));
  ((struct sockaddr_in*)&interface.ifr_addr)->sin_family = AF_INET;
  ((struct sockaddr_in*)&interface.ifr_addr)->sin_addr.s_addr = htonl(0x0a000001);
  REFUSED(ioctl(control, SIOCSIFADDR, &interface));
  return verdict();
}
