// SPDX-License-Identifier: Apache-2.0
//
// Tars byte by byte, so that a test can say exactly what no well-meaning tool would write.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace msb::image::testing {

struct TarEntry {
  std::string name;
  char type = '0';  // '0' file, '1' hard link, '2' symlink, '3' char device, '5' folder
  std::string content;
  std::string link;
  unsigned mode = 0644;
  unsigned uid = 0;
  unsigned gid = 0;
  std::uint64_t mtime = 1'000'000'000;
  // What the header says the size is, when that is not the content's.
  std::int64_t claimed_size = -1;
  std::map<std::string, std::string> pax;  // records of an extended header before it
};

class TarBuilder {
 public:
  TarBuilder& add(const TarEntry& entry);
  TarBuilder& file(std::string name, std::string content);
  TarBuilder& folder(std::string name, unsigned mode = 0755);
  TarBuilder& symlink(std::string name, std::string target);
  TarBuilder& hard_link(std::string name, std::string target);
  TarBuilder& whiteout(const std::string& folder, const std::string& name);
  TarBuilder& raw(std::string_view bytes);
  // With the two zero blocks of the end.
  std::string build() const;

 private:
  std::string bytes_;
};

enum class Packing { kNone, kGzip, kZstd };
std::string packed(const std::string& bytes, Packing packing);

}  // namespace msb::image::testing
