// SPDX-License-Identifier: Apache-2.0
//
// Names of images, by the grammar and the defaults of docker:
//
//   [registry[:port]/]repository[:tag][@sha256:...]
//
//   alpine                       docker.io/library/alpine:latest
//   microsandbox/python          docker.io/microsandbox/python:latest
//   localhost:5000/a/b:1         itself
//   ghcr.io/org/name@sha256:...  itself; no tag is assumed beside a digest
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/try.h"
#include "image/digest.h"

namespace msb::image {

struct Reference {
  std::string registry;          // host[:port], lower case; "docker.io" by default
  std::string repository;        // "library/alpine"
  std::string tag;               // empty only beside a digest
  std::optional<Digest> digest;  // decides what is pulled, when given

  // kInvalidArgument; the text quotes the reference and names the rule it breaks.
  static Result<Reference> parse(std::string_view text);
  // The full form; parse(str()) gives the same.
  std::string str() const;
  // registry/repository, without tag and digest.
  std::string name() const { return registry + "/" + repository; }
  // What a registry is asked for: the digest if there is one, else the tag.
  const std::string& wanted() const { return digest ? digest->str() : tag; }
};

}  // namespace msb::image
