// SPDX-License-Identifier: Apache-2.0
#include "image/store.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "base/sys.h"
#include "image/catalog.h"
#include "image/commit.h"
#include "image/home.h"
#include "image/import.h"
#include "image/install.h"
#include "image/json.h"
#include "image/layer_store.h"
#include "image/printable.h"
#include "image/progress.h"
#include "image/pull.h"
#include "image/reference.h"
#include "image/sweep.h"

namespace msb::image {
namespace {

// "sha256:..." alone names a manifest; anything else is a reference.
struct Wanted {
  static Result<Wanted> parse(const std::string& text) {
    if (text.starts_with("sha256:")) {
      if (auto digest = Digest::parse(text)) {
        return Wanted{std::move(*digest), {}};
      }
    }
    Reference reference = TRY(Reference::parse(text));
    return Wanted{{}, std::move(reference)};
  }

  // A digest finds an image by any of its names; it may also be that of the index the image was
  // chosen from, and then it is part of the name.
  bool matches(const NamedImage& image) const {
    if (digest) {
      return image.manifest == *digest;
    }
    if (!reference) {
      return false;
    }
    if (image.reference == reference->str()) {
      return true;
    }
    const auto own = Reference::parse(image.reference);
    return reference->digest && own && own->name() == reference->name() &&
           image.manifest == *reference->digest;
  }

  std::optional<Digest> digest;
  std::optional<Reference> reference;
};

Result<Reference> name_to_give(const std::string& name) {
  Reference reference = TRY(Reference::parse(name));
  if (reference.digest) {
    return fail(ErrorCode::kInvalidArgument, "a name with a digest cannot be chosen; leave it out");
  }
  return reference;
}

class LocalStore : public Store {
 public:
  explicit LocalStore(const Options& options)
      : home_(options.home),
        unpacker_(options.unpack_path),
        catalog_(home_),
        layers_(home_, unpacker_) {}

  Result<> prepare() const { return home_.prepare(); }

  Result<std::optional<Image>> find(const std::string& reference) override {
    const Wanted wanted = TRY(Wanted::parse(reference));
    const FileLock index = TRY(catalog_.lock(FileLock::Mode::kShared));
    const std::optional<NamedImage> named = TRY(look_up(wanted));
    if (!named) {
      return std::nullopt;
    }
    const ImageDocuments documents =
        TRY_WRAP(catalog_.documents(*named), "image '" + named->reference + "'");
    Lease lease = TRY(catalog_.lease(named->manifest));
    return assemble(named->reference, documents, layers_, std::move(lease));
  }

  Result<Image> pull(const std::string& reference, const PullOptions& options) override {
    return TRY_WRAP(cleaned_up(pull_image(reference, options)),
                    "pull '" + printable(reference) + "'");
  }

  Result<Image> find_or_pull(const std::string& reference, const PullOptions& options) override {
    if (auto image = TRY(find(reference))) {
      return std::move(*image);
    }
    return pull(reference, options);
  }

  Result<std::vector<Image>> import(const std::string& path,
                                    const ImportOptions& options) override {
    return TRY_WRAP(cleaned_up(import_path(path, options)), "import '" + printable(path) + "'");
  }

  Result<Image> commit(const std::string& base, int layer, const std::string& name,
                       std::stop_token stop) override {
    return TRY_WRAP(cleaned_up(commit_layer(base, layer, name, std::move(stop))),
                    "store '" + printable(name) + "'");
  }

  Result<Image> tag(const std::string& digest, const std::string& name) override {
    const Reference reference = TRY(name_to_give(name));
    Digest manifest = TRY(Digest::parse(digest));
    const ImageDocuments documents = TRY(
        catalog_.documents({.reference = {}, .manifest = std::move(manifest), .media_type = {}}));
    TRY(catalog_.set_name(reference.str(), documents));
    if (auto image = TRY(find(reference.str()))) {
      return *std::move(image);
    }
    return not_found(name);
  }

  Result<std::vector<Image>> list() override {
    const FileLock index = TRY(catalog_.lock(FileLock::Mode::kShared));
    const std::vector<NamedImage> named = TRY(catalog_.read());
    std::vector<Image> images;
    for (const NamedImage& each : named) {
      const auto documents = catalog_.documents(each);
      auto image = documents ? assemble(each.reference, *documents, layers_, nullptr)
                             : std::unexpected(documents.error());
      if (!image) {  // A damaged image is listed, so that it can be removed.
        image = Image{};
        image->reference = each.reference;
        image->digest = each.manifest.str();
      }
      images.push_back(std::move(*image));
    }
    return images;
  }

  Result<std::string> inspect(const std::string& reference) override {
    const Wanted wanted = TRY(Wanted::parse(reference));
    const FileLock index = TRY(catalog_.lock(FileLock::Mode::kShared));
    const std::optional<NamedImage> named = TRY(look_up(wanted));
    if (!named) {
      return not_found(reference);
    }
    const ImageDocuments documents = TRY(catalog_.documents(*named));
    const Image image = TRY(assemble(named->reference, documents, layers_, nullptr));
    json::Value document;
    document["reference"] = image.reference;
    document["digest"] = image.digest;
    document["size_bytes"] = image.size_bytes;
    document["layer_paths"] = image.layer_paths;
    document["manifest"] = TRY(json::parse(documents.manifest_text, "manifest"));
    document["config"] = TRY(json::parse(documents.config_text, "image config"));
    return document.dump(2);
  }

  Result<> remove(const std::string& reference) override {
    const Wanted wanted = TRY(Wanted::parse(reference));
    TRY(forget(wanted, reference));
    static_cast<void>(TRY(sweep(home_, catalog_, layers_)));
    return {};
  }

  Result<std::uint64_t> prune() override { return sweep(home_, catalog_, layers_); }

 private:
  // Of an image that was refused nothing stays: neither its layers that were well, nor what came of
  // the others. What broke off is kept for another try, and a name that does not exist has brought
  // nothing.
  template <typename T>
  Result<T> cleaned_up(Result<T> result) const {
    if (!result) {
      const ErrorCode cause = result.error().cause();
      if (cause != ErrorCode::kUnavailable && cause != ErrorCode::kTimeout &&
          cause != ErrorCode::kCancelled && cause != ErrorCode::kInvalidArgument &&
          cause != ErrorCode::kNotFound) {
        static_cast<void>(sweep(home_, catalog_, layers_));
      }
    }
    return result;
  }

  static std::unexpected<Error> not_found(const std::string& reference) {
    return fail(ErrorCode::kNotFound, "there is no image '" + printable(reference) + "' here");
  }

  // Needs the index lock.
  Result<std::optional<NamedImage>> look_up(const Wanted& wanted) const {
    const std::vector<NamedImage> images = TRY(catalog_.read());
    const auto found = std::ranges::find_if(
        images, [&](const NamedImage& image) { return wanted.matches(image); });
    return found == images.end() ? std::nullopt : std::optional(*found);
  }

  Result<Image> pull_image(const std::string& text, const PullOptions& options) const {
    const Reference reference = TRY(Reference::parse(text));
    ProgressReporter progress(options.on_progress);
    // One pull of a name at a time; who has waited finds the layers there.
    const FileLock pulling = TRY(FileLock::acquire(home_.pull_lock(reference.str()),
                                                   FileLock::Mode::kExclusive, options.stop));
    const IncomingImage incoming = TRY(open_pull(reference, options, home_, progress));
    return install(catalog_, layers_, incoming, progress, options.stop);
  }

  Result<std::vector<Image>> import_path(const std::string& path,
                                         const ImportOptions& options) const {
    ProgressReporter progress(options.on_progress);
    const std::vector<IncomingImage> incoming = TRY(open_import(path, options, home_, unpacker_));
    std::vector<Image> images;
    images.reserve(incoming.size());
    for (const IncomingImage& each : incoming) {
      images.push_back(TRY(install(catalog_, layers_, each, progress, options.stop)));
    }
    return images;
  }

  // The layer goes the way of those from anywhere else, so that there is one place where what a
  // guest has made becomes files of the store.
  Result<Image> commit_layer(const std::string& base, int layer, const std::string& name,
                             std::stop_token stop) const {
    const Reference reference = TRY(name_to_give(name));
    Digest manifest = TRY(Digest::parse(base));
    const ImageDocuments below = TRY(
        catalog_.documents({.reference = {}, .manifest = std::move(manifest), .media_type = {}}));
    const base::UniqueFd tar = TRY(base::sys::open(home_.tmp(), O_TMPFILE | O_RDWR, 0600));
    const Packed packed = TRY(unpacker_.pack(layer, tar.get(), stop));
    ImageDocuments documents = TRY(with_layer(below, packed.diff_id, packed.size_bytes));
    const IncomingImage incoming{
        reference.str(), std::move(documents),
        [&tar, &packed](std::size_t, const std::stop_token&) -> Result<BlobSlice> {
          BlobSlice slice;
          slice.file = TRY(reopen(tar.get()));
          slice.size_bytes = packed.size_bytes;
          return slice;
        }};
    ProgressReporter progress(nullptr);
    return install(catalog_, layers_, incoming, progress, std::move(stop));
  }

  Result<> forget(const Wanted& wanted, const std::string& text) const {
    const FileLock index = TRY(catalog_.lock(FileLock::Mode::kExclusive));
    const std::optional<NamedImage> named = TRY(look_up(wanted));
    if (!named) {
      return not_found(text);
    }
    if (TRY(is_leased(home_, named->manifest))) {
      return fail(ErrorCode::kConflict, "image '" + named->reference + "' is in use");
    }
    std::vector<NamedImage> images = TRY(catalog_.read());
    std::erase_if(images,
                  [&](const NamedImage& image) { return image.reference == named->reference; });
    return catalog_.write(images);
  }

  Home home_;
  Unpacker unpacker_;
  Catalog catalog_;
  LayerStore layers_;
};

}  // namespace

Result<> Store::check_new_name(const std::string& name) {
  TRY(name_to_give(name));
  return {};
}

Result<std::shared_ptr<Store>> Store::open(const Options& options) {
  hash_until_the_end();
  auto store = std::make_shared<LocalStore>(options);
  TRY_WRAP(store->prepare(), "open the image store");
  return store;
}

}  // namespace msb::image
