// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/initramfs.h"

#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "base/file.h"
#include "isolation/microvm/kernel_image.h"

namespace msb::isolation::microvm {
namespace {

constexpr std::size_t kAlignment = 4;
constexpr unsigned kConsoleMajor = 5;
constexpr unsigned kConsoleMinor = 1;

void align(std::string& archive) {
  archive.append((kAlignment - archive.size() % kAlignment) % kAlignment, '\0');
}

void append_number(std::string& archive, std::size_t number) {
  std::array<char, 9> text{};
  std::snprintf(text.data(), text.size(), "%08zx", number & 0xffffffff);
  archive += text.data();
}

}  // namespace

void CpioWriter::add(std::string_view path, unsigned mode, std::string_view content,
                     unsigned device) {
  archive_ += "070701";
  const std::size_t fields[] = {
      next_inode_++,  mode, 0, 0,           /*links*/ 1,   /*mtime*/ 0,
      content.size(), 0,    0, device >> 8, device & 0xff, path.size() + 1,
      /*checksum*/ 0};
  for (const std::size_t field : fields) {
    append_number(archive_, field);
  }
  archive_ += path;
  archive_ += '\0';
  align(archive_);
  archive_ += content;
  align(archive_);
}

void CpioWriter::add_folder(std::string_view path) {
  add(path, S_IFDIR | 0755, {}, 0);
}

void CpioWriter::add_file(std::string_view path, unsigned mode, std::string_view content) {
  add(path, S_IFREG | mode, content, 0);
}

void CpioWriter::add_console() {
  add("dev/console", S_IFCHR | 0600, {}, kConsoleMajor << 8 | kConsoleMinor);
}

std::string CpioWriter::take() && {
  add("TRAILER!!!", 0, {}, 0);
  return std::move(archive_);
}

Result<std::string> make_initramfs(const InitramfsParts& parts) {
  CpioWriter archive;
  archive.add_folder("dev");
  archive.add_console();
  archive.add_file("init", 0755, parts.init);
  archive.add_file("msb-agent", 0755, parts.agent);
  archive.add_folder("modules");
  std::size_t number = 100;  // of three digits, so that names are in the order of numbers
  for (const std::string& path : parts.modules) {
    const std::string name = std::filesystem::path(path).filename().string();
    archive.add_file("modules/" + std::to_string(number++) + "-" + name, 0644,
                     TRY(base::read_file(path, kMaxModuleBytes)));
  }
  return std::move(archive).take();
}

}  // namespace msb::isolation::microvm
