// SPDX-License-Identifier: Apache-2.0
//
// The host's network: its loopback, its own addresses, its neighbours, the metadata service of
// clouds, by IPv4 and IPv6.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "attempt.h"

static void reach4(const char* address, long port) {
  char what[64];
  snprintf(what, sizeof what, "%s:%ld", address, port);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  inet_pton(AF_INET, address, &to.sin_addr);
  const int stream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  refused(what, connect(stream, (struct sockaddr*)&to, sizeof to));
  close(stream);
  const int datagram = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  // Loopback takes datagrams for nobody; the host sees whether one arrived.
  harmless(what, sendto(datagram, "escaped", 7, 0, (struct sockaddr*)&to, sizeof to));
  close(datagram);
}

static void reach6(const char* address, long port) {
  struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons((unsigned short)port)};
  inet_pton(AF_INET6, address, &to.sin6_addr);
  const int stream = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  refused(address, connect(stream, (struct sockaddr*)&to, sizeof to));
  close(stream);
}

int main(void) {
  const long port = bait_number("PORT");
  static const char* const kAddresses[] = {
      "127.0.0.1",       "127.0.0.53", "0.0.0.0",        "10.0.0.1",    "10.0.2.2",
      "172.16.0.1",      "172.17.0.1", "192.168.0.1",    "192.168.1.1", "169.254.169.254",
      "100.100.100.200", "8.8.8.8",    "255.255.255.255"};
  for (size_t i = 0; i < sizeof kAddresses / sizeof kAddresses[0]; ++i) {
    reach4(kAddresses[i], port);
  }
  if (*bait("ADDRESS") != '\0') {
    reach4(bait("ADDRESS"), port);
  }
  reach4("127.0.0.1", 22);
  reach4("8.8.8.8", 53);
  static const char* const kAddresses6[] = {"::1", "::ffff:127.0.0.1", "fe80::1", "fd00:ec2::254",
                                            "2001:4860:4860::8888"};
  for (size_t i = 0; i < sizeof kAddresses6 / sizeof kAddresses6[0]; ++i) {
    reach6(kAddresses6[i], port);
  }
  char table[8192];
  harmless("/proc/net/route", read_text("/proc/net/route", table, sizeof table));
  holds(read_text("/proc/net/dev", table, sizeof table) > 0, "there is a list of interfaces", NULL);
  int lines = 0;
  for (const char* at = table; *at != '\0'; ++at) {
    lines += *at == '\n';
  }
  holds(lines == 3, "loopback is the only interface", table);
  return verdict();
}
