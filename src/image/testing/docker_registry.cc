// SPDX-License-Identifier: Apache-2.0
#include "image/testing/docker_registry.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "base/check.h"
#include "image/manifest.h"
#include "image/registry/url.h"

namespace msb::image::testing {
namespace {

constexpr const char* kProgram = "/usr/bin/docker-registry";
// bcrypt of kPassword: the only kind this registry accepts.
constexpr const char* kPasswordHash =
    "$2y$04$FnQNad41LT.2SlRx4PQAIepDLNoh1UTK1gC2Y9XpShuRA4DMDUtRC";
constexpr std::chrono::seconds kStartDeadline{20};

std::uint16_t free_port() {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  // SAFETY: the socket API takes every family's address as a sockaddr.
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  MSB_CHECK(::bind(socket.get(), generic, size) == 0);
  MSB_CHECK(::getsockname(socket.get(), generic, &size) == 0);
  return ntohs(address.sin_port);
}

struct Answer {
  long status = 0;
  std::string location;
};

Answer request(const std::string& method, const std::string& url, const std::string& body,
               const std::string& type, DockerRegistry::Access access) {
  CURL* const easy = ::curl_easy_init();
  const std::string header = "Content-Type: " + type;
  curl_slist* const headers = ::curl_slist_append(nullptr, header.c_str());
  const std::string credentials =
      std::string(DockerRegistry::kUser) + ":" + DockerRegistry::kPassword;
  const auto discard = +[](char*, std::size_t, std::size_t size, void*) { return size; };
  Answer answer;
  ::curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  ::curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
  ::curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  ::curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
  ::curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  ::curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data());
  ::curl_easy_setopt(easy, CURLOPT_TIMEOUT, 30L);
  if (access == DockerRegistry::Access::kLogin) {
    ::curl_easy_setopt(easy, CURLOPT_USERPWD, credentials.c_str());
  }
  if (::curl_easy_perform(easy) == CURLE_OK) {
    ::curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_header* location = nullptr;
    if (::curl_easy_header(easy, "Location", 0, CURLH_HEADER, -1, &location) == CURLHE_OK) {
      answer.location = location->value;
    }
  }
  ::curl_slist_free_all(headers);
  ::curl_easy_cleanup(easy);
  return answer;
}

}  // namespace

std::optional<DockerRegistry> DockerRegistry::start(Access access) {
  if (::access(kProgram, X_OK) != 0) {
    return std::nullopt;
  }
  base::TempDir folder = base::TempDir::create().value();
  const std::string host = "127.0.0.1:" + std::to_string(free_port());
  const std::string config = folder.path() + "/config.yml";
  std::ofstream file(config);
  file << "version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: "
       << folder.path() << "/storage}}\nhttp: {addr: '" << host << "'}\n";
  if (access == Access::kLogin) {
    const std::string passwords = folder.path() + "/htpasswd";
    std::ofstream(passwords) << kUser << ":" << kPasswordHash << "\n";
    file << "auth: {htpasswd: {realm: test, path: " << passwords << "}}\n";
  }
  file.close();
  base::ChildSpec spec;
  spec.path = kProgram;
  spec.argv = {"docker-registry", "serve", config};
  auto process = base::ChildProcess::spawn(spec);
  MSB_CHECK(process);
  DockerRegistry registry(std::move(folder), host, std::move(*process), access);
  const auto deadline = std::chrono::steady_clock::now() + kStartDeadline;
  while (request("GET", "http://" + host + "/v2/", "", "text/plain", access).status != 200) {
    MSB_CHECK(std::chrono::steady_clock::now() < deadline);
    MSB_CHECK(!*registry.process_.wait(std::chrono::milliseconds(20)));
  }
  return registry;
}

bool DockerRegistry::push_manifest(const std::string& text, const std::string& type,
                                   const std::string& repository, const std::string& tag) const {
  const std::string base = "http://" + host_ + "/v2/" + repository;
  return request("PUT", base + "/manifests/" + tag, text, type, access_).status == 201;
}

bool DockerRegistry::push(const TestImage& image, const std::string& repository,
                          const std::string& tag) const {
  const std::string base = "http://" + host_ + "/v2/" + repository;
  for (const auto& [digest, content] : image.blobs) {
    const Answer opened = request("POST", base + "/blobs/uploads/", "", "text/plain", access_);
    const std::string to =
        opened.location +
        (opened.location.find('?') == std::string::npos ? "?digest=" : "&digest=") +
        percent_encode(digest);
    if (opened.status != 202 ||
        request("PUT", to, content, "application/octet-stream", access_).status != 201) {
      return false;
    }
  }
  return push_manifest(image.manifest, std::string(media_type::kOciManifest), repository, tag);
}

}  // namespace msb::image::testing
