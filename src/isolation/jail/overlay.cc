// SPDX-License-Identifier: Apache-2.0
//
// Options, and why:
//   userxattr      opaque folders are marked `user.overlay.opaque`, which the unprivileged unpacker
//                  can write; it also rules out redirects and metadata-only copies
//   xino=off       inode numbers are the layers' own: no surprises with 100 layers on one device
//   index=off      hard links are broken on copy-up, as in every container; an index would tie the
//                  upper folder to its layers' file handles
#include "isolation/jail/overlay.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/sys.h"
#include "isolation/jail/mounts.h"

namespace msb::isolation::jail {
namespace {

namespace sys = base::sys;

constexpr const char* kWritableName = "w";

Result<> attach_staged(int mount_fd, int staging_fd, const std::string& name) {
  TRY(sys::mkdirat(staging_fd, name, 0700));
  return attach(mount_fd, staging_fd, name);
}

// From Linux 6.8: one option per layer, topmost first.
Result<> set_layers(FileSystemContext& context, std::size_t count) {
  for (std::size_t i = count; i-- > 0;) {
    TRY(context.set("lowerdir+", std::to_string(i)));
  }
  return {};
}

Result<base::UniqueFd> mount_by_context(std::size_t layer_count) {
  FileSystemContext context = TRY(FileSystemContext::create("overlay"));
  TRY(set_layers(context, layer_count));
  TRY(context.set({{"upperdir", std::string(kWritableName) + "/upper"},
                   {"workdir", std::string(kWritableName) + "/work"},
                   {"xino", "off"},
                   {"index", "off"}}));
  TRY(context.flag("userxattr"));
  return context.mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_RELATIME);
}

// Before: all of them in the one page of mount(2).
Result<base::UniqueFd> mount_by_text(int staging_fd, std::size_t layer_count) {
  std::string options = "userxattr,xino=off,index=off,upperdir=w/upper,workdir=w/work,lowerdir=";
  for (std::size_t i = layer_count; i-- > 0;) {
    options += std::to_string(i) + (i > 0 ? ":" : "");
  }
  TRY(sys::mkdirat(staging_fd, "root", 0700));
  if (::mount("overlay", "root", "overlay", MS_NOSUID | MS_NODEV | MS_RELATIME, options.c_str()) <
      0) {
    return std::unexpected(sys::error("mount(overlay)"));
  }
  return sys::openat(staging_fd, "root", O_PATH | O_DIRECTORY);
}

// A kernel whose overlay does not know the new mount calls itself takes any option at first, and
// refuses at the end: so it is asked for one that there is not, too.
Result<bool> takes_layers_one_by_one() {
  FileSystemContext probe = TRY(FileSystemContext::create("overlay"));
  return probe.set("lowerdir+", "0").has_value() && !probe.set("lowerdir-", "0").has_value();
}

}  // namespace

Result<base::UniqueFd> mount_overlay(int staging_fd, const std::vector<base::UniqueFd>& layers,
                                     const base::UniqueFd& writable) {
  for (std::size_t i = 0; i < layers.size(); ++i) {
    TRY(attach_staged(layers[i].get(), staging_fd, std::to_string(i)));
  }
  TRY(attach_staged(writable.get(), staging_fd, kWritableName));
  if (!TRY(takes_layers_one_by_one())) {
    return mount_by_text(staging_fd, layers.size());
  }
  base::UniqueFd root = TRY(mount_by_context(layers.size()));
  TRY(attach_staged(root.get(), staging_fd, "root"));
  return root;
}

}  // namespace msb::isolation::jail
