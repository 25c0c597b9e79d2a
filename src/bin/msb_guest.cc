// SPDX-License-Identifier: Apache-2.0
//
// msb-guest: the init of a micro VM. Executed by its kernel, from the initramfs.
#include "isolation/microvm/guest/serve.h"

int main() {
  msb::isolation::microvm::serve_guest();
}
