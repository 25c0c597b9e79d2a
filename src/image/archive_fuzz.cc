// SPDX-License-Identifier: Apache-2.0
//
// An archive through the index of outer archives and through the unpacker's core, unconfined, into
// a folder beside a canary that must stay as it is.
#include <archive.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/file.h"
#include "base/sys.h"
#include "image/tar_index.h"
#include "image/unpack/extract.h"
#include "image/unpack/tree_remover.h"

namespace {

namespace base = msb::base;
namespace unpack = msb::image::unpack;

struct Place {
  base::TempDir folder = base::TempDir::create().value();
  base::UniqueFd outer = base::sys::open(folder.path(), O_RDONLY | O_DIRECTORY).value();

  Place() {
    MSB_CHECK(base::sys::mkdirat(outer.get(), "canary", 0700));
    MSB_CHECK(base::sys::mkdirat(outer.get(), "root", 0700));
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Place place;
  const base::UniqueFd file = base::sys::memfd_create("archive", MFD_CLOEXEC).value();
  MSB_CHECK(base::write_all(file.get(), std::as_bytes(std::span(data, size))));
  if (const auto index = msb::image::TarIndex::read(file.get())) {
    if (const auto found = index->find("manifest.json")) {
      MSB_CHECK(found->offset_bytes <= size && found->size_bytes <= size - found->offset_bytes);
    }
  }
  const base::UniqueFd root =
      base::sys::openat(place.outer.get(), "root", O_RDONLY | O_DIRECTORY).value();
  unpack::ExtractLimits limits;
  limits.max_bytes = 1 << 20;
  limits.max_entries = 200;
  const auto open = [&](archive* handle) { return ::archive_read_open_memory(handle, data, size); };
  static_cast<void>(unpack::extract_tar(open, root.get(), unpack::IdMap::kSingle, limits));
  MSB_CHECK(unpack::empty_folder(root.get()));
  struct stat status{};
  MSB_CHECK(::fstatat(place.outer.get(), "canary", &status, 0) == 0);
  MSB_CHECK(status.st_nlink == 2 && (status.st_mode & 07777) == 0700);
  const base::UniqueFd null = base::sys::open("/dev/null", O_WRONLY).value();
  static_cast<void>(unpack::decompress(open, null.get()));
  return 0;
}
