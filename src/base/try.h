// SPDX-License-Identifier: Apache-2.0
//
// TRY(expr): the value of a Result, or return its error from the function around it.
// A TRY is always followed by ';': inside a braced initialiser g++ leaks what was built before it.
#pragma once

#include <expected>
#include <utility>

#include "msb/result.h"

#define TRY(expression)                                              \
  (__extension__({                                                   \
    auto msb_try_result = (expression);                              \
    if (!msb_try_result) {                                           \
      return ::std::unexpected(::std::move(msb_try_result).error()); \
    }                                                                \
    *::std::move(msb_try_result);                                    \
  }))

// TRY_WRAP(expr, "doing x"): the same, with an outer layer that says what was being done.
#define TRY_WRAP(expression, text)                                              \
  (__extension__({                                                              \
    auto msb_try_result = (expression);                                         \
    if (!msb_try_result) {                                                      \
      return ::std::unexpected(::std::move(msb_try_result).error().wrap(text)); \
    }                                                                           \
    *::std::move(msb_try_result);                                               \
  }))

namespace msb {

// Shorthand for the most common return of a failing function.
inline std::unexpected<Error> fail(ErrorCode code, std::string text, int sys_errno = 0) {
  return std::unexpected(Error(code, std::move(text), sys_errno));
}

}  // namespace msb
