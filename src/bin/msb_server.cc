// SPDX-License-Identifier: Apache-2.0
#include "server/program.h"

int main(int argc, char** argv) {
  return msb::server::run_program(argc, argv);
}
