// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <utility>

#include "base/parse.h"

namespace msb::isolation::microvm {
namespace {

constexpr std::pair<std::string_view, Accelerator> kAccelerators[] = {{"kvm", Accelerator::kKvm},
                                                                      {"tcg", Accelerator::kTcg}};
constexpr std::pair<std::string_view, Memory> kMemories[] = {{"own", Memory::kOwn},
                                                             {"clone", Memory::kClone}};

template <typename Enum, std::size_t kCount>
std::string name_of(const std::pair<std::string_view, Enum> (&names)[kCount], Enum value) {
  return std::string(
      std::ranges::find(names, value, &std::pair<std::string_view, Enum>::second)->first);
}

template <typename Enum, std::size_t kCount>
bool read(const std::pair<std::string_view, Enum> (&names)[kCount], std::string_view text,
          Enum& value) {
  const auto found = std::ranges::find(names, text, &std::pair<std::string_view, Enum>::first);
  if (found == std::end(names)) {
    return false;
  }
  value = found->second;
  return true;
}

std::string head_of(bool is_folder, bool read_only) {
  return std::string(is_folder ? "folder" : "file") + (read_only ? ":ro:" : ":rw:");
}

template <std::unsigned_integral Number>
bool read(std::string_view text, Number& value) {
  const auto number = base::parse_number<Number>(text);
  value = number.value_or(value);
  return number.has_value();
}

bool read(std::string_view text, double& value) {
  const auto number = base::parse_decimal(text);
  value = number.value_or(value);
  return number.has_value();
}

bool read(std::string_view text, std::string& value) {
  value = text;
  return true;
}

// "folder:rw:/path", "file:ro:/path", ...
bool read(std::string_view text, GuestVolume& volume) {
  for (const bool is_folder : {true, false}) {
    for (const bool read_only : {true, false}) {
      const std::string head = head_of(is_folder, read_only);
      if (text.starts_with(head)) {
        volume = {.guest_path = std::string(text.substr(head.size())),
                  .is_folder = is_folder,
                  .read_only = read_only};
        return volume.guest_path.starts_with('/');
      }
    }
  }
  return false;
}

std::string exact(double number) {
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  return {text.data(), end.ptr};
}

bool assign(Settings& settings, std::string_view key, std::string_view value) {
  if (key == "accelerator") {
    return read(kAccelerators, value, settings.machine.accelerator);
  }
  if (key == "memory") {
    return read(kMemories, value, settings.machine.memory);
  }
  if (key == "memory_mib") {
    return read(value, settings.machine.memory_mib);
  }
  if (key == "processors") {
    return read(value, settings.machine.processors);
  }
  if (key == "hostname") {
    return read(value, settings.hostname);
  }
  if (key == "memory_bytes") {
    return read(value, settings.limits.memory_bytes);
  }
  if (key == "cpus") {
    return read(value, settings.limits.cpus);
  }
  if (key == "max_processes") {
    return read(value, settings.limits.max_processes);
  }
  if (key == "disk_bytes") {
    return read(value, settings.limits.disk_bytes);
  }
  if (key == "volume") {
    return read(value, settings.volumes.emplace_back());
  }
  return key == "weakness" && read(value, settings.weaknesses.emplace_back());
}

}  // namespace

std::vector<std::string> to_words(const Settings& settings) {
  const Machine& machine = settings.machine;
  const Limits& limits = settings.limits;
  std::vector<std::string> words = {"accelerator=" + name_of(kAccelerators, machine.accelerator),
                                    "memory=" + name_of(kMemories, machine.memory),
                                    "memory_mib=" + std::to_string(machine.memory_mib),
                                    "processors=" + std::to_string(machine.processors),
                                    "hostname=" + settings.hostname,
                                    "memory_bytes=" + std::to_string(limits.memory_bytes),
                                    "cpus=" + exact(limits.cpus),
                                    "max_processes=" + std::to_string(limits.max_processes),
                                    "disk_bytes=" + std::to_string(limits.disk_bytes)};
  for (const GuestVolume& volume : settings.volumes) {
    words.push_back("volume=" + head_of(volume.is_folder, volume.read_only) + volume.guest_path);
  }
  for (const std::string& weakness : settings.weaknesses) {
    words.push_back("weakness=" + weakness);
  }
  return words;
}

Result<Settings> settings_of(const std::vector<std::string_view>& words) {
  Settings settings;
  for (const std::string_view word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos ||
        !assign(settings, word.substr(0, equals), word.substr(equals + 1))) {
      return fail(ErrorCode::kInvalidArgument, "msb-vm: '" + std::string(word) + "'");
    }
  }
  return settings;
}

}  // namespace msb::isolation::microvm
