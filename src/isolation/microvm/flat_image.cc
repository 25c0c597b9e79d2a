// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/flat_image.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "base/file.h"
#include "base/sys.h"
#include "isolation/jail/identity.h"
#include "isolation/jail/layers.h"
#include "isolation/jail/mounts.h"
#include "isolation/last_line.h"

namespace msb::isolation::microvm {
namespace {

namespace sys = base::sys;

// mkfs.erofs asks for the whole path of its source, and the home is nobody's to look into.
constexpr const char* kStagingPath = "/tmp";

// The layers as one tree, for the calling process alone.
Result<> mount_layers(const jail::Plan& plan) {
  auto layers = TRY(jail::clone_layers(plan.home, plan.layers, plan.layer_map));
  if (::unshare(CLONE_NEWNS) < 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) {
    return std::unexpected(sys::error("unshare(mount)"));
  }
  const base::UniqueFd staging =
      TRY(jail::make_file_system("tmpfs", {{"mode", "755"}, {"size", "1m"}}, MOUNT_ATTR_NOSUID));
  const base::UniqueFd target = TRY(jail::open_path(AT_FDCWD, kStagingPath));
  TRY(jail::attach(staging.get(), target.get()));
  if (::fchdir(staging.get()) < 0) {
    return std::unexpected(sys::error("fchdir"));
  }
  TRY(sys::mkdirat(staging.get(), "root", 0755));
  if (layers.size() == 1) {
    return jail::attach(layers.front().get(), staging.get(), "root");
  }
  std::string options = "ro,userxattr,xino=off,lowerdir=";
  for (std::size_t i = layers.size(); i-- > 0;) {
    const std::string name = std::to_string(i);
    TRY(sys::mkdirat(staging.get(), name, 0755));
    TRY(jail::attach(layers[i].get(), staging.get(), name));
    options += name + (i > 0 ? ":" : "");
  }
  if (::mount("overlay", "root", "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV, options.c_str()) <
      0) {
    return std::unexpected(sys::error("mount(overlay)"));
  }
  return {};
}

// It reads what an image has made up: with the sandbox's identity, not the host's.
Result<> execute_maker(const jail::Plan& plan, int file) {
  TRY(mount_layers(plan));
  TRY(jail::become_sandbox_root(plan.user_namespace));
  TRY(sys::keep_on_exec(file));
  const std::string output = "/proc/self/fd/" + std::to_string(file);
  const std::array<const char*, 5> argv = {"mkfs.erofs", "--quiet", output.c_str(), "root",
                                           nullptr};
  const std::array<const char*, 1> env = {nullptr};
  // SAFETY: execve writes to neither.
  ::execve(kImageMakerPath, const_cast<char* const*>(argv.data()),
           const_cast<char* const*>(env.data()));
  return std::unexpected(sys::error("execve", kImageMakerPath));
}

Result<> run_maker(const jail::Plan& plan, int file) {
  constexpr std::size_t kMaxComplaintBytes = 64 * 1024;
  sys::Pipe complaint = TRY(sys::pipe());
  const pid_t child = ::fork();
  if (child < 0) {
    return std::unexpected(sys::no_more_processes(errno, "fork"));
  }
  if (child == 0) {
    ::dup2(complaint.write_end.get(), STDERR_FILENO);
    const auto failed = execute_maker(plan, file);
    [[maybe_unused]] const auto told = base::write_all(STDERR_FILENO, failed.error().message());
    ::_exit(1);
  }
  complaint.write_end.reset();
  const auto text = base::read_all(complaint.read_end.get(), kMaxComplaintBytes);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status == 0 ? Result<>()
                     : fail(ErrorCode::kIo, "mkfs.erofs: " + last_line(text.value_or("")));
}

Result<> make_folder(int home, const char* path) {
  auto made = sys::mkdirat(home, path, 0700);
  return made || made.error().is(ErrorCode::kAlreadyExists) ? Result<>() : made;
}

// Locked for as long as somebody writes it; what a crash has left is written over.
Result<> make(const jail::Plan& plan, int folder, const std::string& name) {
  if (::access(kImageMakerPath, X_OK) != 0) {
    return fail(ErrorCode::kUnsupported,
                "mkfs.erofs is not installed: the microvm tier needs erofs-utils");
  }
  const std::string draft = name + ".draft";
  const base::UniqueFd file = TRY(sys::openat(folder, draft, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  if (::flock(file.get(), LOCK_EX) < 0) {
    return std::unexpected(sys::error("flock", draft));
  }
  if (::faccessat(folder, name.c_str(), F_OK, 0) == 0) {
    return {};  // whoever had the lock has made it
  }
  TRY(sys::ftruncate(file.get(), 0));
  TRY(sys::fchown(file.get(), plan.range.base, plan.range.base));
  TRY(run_maker(plan, file.get()));
  TRY(sys::fchown(file.get(), ::geteuid(), ::getegid()));
  TRY(sys::fchmod(file.get(), 0444));
  TRY(sys::fsync(file.get()));
  if (::renameat(folder, draft.c_str(), folder, name.c_str()) < 0) {
    return std::unexpected(sys::error("rename", name));
  }
  return {};
}

}  // namespace

Result<base::UniqueFd> open_flat_image(const jail::Plan& plan, const std::string& image_digest) {
  TRY(make_folder(plan.home, "machines"));
  TRY(make_folder(plan.home, kImagesFolder));
  const base::UniqueFd folder =
      TRY(sys::open_beneath(plan.home, kImagesFolder, O_RDONLY | O_DIRECTORY));
  const std::string name = image_digest + ".erofs";
  auto image = sys::openat(folder.get(), name, O_RDONLY | O_NOFOLLOW);
  if (!image && image.error().is(ErrorCode::kNotFound)) {
    TRY_WRAP(make(plan, folder.get(), name), "flatten the image");
    image = sys::openat(folder.get(), name, O_RDONLY | O_NOFOLLOW);
  }
  return image;
}

}  // namespace msb::isolation::microvm
