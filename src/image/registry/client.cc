// SPDX-License-Identifier: Apache-2.0
#include "image/registry/client.h"

#include "base/bytes.h"
#include "image/registry/download.h"

namespace msb::image {
namespace {

const std::vector<std::string>& manifest_types() {
  static const std::vector<std::string> kTypes = {
      std::string(media_type::kOciIndex), std::string(media_type::kDockerList),
      std::string(media_type::kOciManifest), std::string(media_type::kDockerManifest)};
  return kTypes;
}

std::unexpected<Error> wrong_digest(const Digest& got, const Digest& wanted) {
  return fail(ErrorCode::kCorrupt, "the registry sent " + got.str() + " for " + wanted.str());
}

}  // namespace

Result<RegistryClient> RegistryClient::connect(const Reference& reference, const Options& options,
                                               std::stop_token stop) {
  Session session = TRY(Session::open(reference, HttpClient(options.http), std::move(stop)));
  return RegistryClient(std::move(session), options);
}

Result<RegistryClient::Document> RegistryClient::manifest(const std::string& wanted,
                                                          std::stop_token stop) {
  HttpRequest request;
  request.accept = manifest_types();
  request.stop = std::move(stop);
  HttpResponse response =
      TRY(session_.fetch("manifests/" + wanted, std::move(request), kMaxManifestBytes));
  const Digest digest = Digest::of(response.body);
  // A tag is worth what the registry says it is; a digest decides for itself.
  const std::string said = response.head.header("docker-content-digest");
  const auto promised = Digest::parse(wanted.starts_with("sha256:") ? wanted : said);
  if (promised && *promised != digest) {
    return wrong_digest(digest, *promised);
  }
  std::string type = response.head.header("content-type");
  type.resize(std::min(type.find_first_of("; "), type.size()));
  return Document{std::move(response.body), std::move(type)};
}

Result<std::string> RegistryClient::blob(const Descriptor& descriptor, std::size_t max_bytes,
                                         std::stop_token stop) {
  if (descriptor.size_bytes > max_bytes) {
    return fail(ErrorCode::kCorrupt, "blob " + descriptor.digest.str() + " is longer than " +
                                         std::to_string(max_bytes) + " bytes");
  }
  HttpRequest request;
  request.stop = std::move(stop);
  const HttpResponse response = TRY(session_.fetch("blobs/" + descriptor.digest.str(),
                                                   std::move(request), descriptor.size_bytes));
  if (const Digest digest = Digest::of(response.body); digest != descriptor.digest) {
    return wrong_digest(digest, descriptor.digest);
  }
  return response.body;
}

Result<> RegistryClient::download(const Descriptor& descriptor, int file, const OnBytes& on_bytes,
                                  std::stop_token stop) {
  if (descriptor.size_bytes > kMaxBlobBytes) {
    return fail(ErrorCode::kResourceExhausted,
                "blob " + descriptor.digest.str() + " is larger than 32 GiB");
  }
  Download download(session_, descriptor, file, on_bytes, std::move(stop));
  TRY_WRAP(download.run(options_.max_attempts, options_.first_pause),
           "download " + descriptor.digest.str());
  return {};
}

}  // namespace msb::image
