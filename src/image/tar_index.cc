// SPDX-License-Identifier: Apache-2.0
#include "image/tar_index.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/bytes.h"
#include "base/parse.h"
#include "base/sys.h"
#include "image/printable.h"

namespace msb::image {
namespace {

namespace sys = base::sys;

constexpr std::size_t kBlockBytes = 512;
constexpr std::size_t kMaxExtraBytes = 64 * 1024;  // of one PAX or GNU long name record
constexpr std::size_t kMaxEntryNameBytes = 4096;
constexpr int kMaxLinkHops = 4;

// POSIX ustar; GNU's differs only in fields that are not read here.
struct Header {
  char name[100];
  char mode[8];
  char uid[8];
  char gid[8];
  char size[12];
  char mtime[12];
  char checksum[8];
  char type;
  char link[100];
  char magic[6];
  char version[2];
  char owner[32];
  char group[32];
  char device_major[8];
  char device_minor[8];
  char prefix[155];
  char padding[12];
};
static_assert(sizeof(Header) == kBlockBytes);

template <std::size_t kSize>
std::string_view field(const char (&bytes)[kSize]) {
  return {bytes, ::strnlen(bytes, kSize)};
}

// Octal digits, or, with the top bit set, a big-endian number.
template <std::size_t kSize>
std::optional<std::uint64_t> number(const char (&bytes)[kSize]) {
  if ((static_cast<unsigned char>(bytes[0]) & 0x80) != 0) {
    std::uint64_t value = static_cast<unsigned char>(bytes[0]) & 0x7f;
    for (const char c : std::span(bytes).subspan(1)) {
      if (value >> 55 != 0) {
        return std::nullopt;
      }
      value = value << 8 | static_cast<unsigned char>(c);
    }
    return value;
  }
  std::string_view text = field(bytes);
  while (text.starts_with(' ')) {
    text.remove_prefix(1);
  }
  while (text.ends_with(' ')) {
    text.remove_suffix(1);
  }
  return text.empty() ? 0 : base::parse_number<std::uint64_t>(text, 8);
}

bool checksum_holds(const Header& header) {
  std::array<unsigned char, kBlockBytes> bytes;
  std::memcpy(bytes.data(), &header, sizeof header);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kBlockBytes; ++i) {
    const bool in_checksum = i >= offsetof(Header, checksum) && i < offsetof(Header, type);
    sum += in_checksum ? ' ' : bytes[i];
  }
  return number(header.checksum) == sum;
}

bool is_zero(const Header& header) {
  static constexpr Header kZero{};
  return std::memcmp(&header, &kZero, sizeof header) == 0;
}

// "./a//b" is "a/b". Other spellings of one file are not needed: a name that is not found is an
// error of the archive, never a way out of it.
std::string canonical(std::string_view name) {
  std::string result;
  while (!name.empty()) {
    const std::size_t end = name.find('/');
    const std::string_view part = name.substr(0, end);
    name = end == std::string_view::npos ? std::string_view() : name.substr(end + 1);
    if (part == "..") {
      const std::size_t slash = result.rfind('/');
      result.resize(slash == std::string::npos ? 0 : slash);
    } else if (!part.empty() && part != ".") {
      result += (result.empty() ? "" : "/") + std::string(part);
    }
  }
  return result;
}

// What a PAX record or a GNU long name says about the next entry.
struct Extra {
  std::string path;
  std::string link;
  std::optional<std::uint64_t> size_bytes;
};

// "LENGTH KEY=VALUE\n" records.
Result<> parse_pax(std::string_view records, Extra& extra) {
  while (!records.empty()) {
    const std::size_t space = records.find(' ');
    const auto length = base::parse_number<std::size_t>(records.substr(0, space));
    if (space == std::string_view::npos || !length || *length <= space + 1 ||
        *length > records.size()) {
      return fail(ErrorCode::kCorrupt, "tar: malformed PAX header");
    }
    std::string_view record = records.substr(space + 1, *length - space - 1);
    records.remove_prefix(*length);
    record = record.substr(0, record.size() - 1);  // the newline
    const std::size_t equals = record.find('=');
    if (equals == std::string_view::npos) {
      return fail(ErrorCode::kCorrupt, "tar: malformed PAX header");
    }
    const std::string_view key = record.substr(0, equals);
    const std::string_view value = record.substr(equals + 1);
    if (key == "path") {
      extra.path = value;
    } else if (key == "linkpath") {
      extra.link = value;
    } else if (key == "size") {
      extra.size_bytes = base::parse_number<std::uint64_t>(value);
      if (!extra.size_bytes) {
        return fail(ErrorCode::kCorrupt, "tar: malformed PAX size");
      }
    }
  }
  return {};
}

Result<std::string> read_at(int fd, std::uint64_t offset_bytes, std::uint64_t size_bytes) {
  if (size_bytes > kMaxExtraBytes) {
    return fail(ErrorCode::kCorrupt, "tar: a name record of more than 64 KiB");
  }
  std::string content(size_bytes, '\0');
  const std::size_t count = TRY(
      sys::pread(fd, std::as_writable_bytes(std::span(content)), static_cast<off_t>(offset_bytes)));
  if (count != content.size()) {
    return fail(ErrorCode::kCorrupt, "tar: cut short");
  }
  return content;
}

}  // namespace

Result<TarIndex> TarIndex::read(int fd) {
  TarIndex index;
  const struct stat status = TRY(sys::fstat(fd));
  const auto file_bytes = static_cast<std::uint64_t>(status.st_size);
  if (file_bytes < kBlockBytes) {
    return fail(ErrorCode::kCorrupt, "not a tar archive");
  }
  Extra extra;
  std::uint64_t offset = 0;
  while (offset + kBlockBytes <= file_bytes && index.files_.size() < kMaxFiles &&
         index.links_.size() < kMaxFiles) {
    Header header{};
    const std::size_t count = TRY(
        sys::pread(fd, std::as_writable_bytes(std::span(&header, 1)), static_cast<off_t>(offset)));
    if (count != sizeof header) {
      return fail(ErrorCode::kCorrupt, "tar: cut short");
    }
    if (is_zero(header)) {
      break;
    }
    const auto own_size = number(header.size);
    if (!checksum_holds(header) || !own_size) {
      return fail(ErrorCode::kCorrupt, offset == 0 ? "not a tar archive" : "tar: broken header");
    }
    offset += kBlockBytes;
    const bool describes_next =
        header.type == 'x' || header.type == 'g' || header.type == 'L' || header.type == 'K';
    const std::uint64_t size = describes_next || !extra.size_bytes ? *own_size : *extra.size_bytes;
    if (size > file_bytes - offset) {
      return fail(ErrorCode::kCorrupt, "tar: cut short");
    }
    const std::uint64_t next = offset + (size + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
    if (describes_next) {
      if (header.type != 'g') {
        const std::string content = TRY(read_at(fd, offset, size));
        if (header.type == 'x') {
          TRY(parse_pax(content, extra));
        } else {
          std::string& name = header.type == 'L' ? extra.path : extra.link;
          name = content.substr(0, content.find('\0'));
        }
      }
      offset = next;
      continue;
    }
    std::string name = extra.path;
    if (name.empty()) {
      name = field(header.name);
      if (std::string_view(header.magic, 5) == "ustar" && header.magic[5] == '\0' &&
          header.prefix[0] != '\0') {
        name = std::string(field(header.prefix)) + "/" + name;
      }
    }
    name = canonical(name);
    if (!name.empty() && name.size() <= kMaxEntryNameBytes) {
      if (header.type == '0' || header.type == '\0' || header.type == '7') {
        index.files_[name] = {offset, size};
      } else if (header.type == '1' || header.type == '2') {
        const std::string link = extra.link.empty() ? std::string(field(header.link)) : extra.link;
        const std::size_t slash = name.rfind('/');
        const bool relative = header.type == '2' && !link.starts_with('/');
        index.links_[name] = canonical(
            relative && slash != std::string::npos ? name.substr(0, slash + 1) + link : link);
      }
    }
    extra = {};
    // A link's header may tell the size of what it links to; no data follows it.
    offset = header.type == '1' || header.type == '2' ? offset : next;
  }
  return index;
}

std::optional<TarIndex::Place> TarIndex::find(std::string_view name) const {
  std::string current = canonical(name);
  for (int hop = 0; hop <= kMaxLinkHops; ++hop) {
    if (const auto file = files_.find(current); file != files_.end()) {
      return file->second;
    }
    const auto link = links_.find(current);
    if (link == links_.end()) {
      return std::nullopt;
    }
    current = link->second;
  }
  return std::nullopt;
}

}  // namespace msb::image
