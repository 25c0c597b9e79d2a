// SPDX-License-Identifier: Apache-2.0
#include "image/testing/tar_builder.h"

#include <archive.h>
#include <archive_entry.h>

#include <cstdio>
#include <cstring>

#include "base/check.h"

namespace msb::image::testing {
namespace {

constexpr std::size_t kBlock = 512;

std::string padded(std::string bytes) {
  bytes.resize((bytes.size() + kBlock - 1) / kBlock * kBlock);
  return bytes;
}

std::string header_of(const TarEntry& entry) {
  std::string block(kBlock, '\0');
  const auto put = [&](std::size_t at, std::size_t room, std::string_view text) {
    std::memcpy(&block[at], text.data(), std::min(room, text.size()));
  };
  const auto octal = [&](std::size_t at, std::size_t room, std::uint64_t value) {
    char text[32];
    std::snprintf(text, sizeof text, "%0*llo", static_cast<int>(room - 1),
                  static_cast<unsigned long long>(value));
    put(at, room - 1, text);
  };
  put(0, 100, entry.name);
  octal(100, 8, entry.mode);
  octal(108, 8, entry.uid);
  octal(116, 8, entry.gid);
  octal(124, 12,
        entry.claimed_size >= 0 ? static_cast<std::uint64_t>(entry.claimed_size)
                                : entry.content.size());
  octal(136, 12, entry.mtime);
  put(148, 8, "        ");
  block[156] = entry.type;
  put(157, 100, entry.link);
  put(257, 8, std::string_view("ustar\00000", 8));
  unsigned sum = 0;
  for (const char c : block) {
    sum += static_cast<unsigned char>(c);
  }
  octal(148, 7, sum);
  return block;
}

std::string pax_record(const std::string& key, const std::string& value) {
  const std::string rest = " " + key + "=" + value + "\n";
  std::size_t length = rest.size() + 1;
  while (std::to_string(length).size() + rest.size() != length) {
    ++length;
  }
  return std::to_string(length) + rest;
}

}  // namespace

TarBuilder& TarBuilder::add(const TarEntry& entry) {
  if (!entry.pax.empty()) {
    TarEntry extended;
    extended.name = "PaxHeaders/x";
    extended.type = 'x';
    for (const auto& [key, value] : entry.pax) {
      extended.content += pax_record(key, value);
    }
    add(extended);
  }
  bytes_ += header_of(entry) + padded(entry.content);
  return *this;
}

TarBuilder& TarBuilder::file(std::string name, std::string content) {
  TarEntry entry;
  entry.name = std::move(name);
  entry.content = std::move(content);
  return add(entry);
}

TarBuilder& TarBuilder::folder(std::string name, unsigned mode) {
  TarEntry entry;
  entry.name = std::move(name);
  entry.type = '5';
  entry.mode = mode;
  return add(entry);
}

TarBuilder& TarBuilder::symlink(std::string name, std::string target) {
  TarEntry entry;
  entry.name = std::move(name);
  entry.type = '2';
  entry.link = std::move(target);
  return add(entry);
}

TarBuilder& TarBuilder::hard_link(std::string name, std::string target) {
  TarEntry entry;
  entry.name = std::move(name);
  entry.type = '1';
  entry.link = std::move(target);
  return add(entry);
}

TarBuilder& TarBuilder::whiteout(const std::string& folder, const std::string& name) {
  return file(folder + ".wh." + name, "");
}

TarBuilder& TarBuilder::raw(std::string_view bytes) {
  bytes_ += bytes;
  return *this;
}

std::string TarBuilder::build() const {
  return bytes_ + std::string(2 * kBlock, '\0');
}

std::string packed(const std::string& bytes, Packing packing) {
  if (packing == Packing::kNone) {
    return bytes;
  }
  std::string output(bytes.size() + (1 << 20), '\0');
  std::size_t used = 0;
  archive* const writer = ::archive_write_new();
  MSB_CHECK(::archive_write_set_format_raw(writer) == ARCHIVE_OK);
  MSB_CHECK((packing == Packing::kGzip ? ::archive_write_add_filter_gzip(writer)
                                       : ::archive_write_add_filter_zstd(writer)) == ARCHIVE_OK);
  ::archive_write_set_bytes_in_last_block(writer, 1);
  MSB_CHECK(::archive_write_open_memory(writer, output.data(), output.size(), &used) == ARCHIVE_OK);
  archive_entry* const entry = ::archive_entry_new();
  ::archive_entry_set_filetype(entry, AE_IFREG);
  MSB_CHECK(::archive_write_header(writer, entry) == ARCHIVE_OK);
  MSB_CHECK(::archive_write_data(writer, bytes.data(), bytes.size()) ==
            static_cast<la_ssize_t>(bytes.size()));
  MSB_CHECK(::archive_write_close(writer) == ARCHIVE_OK);
  ::archive_entry_free(entry);
  ::archive_write_free(writer);
  output.resize(used);
  return output;
}

}  // namespace msb::image::testing
