// SPDX-License-Identifier: Apache-2.0
#include "image/import.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>

#include "base/bytes.h"
#include "base/sys.h"
#include "image/printable.h"

namespace msb::image {
namespace {

namespace sys = base::sys;

constexpr std::uint64_t kMaxArchiveBytes = 64ull << 30;
constexpr std::size_t kMaxArchiveManifestBytes = 16u << 20;

Result<bool> is_compressed(int fd) {
  std::array<std::byte, 4> magic{};
  const std::size_t count = TRY(sys::pread(fd, magic, 0));
  const std::string_view start = base::text_of(std::span(magic).first(count));
  return start.starts_with("\x1f\x8b") || start == "\x28\xb5\x2f\xfd";
}

// Where the archive can be read in place: itself, or its uncompressed copy in a file without a
// name.
Result<base::UniqueFd> open_plain(base::UniqueFd file, std::uint64_t size_bytes, const Home& home,
                                  const Unpacker& unpacker, const std::stop_token& stop) {
  if (!TRY(is_compressed(file.get()))) {
    return file;
  }
  base::UniqueFd plain = TRY(sys::open(home.tmp(), O_TMPFILE | O_RDWR, 0600));
  BlobSlice packed;
  packed.file = std::move(file);
  packed.size_bytes = size_bytes;
  TRY(unpacker.decompress_to(packed, plain.get(), kMaxArchiveBytes, stop));
  return plain;
}

Result<std::vector<IncomingImage>> open_archive(base::UniqueFd tar, const std::string& name) {
  TarIndex index = TRY(TarIndex::read(tar.get()));
  const bool is_docker = index.contains("manifest.json");
  const bool is_oci = index.contains("oci-layout") && index.contains("index.json");
  if (!is_docker && !is_oci) {
    return import_rootfs(std::move(tar), name);
  }
  const auto source = std::make_shared<TarSource>(std::move(tar), std::move(index));
  if (is_docker) {
    const std::string manifest = TRY(source->read("manifest.json", kMaxArchiveManifestBytes));
    return import_docker_archive(source, manifest, name);
  }
  return import_oci_layout(source, name);
}

}  // namespace

Result<std::vector<IncomingImage>> open_import(const std::string& path,
                                               const ImportOptions& options, const Home& home,
                                               const Unpacker& unpacker) {
  base::UniqueFd opened = TRY(sys::open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  const struct stat status = TRY(sys::fstat(opened.get()));
  if (S_ISDIR(status.st_mode)) {
    const auto source = std::make_shared<FolderSource>(std::move(opened));
    if (!source->open("index.json")) {
      return fail(ErrorCode::kInvalidArgument,
                  "the folder is no OCI image layout: it has no index.json");
    }
    return import_oci_layout(source, options.name);
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::kInvalidArgument, "neither a file nor a folder");
  }
  base::UniqueFd tar = TRY(open_plain(std::move(opened), static_cast<std::uint64_t>(status.st_size),
                                      home, unpacker, options.stop));
  return open_archive(std::move(tar), options.name);
}

}  // namespace msb::image
