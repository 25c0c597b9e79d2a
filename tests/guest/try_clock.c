// SPDX-License-Identifier: Apache-2.0
//
// The host's clock.
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>

#include "attempt.h"

int main(void) {
  static struct timeval then = {.tv_sec = 1000000000};
  static struct timespec spec = {.tv_sec = 1000000000};
  REFUSED(settimeofday(&then, NULL));
  static struct timezone zone = {.tz_minuteswest = 60};
  REFUSED(settimeofday(NULL, &zone));
  REFUSED(clock_settime(CLOCK_REALTIME, &spec));
  REFUSED(clock_settime(CLOCK_TAI, &spec));
  OTHER_ENTRIES(settimeofday, 79, (long)&then, 0, 0, 0);
  OTHER_ENTRIES(clock_settime, 264, CLOCK_REALTIME, (long)&spec, 0, 0);
  struct timex change = {.modes = ADJ_FREQUENCY, .freq = 1};
  REFUSED(adjtimex(&change));
  REFUSED(clock_adjtime(CLOCK_REALTIME, &change));
  refused_to_write("/dev/rtc0");
  refused_to_write("/dev/rtc");
  refused_to_write("/dev/ptp0");
  holds(time(NULL) > 1000000000 + 86400, "the time is unchanged", NULL);
  return verdict();
}
