// SPDX-License-Identifier: Apache-2.0
//
// Authorised requests to one repository of one registry: the scheme (https, or http where it is
// allowed), the token dance, and what a status means in words.
#pragma once

#include <mutex>
#include <string>

#include "base/try.h"
#include "image/reference.h"
#include "image/registry/challenge.h"
#include "image/registry/credentials.h"
#include "image/registry/http.h"

namespace msb::image {

class Session {
 public:
  // Finds out how the registry wants to be spoken to.
  static Result<Session> open(const Reference& reference, HttpClient http, std::stop_token stop);
  Session(Session&& other) noexcept;

  // `path` follows /v2/<repository>/. Authorises when the registry asks for it, once more when what
  // it gave has expired. An answer of 4xx or 5xx is an error: kNotFound, kPermissionDenied (with
  // what to do), kResourceExhausted (429), kUnavailable (5xx).
  Result<HttpResponse> fetch(const std::string& path, HttpRequest request, std::size_t max_bytes);
  // The same; 416 is handed to the receiver.
  Result<> stream(const std::string& path, HttpRequest request, const HttpReceiver& receiver);

 private:
  Session(Reference reference, HttpClient http, std::string base)
      : reference_(std::move(reference)), http_(http), base_(std::move(base)) {}

  std::string url_of(const std::string& path) const;
  std::string authorization();
  // Answers the challenges of a 401. False: what was sent is all there is.
  Result<bool> authorize(const HttpHead& refused, const std::string& used, std::stop_token stop);
  Result<std::string> request_token(const Challenge& challenge, const Credentials& credentials,
                                    std::stop_token stop);
  Error error_of(const HttpHead& head, std::string_view body) const;
  Error login_error() const;

  Reference reference_;
  HttpClient http_;
  std::string base_;           // "https://registry-1.docker.io"
  std::mutex mutex_;           // of what follows
  std::string authorization_;  // empty: none needed so far
  Credentials credentials_;
};

}  // namespace msb::image
