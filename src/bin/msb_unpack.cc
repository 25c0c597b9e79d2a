// SPDX-License-Identifier: Apache-2.0
//
// Unpacks what the image store was handed, and packs what a sandbox has written, without the rights
// to harm anybody by it. Started by the store only; image/unpack/protocol.h says how.
#include <archive.h>
#include <fcntl.h>
#include <unistd.h>

#include <clocale>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/parse.h"
#include "base/sys.h"
#include "image/unpack/bounded_input.h"
#include "image/unpack/confinement.h"
#include "image/unpack/extract.h"
#include "image/unpack/pack.h"
#include "image/unpack/protocol.h"
#include "image/unpack/tree_remover.h"

namespace {

using msb::ErrorCode;
using msb::Result;
using msb::image::unpack::ExtractReport;
namespace base = msb::base;
namespace unpack = msb::image::unpack;

Result<std::uint64_t> number(const char* text) {
  const auto value = base::parse_number<std::uint64_t>(text);
  if (!value) {
    return msb::fail(ErrorCode::kInvalidArgument, "'" + std::string(text) + "' is not a number");
  }
  return *value;
}

Result<ExtractReport> run_decompress(const char* size_text) {
  unpack::BoundedInput input(STDIN_FILENO, TRY(number(size_text)));
  TRY_WRAP(unpack::confine_to_streams(), "confine the unpacker");
  const std::uint64_t bytes =
      TRY(unpack::decompress([&](archive* handle) { return input.open(handle); }, STDOUT_FILENO));
  return ExtractReport{.entries = 0, .bytes = bytes};
}

Result<unpack::ExtractLimits> limits_of(const char* max_bytes, const char* max_entries) {
  unpack::ExtractLimits limits;
  limits.max_bytes = TRY(number(max_bytes));
  limits.max_entries = TRY(number(max_entries));
  return limits;
}

Result<ExtractReport> run_pack(const char* max_bytes, const char* max_entries) {
  const unpack::ExtractLimits limits = TRY(limits_of(max_bytes, max_entries));
  TRY_WRAP(unpack::confine_to_reading(unpack::kRootFd), "confine the packer");
  return unpack::pack_tar(unpack::kRootFd, STDOUT_FILENO, limits);
}

Result<ExtractReport> run_extract(const char* max_bytes, const char* max_entries) {
  const unpack::ExtractLimits limits = TRY(limits_of(max_bytes, max_entries));
  unpack::BoundedInput input(STDIN_FILENO, UINT64_MAX);
  const unpack::IdMap map =
      TRY_WRAP(unpack::confine_to_folder(unpack::kRootFd), "confine the unpacker");
  const ExtractReport report = TRY(unpack::extract_tar(
      [&](archive* handle) { return input.open(handle); }, unpack::kRootFd, map, limits));
  // What follows a tar's end is part of the layer's digest, and of nothing else.
  TRY(input.skip_rest());
  return report;
}

Result<ExtractReport> run_remove() {
  static_cast<void>(TRY_WRAP(unpack::confine_to_folder(unpack::kRootFd), "confine the unpacker"));
  TRY(unpack::empty_folder(unpack::kRootFd));
  return ExtractReport{};
}

Result<ExtractReport> run(int argc, char** argv) {
  TRY(unpack::die_with_parent());
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "decompress" && argc == 3) {
    return run_decompress(argv[2]);
  }
  if (verb == "extract" && argc == 4) {
    return run_extract(argv[2], argv[3]);
  }
  if (verb == "pack" && argc == 4) {
    return run_pack(argv[2], argv[3]);
  }
  if (verb == "remove" && argc == 2) {
    return run_remove();
  }
  return msb::fail(ErrorCode::kInvalidArgument, "msb-unpack is started by the image store only");
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  ::umask(022);
  // Names in archives are bytes; in the C locale libarchive would refuse those beyond ASCII.
  std::setlocale(LC_CTYPE, "C.UTF-8");  // NOLINT(concurrency-mt-unsafe): one thread
  const Result<ExtractReport> result = run(argc, argv);
  std::string status;
  if (result) {
    status = "ok " + std::to_string(result->entries) + " " + std::to_string(result->bytes) + "\n";
  } else {
    status = "error " + std::to_string(static_cast<unsigned>(result.error().code())) + " " +
             result.error().message().substr(0, unpack::kMaxStatusBytes / 2) + "\n";
  }
  static_cast<void>(base::write_all(unpack::kStatusFd, status));
  // No destructors, no exit handlers: the filter would refuse what some of them try.
  ::_exit(result ? 0 : 1);
}
