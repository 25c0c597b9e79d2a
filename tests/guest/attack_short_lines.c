// SPDX-License-Identifier: Apache-2.0
//
// Lines of two bytes, on both outputs, each written alone.
#include <unistd.h>

#include "attack.h"

int main(int argc, char** argv) {
  begin_attack(argc, argv);
  while (goes_on()) {
    for (int i = 0; i < 1000; ++i) {
      if (write(1 + i % 2, "x\n", 2) <= 0) {
        return 0;
      }
    }
  }
  return 0;
}
