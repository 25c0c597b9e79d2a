// SPDX-License-Identifier: Apache-2.0
#include "soak_home.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/sys.h"

namespace msb::soak {
namespace {

namespace fs = std::filesystem;
namespace sys = base::sys;

constexpr const char* kSize = "size=512m,mode=700";
constexpr const char* kLayers = "/layers/sha256";
constexpr const char* kFiller = "/filler";
constexpr std::size_t kFillBytes = 1 << 20;

Result<> mount_at(const char* source, const std::string& target, const char* type,
                  unsigned long flags, const char* data) {
  if (::mount(source, target.c_str(), type, flags, data) < 0) {
    return std::unexpected(sys::error("mount", target));
  }
  return {};
}

}  // namespace

Result<SoakHome> SoakHome::create(const std::string& images_home) {
  if (::unshare(CLONE_NEWNS) < 0) {
    return std::unexpected(sys::error("unshare(CLONE_NEWNS)"));
  }
  TRY(mount_at(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr));
  base::TempDir folder = TRY(base::TempDir::create());
  const std::string home = folder.path() + "/home";
  TRY(sys::mkdir(home, 0700));
  TRY(mount_at("tmpfs", home, "tmpfs", 0, kSize));
  // The layers are only read; the rest is copied.
  TRY(base::make_folders(home + kLayers, 0700));
  std::error_code error;
  for (const auto& layer : fs::directory_iterator(images_home + kLayers, error)) {
    const std::string target = home + kLayers + "/" + layer.path().filename().string();
    TRY(sys::mkdir(target, 0700));
    TRY(mount_at(layer.path().c_str(), target, nullptr, MS_BIND, nullptr));
    TRY(mount_at(nullptr, target, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr));
  }
  fs::copy(images_home + "/blobs", home + "/blobs", fs::copy_options::recursive, error);
  for (const char* file : {"/index.json", "/oci-layout"}) {
    if (!error) {
      fs::copy_file(images_home + file, home + file, error);
    }
  }
  if (error) {
    return fail(ErrorCode::kNotFound, "images of " + images_home + ": " + error.message());
  }
  return SoakHome(std::move(folder), home);
}

SoakHome::~SoakHome() {
  // Before the folder is removed with all that is seen in it.
  if (!path_.empty()) {
    ::umount2(path_.c_str(), MNT_DETACH);
  }
}

Result<> SoakHome::fill() const {
  const base::UniqueFd filler = TRY(sys::open(path_ + kFiller, O_WRONLY | O_CREAT, 0600));
  const std::vector<std::byte> block(kFillBytes);
  for (std::size_t size = block.size(); size > 0;) {
    const auto written = sys::write(filler.get(), std::span(block).first(size));
    if (!written) {
      if (!written.error().is(ErrorCode::kDiskFull)) {
        return std::unexpected(written.error());
      }
      size /= 2;
    }
  }
  return {};
}

void SoakHome::drain() const {
  ::unlink((path_ + kFiller).c_str());
}

}  // namespace msb::soak
