// SPDX-License-Identifier: Apache-2.0
#include "base/policy/compiler.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/sys.h"

namespace msb::base::policy {

Program::Program(std::uint32_t default_action)
    : context_(::seccomp_init(default_action), &::seccomp_release) {
  if (context_) {
    // Foreign architectures, x32 among them.
    note(::seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
    // A balanced tree over the numbers instead of a chain of some 300 compares.
    note(::seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2));
  }
}

void Program::add_all(std::uint32_t action, std::span<const char* const> names) {
  for (const char* name : names) {
    add(action, name);
  }
}

void Program::add_all_but(std::uint32_t action, const char* name, unsigned argument,
                          std::span<const std::uint32_t> allowed) {
  add_block(action, name, argument, allowed, 0, 32);
}

void Program::add_block(std::uint32_t action, const char* name, unsigned argument,
                        std::span<const std::uint32_t> allowed, std::uint64_t first,
                        unsigned bits) {
  const std::uint64_t size = std::uint64_t{1} << bits;
  if (std::ranges::none_of(
          allowed, [&](std::uint64_t value) { return value >= first && value - first < size; })) {
    const scmp_datum_t mask = 0xffffffff & ~(size - 1);
    add(action, name, scmp_arg_cmp{argument, SCMP_CMP_MASKED_EQ, mask, first});
  } else if (bits > 0) {
    add_block(action, name, argument, allowed, first, bits - 1);
    add_block(action, name, argument, allowed, first + size / 2, bits - 1);
  }
}

Result<std::vector<sock_filter>> Program::finish() {
  if (!context_ || failure_ < 0) {
    return std::unexpected(sys::error_of(context_ ? -failure_ : ENOMEM, "libseccomp"));
  }
  const UniqueFd file = TRY(sys::memfd_create("filter", 0));
  if (const int result = ::seccomp_export_bpf(context_.get(), file.get()); result < 0) {
    return std::unexpected(sys::error_of(-result, "seccomp_export_bpf"));
  }
  const auto size = static_cast<std::size_t>(TRY(sys::fstat(file.get())).st_size);
  std::vector<sock_filter> program(size / sizeof(sock_filter));
  const std::size_t read =
      TRY(sys::pread(file.get(), std::as_writable_bytes(std::span(program)), 0));
  if (read != size) {
    return fail(ErrorCode::kIo, "pread: short");
  }
  return program;
}

void Program::note(int result) {
  if (result < 0 && failure_ == 0) {
    failure_ = result;
  }
}

int print_tables(const char* policy_file, std::span<const Table> tables) {
  for (const Table& table : tables) {
    if (!table.program) {
      std::fprintf(stderr, "%s: %s: %s\n", policy_file, table.name,
                   table.program.error().message().c_str());
      return 1;
    }
  }
  std::printf("// Generated from %s.\n", policy_file);
  for (const Table& table : tables) {
    std::printf("constexpr sock_filter %s[] = {\n", table.name);
    for (const sock_filter& instruction : *table.program) {
      std::printf("    {0x%04x, %u, %u, 0x%08x},\n", instruction.code, instruction.jt,
                  instruction.jf, instruction.k);
    }
    std::printf("};\n");
  }
  return 0;
}

}  // namespace msb::base::policy
