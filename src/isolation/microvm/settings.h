// SPDX-License-Identifier: Apache-2.0
//
// What msb-vm is told on its command line, as words "key=value".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "isolation/microvm/guest_messages.h"
#include "isolation/microvm/machine.h"
#include "isolation/sandbox_spec.h"

namespace msb::isolation::microvm {

struct Settings {
  Machine machine;
  std::string hostname;
  Limits limits;  // of the sandbox inside
  std::vector<GuestVolume> volumes;
  std::vector<std::string> weaknesses;  // to be reported
};

std::vector<std::string> to_words(const Settings& settings);
// kInvalidArgument: names the word.
Result<Settings> settings_of(const std::vector<std::string_view>& words);

}  // namespace msb::isolation::microvm
