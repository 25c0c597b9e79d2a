// SPDX-License-Identifier: Apache-2.0
//
// Shared memory, semaphores and message queues that the host or a neighbour has.
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "attempt.h"

int main(void) {
  const key_t key = (key_t)bait_number("IPC_KEY");
  REFUSED(shmget(key, 0, 0));
  REFUSED(semget(key, 0, 0));
  REFUSED(msgget(key, 0));
  for (int id = 0; id < 64; ++id) {
    void* const memory = shmat(id, NULL, SHM_RDONLY);
    refused("shmat", (long)memory == -1 ? -1 : 0);
    REFUSED(msgrcv(id, (char[64]){0}, 8, 0, IPC_NOWAIT));
    struct shmid_ds status;
    REFUSED(shmctl(id, IPC_STAT, &status));
    REFUSED(shmctl(id, 13 /* SHM_STAT */, &status));
    REFUSED(shmctl(id, IPC_RMID, NULL));
  }
  REFUSED(shmctl((int)bait_number("SHM_ID"), IPC_RMID, NULL));
  REFUSED(mq_open(bait("QUEUE"), O_RDONLY));
  REFUSED(shm_open(bait("QUEUE"), O_RDWR, 0));
  char table[4096];
  read_text("/proc/sysvipc/shm", table, sizeof table);
  int lines = 0;
  for (const char* at = table; *at != '\0'; ++at) {
    lines += *at == '\n';
  }
  holds(lines == 1, "/proc/sysvipc/shm is empty", table);
  return verdict();
}
