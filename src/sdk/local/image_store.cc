// SPDX-License-Identifier: Apache-2.0
#include "base/locations.h"
#include "base/try.h"
#include "image/store.h"
#include "msb/image.h"
#include "sdk/local/convert.h"

namespace msb {
namespace {

ImageInfo to_public(const image::Image& image) {
  return {.reference = image.reference,
          .digest = image.digest,
          .size_bytes = image.size_bytes,
          .created = image.created};
}

std::vector<ImageInfo> to_public(const std::vector<image::Image>& images) {
  std::vector<ImageInfo> infos;
  infos.reserve(images.size());
  for (const image::Image& image : images) {
    infos.push_back(to_public(image));
  }
  return infos;
}

}  // namespace

class ImageStore::Impl {
 public:
  explicit Impl(std::shared_ptr<image::Store> image_store) : store(std::move(image_store)) {}
  const std::shared_ptr<image::Store> store;
};

ImageStore::ImageStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ImageStore::ImageStore(ImageStore&&) noexcept = default;
ImageStore& ImageStore::operator=(ImageStore&&) noexcept = default;
ImageStore::~ImageStore() = default;

Result<ImageStore> ImageStore::open(const std::string& home, const std::string& libexec_dir) {
  image::Store::Options options;
  options.home = TRY(base::home_folder(home));
  options.unpack_path = TRY(base::find_program("msb-unpack", libexec_dir));
  auto store = TRY(image::Store::open(options));
  return ImageStore(std::make_unique<Impl>(std::move(store)));
}

Result<ImageInfo> ImageStore::pull(const std::string& reference, const ImagePullOptions& options) {
  image::PullOptions pull;
  pull.plain_http = options.plain_http;
  pull.on_progress = sdk::to_engine(options.on_progress);
  pull.stop = options.stop;
  return to_public(TRY(impl_->store->pull(reference, pull)));
}

Result<std::vector<ImageInfo>> ImageStore::import(const std::string& path, const std::string& name,
                                                  const ImagePullOptions& options) {
  image::ImportOptions import;
  import.name = name;
  import.on_progress = sdk::to_engine(options.on_progress);
  import.stop = options.stop;
  return to_public(TRY(impl_->store->import(path, import)));
}

Result<std::vector<ImageInfo>> ImageStore::list() {
  return to_public(TRY(impl_->store->list()));
}

Result<std::string> ImageStore::inspect(const std::string& reference) {
  return impl_->store->inspect(reference);
}

Result<> ImageStore::remove(const std::string& reference) {
  return impl_->store->remove(reference);
}

Result<std::uint64_t> ImageStore::prune() {
  return impl_->store->prune();
}

}  // namespace msb
