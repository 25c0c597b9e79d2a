// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/guest_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/sparse_file.h"
#include "base/sys.h"

namespace msb::isolation::microvm {
namespace {

namespace sys = base::sys;

constexpr std::size_t kPagesAtOnce = 4096;
constexpr std::size_t kMaxMapsBytes = 4 << 20;
// Bits of an entry of pagemap.
constexpr std::uint64_t kPresent = 1ull << 63;
constexpr std::uint64_t kSwapped = 1ull << 62;
constexpr std::uint64_t kOfFile = 1ull << 61;

struct Mapping {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t offset = 0;  // in the file
};

bool read_hexadecimal(std::string_view& text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return error == std::errc();
}

// Whether the line is about the file, whose name may have gone.
bool is_of(std::string_view line, std::string_view path) {
  for (const std::string_view gone : {"//deleted", " (deleted)"}) {
    if (line.ends_with(gone)) {
      line.remove_suffix(gone.size());
    }
  }
  return line.ends_with(path) && line.substr(0, line.size() - path.size()).ends_with(' ');
}

// Of a line of /proc/PID/maps: "begin-end rw-p offset device inode   path".
bool read_mapping(std::string_view line, std::string_view path, Mapping& mapping) {
  constexpr std::string_view kWritable = " rw-p ";
  if (!is_of(line, path) || !read_hexadecimal(line, mapping.begin) || !line.starts_with('-')) {
    return false;
  }
  line.remove_prefix(1);
  if (!read_hexadecimal(line, mapping.end) || !line.starts_with(kWritable)) {
    return false;
  }
  line.remove_prefix(kWritable.size());
  return read_hexadecimal(line, mapping.offset) && mapping.begin < mapping.end;
}

Result<std::vector<Mapping>> mappings_of(pid_t process, std::string_view path) {
  const std::string maps =
      TRY(base::read_file("/proc/" + std::to_string(process) + "/maps", kMaxMapsBytes));
  std::vector<Mapping> found;
  std::string_view rest = maps;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    Mapping mapping;
    if (read_mapping(rest.substr(0, end), path, mapping)) {
      found.push_back(mapping);
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (found.empty()) {
    return fail(ErrorCode::kInternal, "QEMU has no memory of a guest's");
  }
  return found;
}

bool is_private(std::uint64_t page) {
  return (page & kSwapped) != 0 || ((page & kPresent) != 0 && (page & kOfFile) == 0);
}

// The pages of `mapping` that are not the file's, into their places in `file`.
Result<> copy_private_pages(const Mapping& mapping, int memory, int pagemap, int file) {
  const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::vector<std::uint64_t> pages(kPagesAtOnce);
  for (std::uint64_t at = mapping.begin; at < mapping.end;) {
    const std::uint64_t wanted =
        std::min<std::uint64_t>(pages.size(), (mapping.end - at) / page_bytes);
    const auto entries = std::as_writable_bytes(std::span(pages).first(wanted));
    const std::size_t count =
        TRY(sys::pread(pagemap, entries, static_cast<off_t>(at / page_bytes * sizeof pages[0]))) /
        sizeof pages[0];
    if (count == 0) {
      return fail(ErrorCode::kInternal, "pagemap ends within a machine's memory");
    }
    const auto known = std::span(pages).first(count);
    for (auto run = std::ranges::find_if(known, is_private); run != known.end();) {
      const auto end = std::find_if_not(run, known.end(), is_private);
      const std::uint64_t begin = at + static_cast<std::uint64_t>(run - known.begin()) * page_bytes;
      TRY(base::copy_range(memory, static_cast<off_t>(begin), file,
                           static_cast<off_t>(begin - mapping.begin + mapping.offset),
                           static_cast<std::uint64_t>(end - run) * page_bytes));
      run = std::find_if(end, known.end(), is_private);
    }
    at += count * page_bytes;
  }
  return {};
}

}  // namespace

Result<base::UniqueFd> make_own_memory(std::uint64_t size_bytes) {
  base::UniqueFd memory = TRY(sys::memfd_create("guest-memory", MFD_CLOEXEC));
  TRY(sys::ftruncate(memory.get(), static_cast<off_t>(size_bytes)));
  return memory;
}

Result<> copy_clone_memory(pid_t process, const char* path, int file) {
  {
    const base::UniqueFd original = TRY(sys::open(path, O_RDONLY));
    TRY(base::copy_sparse_file(original.get(), file));
  }
  const std::string folder = "/proc/" + std::to_string(process);
  const base::UniqueFd memory = TRY(sys::open(folder + "/mem", O_RDONLY));
  const base::UniqueFd pagemap = TRY(sys::open(folder + "/pagemap", O_RDONLY));
  for (const Mapping& mapping : TRY(mappings_of(process, path))) {
    TRY(copy_private_pages(mapping, memory.get(), pagemap.get(), file));
  }
  return {};
}

}  // namespace msb::isolation::microvm
