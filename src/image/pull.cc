// SPDX-License-Identifier: Apache-2.0
#include "image/pull.h"

#include <fcntl.h>
#include <unistd.h>

#include <memory>

#include "base/sys.h"
#include "image/registry/client.h"

namespace msb::image {
namespace {

namespace sys = base::sys;

Result<ImageDocuments> fetch_documents(RegistryClient& client, const Reference& reference,
                                       const std::stop_token& stop) {
  std::string wanted = reference.wanted();
  for (int depth = 0; depth < kMaxIndexDepth; ++depth) {
    RegistryClient::Document document = TRY(client.manifest(wanted, stop));
    auto parsed = TRY(parse_manifest(document.text, document.media_type));
    if (const auto* manifest = std::get_if<Manifest>(&parsed)) {
      std::string config = TRY(client.blob(manifest->config, kMaxConfigBytes, stop));
      return ImageDocuments::parse(std::move(document.text), document.media_type,
                                   std::move(config));
    }
    const Descriptor chosen = TRY(select_platform(std::get<Index>(parsed)));
    wanted = chosen.digest.str();
  }
  return fail(ErrorCode::kCorrupt, "indexes nested too deep");
}

// The packed layer in a file that has no name any more: it is gone with its descriptor.
Result<BlobSlice> download_layer(RegistryClient& client, const Descriptor& layer,
                                 const std::string& draft, ProgressReporter& progress,
                                 std::stop_token stop) {
  BlobSlice slice;
  slice.file = TRY(sys::open(draft, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  slice.size_bytes = layer.size_bytes;
  const auto on_bytes = [&](std::uint64_t done_bytes) {
    progress.report(Progress::Stage::kDownload, layer.digest.str(), done_bytes, layer.size_bytes);
  };
  TRY(client.download(layer, slice.file.get(), on_bytes, std::move(stop)));
  ::unlink(draft.c_str());
  return slice;
}

}  // namespace

Result<IncomingImage> open_pull(const Reference& reference, const PullOptions& options,
                                const Home& home, ProgressReporter& progress) {
  progress.report(Progress::Stage::kResolve);
  RegistryClient::Options client_options;
  client_options.http.plain_http =
      options.plain_http ? PlainHttp::kAllowed : PlainHttp::kLoopbackOnly;
  RegistryClient connected = TRY(RegistryClient::connect(reference, client_options, options.stop));
  const auto client = std::make_shared<RegistryClient>(std::move(connected));
  ImageDocuments documents = TRY(fetch_documents(*client, reference, options.stop));
  const std::vector<Descriptor> layers = documents.manifest.layers;
  const std::vector<Digest> diff_ids = documents.config.diff_ids;
  return IncomingImage{
      reference.str(), std::move(documents),
      [client, layers, diff_ids, home, &progress](std::size_t layer, std::stop_token stop) {
        const std::string draft = home.blob_draft(diff_ids[layer], layers[layer].digest);
        return download_layer(*client, layers[layer], draft, progress, std::move(stop));
      }};
}

}  // namespace msb::image
