// SPDX-License-Identifier: Apache-2.0
//
// Under the exclusive index lock, what is needed cannot change: names need it to change, leases
// need it to be taken. So what is not needed is looked up and renamed to tmp/trash-... under the
// lock, which is quick, and deleted after it. A trash folder that a crash leaves is found by the
// next sweep.
//
// Drafts in tmp/ belong to whoever holds the lock of their layer; a lock that can be taken has no
// holder.
#include "image/sweep.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/parse.h"
#include "base/sys.h"

namespace msb::image {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTrash = "trash-";
constexpr std::string_view kBlobDraft = "blob-";
constexpr std::string_view kLayerDraft = "layer-";

struct Needed {
  std::set<Digest> blobs;
  std::set<Digest> layers;
};

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    names.push_back(at->path().filename());
  }
  return names;
}

// "layer-<hex>" to its digest; nothing for other names.
std::optional<Digest> digest_after(std::string_view prefix, std::string_view name) {
  if (!name.starts_with(prefix)) {
    return std::nullopt;
  }
  name.remove_prefix(prefix.size());
  auto digest = Digest::parse("sha256:" + std::string(name.substr(0, name.find('.'))));
  return digest ? std::optional(std::move(*digest)) : std::nullopt;
}

void add(const ImageDocuments& documents, Needed& needed) {
  needed.blobs.insert(documents.manifest_digest);
  needed.blobs.insert(documents.manifest.config.digest);
  needed.layers.insert(documents.config.diff_ids.begin(), documents.config.diff_ids.end());
}

Result<Needed> find_needed(const Home& home, const Catalog& catalog) {
  Needed needed;
  const std::vector<NamedImage> images = TRY(catalog.read());
  for (const NamedImage& image : images) {
    add(TRY_WRAP(catalog.documents(image), "image '" + image.reference + "'"), needed);
  }
  for (const std::string& name : names_in(home.locks())) {
    const auto manifest = digest_after("image-", name);
    if (!manifest || needed.blobs.contains(*manifest)) {
      continue;
    }
    if (!TRY(is_leased(home, *manifest))) {
      ::unlink(home.image_lock(*manifest).c_str());
      continue;
    }
    const auto documents = catalog.documents({"", *manifest, 0, ""});
    if (documents) {
      add(*documents, needed);
    }
  }
  return needed;
}

std::uint64_t remove_blobs(const Home& home, const Needed& needed) {
  std::uint64_t freed_bytes = 0;
  for (const std::string& name : names_in(home.blobs())) {
    const auto digest = digest_after("", name);
    if (digest && needed.blobs.contains(*digest)) {
      continue;
    }
    const std::string path = home.blobs() + "/" + name;
    struct stat status{};
    if (::lstat(path.c_str(), &status) == 0 && ::unlink(path.c_str()) == 0) {
      freed_bytes += static_cast<std::uint64_t>(status.st_size);
    }
  }
  return freed_bytes;
}

// "trash-<pid>-<number>": whether that process is there.
bool is_being_removed(const std::string& trash) {
  const std::string_view rest = std::string_view(trash).substr(kTrash.size());
  const auto pid = base::parse_number<pid_t>(rest.substr(0, rest.find('-')));
  return pid && (::kill(*pid, 0) == 0 || errno == EPERM);
}

std::string trash_name(const Home& home) {
  static std::atomic<unsigned> counter = 0;
  return home.tmp() + "/trash-" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
}

Result<std::uint64_t> discard_layers(const Home& home, const LayerStore& layers,
                                     const Needed& needed) {
  std::uint64_t freed_bytes = 0;
  for (const std::string& name : names_in(home.layers())) {
    const auto diff_id = digest_after("", name);
    if (!diff_id || needed.layers.contains(*diff_id)) {
      continue;
    }
    const auto layer = TRY(layers.find(*diff_id));
    TRY(layers.discard(*diff_id, trash_name(home)));
    freed_bytes += layer ? layer->bytes : 0;
  }
  return freed_bytes;
}

std::optional<Digest> layer_of_draft(const std::string& name) {
  return digest_after(name.starts_with(kBlobDraft) ? kBlobDraft : kLayerDraft, name);
}

void remove_drafts(const Home& home, const LayerStore& layers) {
  for (const std::string& name : names_in(home.tmp())) {
    const std::string path = home.tmp() + "/" + name;
    if (name.starts_with(kTrash)) {
      static_cast<void>(layers.remove_folder(path));  // another program may be at it
      continue;
    }
    const bool is_blob = name.starts_with(kBlobDraft);
    const auto diff_id = layer_of_draft(name);
    if (!diff_id) {
      continue;
    }
    const auto lock = FileLock::try_acquire(home.layer_lock(*diff_id), FileLock::Mode::kExclusive);
    if (!lock || !*lock) {
      continue;
    }
    if (is_blob) {
      ::unlink(path.c_str());
    } else {
      static_cast<void>(layers.remove_folder(path));
    }
  }
}

// Locks that nobody holds say nothing.
void remove_idle_locks(const Home& home) {
  for (const std::string& name : names_in(home.locks())) {
    if (!name.starts_with("layer-") && !name.starts_with("pull-")) {
      continue;
    }
    const std::string path = home.locks() + "/" + name;
    const auto lock = FileLock::try_acquire(path, FileLock::Mode::kExclusive);
    if (lock && *lock) {
      ::unlink(path.c_str());
    }
  }
}

}  // namespace

std::vector<std::string> abandoned_drafts(const Home& home) {
  std::vector<std::string> drafts;
  for (const std::string& name : names_in(home.tmp())) {
    const auto diff_id = digest_after(kLayerDraft, name);
    const bool is_trash = name.starts_with(kTrash);
    if (is_trash ? !is_being_removed(name)
                 : diff_id && !FileLock::is_held(home.layer_lock(*diff_id))) {
      drafts.push_back(home.tmp() + "/" + name);
    }
  }
  return drafts;
}

Result<bool> is_leased(const Home& home, const Digest& manifest) {
  const auto lock =
      TRY(FileLock::try_acquire(home.image_lock(manifest), FileLock::Mode::kExclusive));
  return !lock.has_value();
}

Result<std::uint64_t> sweep(const Home& home, const Catalog& catalog, const LayerStore& layers) {
  std::uint64_t freed_bytes = 0;
  {
    const FileLock index = TRY(catalog.lock(FileLock::Mode::kExclusive));
    const Needed needed = TRY(find_needed(home, catalog));
    freed_bytes += remove_blobs(home, needed);
    freed_bytes += TRY(discard_layers(home, layers, needed));
  }
  remove_drafts(home, layers);
  remove_idle_locks(home);
  return freed_bytes;
}

}  // namespace msb::image
