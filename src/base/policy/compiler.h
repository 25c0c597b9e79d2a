// SPDX-License-Identifier: Apache-2.0
//
// Compiles system call policies when the project is built. libseccomp takes milliseconds for one,
// which is the same in every process, so programs get the result as a table and start without.
//
//   x_policy.cc ──► a program of the build ──► x_filter.inc ──► install_system_call_filter()
#pragma once

#include <linux/filter.h>
#include <seccomp.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/try.h"

namespace msb::base::policy {

// Conditions on an argument. The kernel looks at the low half of an int; a compare of all 64 bits
// could be passed by with a bit in the high half.
inline scmp_arg_cmp equals(unsigned argument, scmp_datum_t value) {
  return {argument, SCMP_CMP_EQ, value, 0};
}
inline scmp_arg_cmp differs(unsigned argument, scmp_datum_t value) {
  return {argument, SCMP_CMP_NE, value, 0};
}
inline scmp_arg_cmp has_bits(unsigned argument, scmp_datum_t bits) {
  return {argument, SCMP_CMP_MASKED_EQ, bits, bits};
}
inline scmp_arg_cmp lacks_bits(unsigned argument, scmp_datum_t bits) {
  return {argument, SCMP_CMP_MASKED_EQ, bits, 0};
}
inline scmp_arg_cmp low_half_equals(unsigned argument, scmp_datum_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, 0xffffffff, value};
}
inline scmp_arg_cmp is_not_null(unsigned argument) {
  return {argument, SCMP_CMP_NE, 0, 0};
}

// One filter program. Calls of another architecture (32-bit, x32) kill the process: none of ours
// makes one.
class Program {
 public:
  explicit Program(std::uint32_t default_action);

  template <typename... Conditions>
  void add(std::uint32_t action, int number, Conditions... conditions) {
    if (context_) {
      note(
          ::seccomp_rule_add(context_.get(), action, number, sizeof...(conditions), conditions...));
    }
  }

  // A name that is unknown to this architecture, or to the libseccomp of the build, is passed over.
  template <typename... Conditions>
  void add(std::uint32_t action, const char* name, Conditions... conditions) {
    // Negative: not a call of this architecture.
    if (const int number = ::seccomp_syscall_resolve_name(name); number >= 0) {
      add(action, number, conditions...);
    }
  }

  void add_all(std::uint32_t action, std::span<const char* const> names);

  // For every value of an int argument that is not among `allowed`: one rule for each aligned block
  // of values that holds none of them. (A rule can compare an argument but once.)
  void add_all_but(std::uint32_t action, const char* name, unsigned argument,
                   std::span<const std::uint32_t> allowed);

  Result<std::vector<sock_filter>> finish();

 private:
  // The 2^bits values from `first` on.
  void add_block(std::uint32_t action, const char* name, unsigned argument,
                 std::span<const std::uint32_t> allowed, std::uint64_t first, unsigned bits);
  void note(int result);

  std::unique_ptr<void, decltype(&::seccomp_release)> context_;
  int failure_ = 0;
};

struct Table {
  const char* name;  // of the constant, as C++ source
  Result<std::vector<sock_filter>> program;
};

// What main() of such a program ends with: the tables as C++ source on standard output, and its
// exit status.
int print_tables(const char* policy_file, std::span<const Table> tables);

}  // namespace msb::base::policy
