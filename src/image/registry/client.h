// SPDX-License-Identifier: Apache-2.0
//
// A repository of a registry: documents, and blobs into files. Everything is checked against the
// digest and the size it was asked by; nothing larger than that is taken.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "base/try.h"
#include "image/manifest.h"
#include "image/reference.h"
#include "image/registry/session.h"

namespace msb::image {

class RegistryClient {
 public:
  struct Options {
    HttpClient::Options http;
    // A download that breaks is taken up where it broke, so many times without a gain of
    // kGainBytes; the pause doubles each time.
    int max_attempts = 6;
    std::chrono::milliseconds first_pause{250};
  };
  static constexpr std::uint64_t kGainBytes = 1u << 20;
  static constexpr std::uint64_t kMaxBlobBytes = 32ull << 30;

  static Result<RegistryClient> connect(const Reference& reference, const Options& options,
                                        std::stop_token stop);

  struct Document {
    std::string text;
    std::string media_type;
  };
  // By tag or digest.
  Result<Document> manifest(const std::string& wanted, std::stop_token stop);
  // A small blob, into memory.
  Result<std::string> blob(const Descriptor& descriptor, std::size_t max_bytes,
                           std::stop_token stop);
  // A large one, into `file`, which may hold its beginning already. Complete and checked, or an
  // error. Several threads may download at once.
  using OnBytes = std::function<void(std::uint64_t done_bytes)>;
  Result<> download(const Descriptor& descriptor, int file, const OnBytes& on_bytes,
                    std::stop_token stop);

 private:
  RegistryClient(Session session, const Options& options)
      : session_(std::move(session)), options_(options) {}

  Session session_;
  Options options_;
};

}  // namespace msb::image
