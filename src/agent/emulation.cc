// SPDX-License-Identifier: Apache-2.0
#include "agent/emulation.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif

#include <array>
#include <cstring>
#include <string_view>

namespace msb::agent {
namespace {

bool ask_processor() {
#ifdef __x86_64__
  // Where hypervisors have their signature. On hardware it means nothing, and is never this.
  constexpr unsigned kLeaf = 0x40000000;
  std::array<unsigned, 4> words{};
  __cpuid(kLeaf, words[0], words[1], words[2], words[3]);
  std::array<char, sizeof words> bytes;
  std::memcpy(bytes.data(), words.data(), sizeof words);
  return std::string_view(bytes.data(), bytes.size()).substr(sizeof words[0]) == "TCGTCGTCGTCG";
#else
  return false;
#endif
}

}  // namespace

bool is_emulated() {
  static const bool answer = ask_processor();
  return answer;
}

}  // namespace msb::agent
