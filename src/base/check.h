// SPDX-License-Identifier: Apache-2.0
//
// MSB_CHECK: for promises of our own only, never for what a guest, client, image or file controls.
#pragma once

#include <cstdio>
#include <cstdlib>

#define MSB_CHECK(condition)                                                                 \
  do {                                                                                       \
    if (!(condition)) [[unlikely]] {                                                         \
      ::std::fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #condition); \
      ::std::abort();                                                                        \
    }                                                                                        \
  } while (false)
