// SPDX-License-Identifier: Apache-2.0
//
// A registry whose connections end in the middle: of the manifest, of the config, of the layer. Its
// one image has one layer, of four million zeros, which is an empty tar.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstring>
#include <string>
#include <thread>

#include "base/bytes.h"
#include "base/file.h"
#include "base/sys.h"
#include "phase.h"

namespace msb::soak {
namespace {

constexpr std::size_t kLayerBytes = 4 << 20;
constexpr const char* kLayerDigest =
    "sha256:bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8";
constexpr const char* kConfig =
    R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[)"
    R"("sha256:bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8"]}})";
constexpr const char* kConfigDigest =
    "sha256:7ab33a7ff784ce7b525802eb9ddc61b3d3619823fd520285a0ec732d6a27436e";

std::string manifest() {
  return std::string(R"({"schemaVersion":2,"config":{"mediaType":)") +
         R"("application/vnd.oci.image.config.v1+json","digest":")" + kConfigDigest +
         R"(","size":)" + std::to_string(std::strlen(kConfig)) +
         R"(},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":")" +
         kLayerDigest + R"(","size":)" + std::to_string(kLayerBytes) + "}]}";
}

class Registry {
 public:
  Registry() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    // SAFETY: the socket API takes every family's address as a sockaddr.
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    (void)::bind(listener_.get(), generic, size);
    (void)::listen(listener_.get(), 16);
    (void)::getsockname(listener_.get(), generic, &size);
    host_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::jthread([this] { serve(); });
  }
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;
  ~Registry() { ::shutdown(listener_.get(), SHUT_RDWR); }

  const std::string& host() const { return host_; }
  // The next pull gets so many whole answers, and then only halves; negative: all are whole.
  void cut_after(int whole) { whole_ = whole; }

 private:
  void serve() {
    for (;;) {
      const base::UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!client) {
        return;
      }
      answer(client.get());
    }
  }

  void answer(int client) {
    std::string request;
    std::array<std::byte, 4096> bytes;
    while (request.find("\r\n\r\n") == std::string::npos) {
      const auto size = base::sys::read(client, bytes);
      if (!size || *size == 0) {
        return;
      }
      request += base::text_of(std::span(bytes).first(*size));
    }
    const std::string target = request.substr(0, request.find(" HTTP/"));
    std::string body = "{}";
    std::string type = "application/json";
    if (target.find("/manifests/") != std::string::npos) {
      body = manifest();
      type = "application/vnd.oci.image.manifest.v1+json";
    } else if (target.ends_with(kConfigDigest)) {
      body = kConfig;
    } else if (target.ends_with(kLayerDigest)) {
      body.assign(kLayerBytes, '\0');
    }
    std::string text = "HTTP/1.1 200 OK\r\nContent-Type: " + type +
                       "\r\nContent-Length: " + std::to_string(body.size()) +
                       "\r\nConnection: close\r\n\r\n";
    if (request.starts_with("GET")) {
      const bool cut = body.size() > 2 && whole_ >= 0 && whole_-- == 0;
      whole_ += cut ? 1 : 0;  // and so on: a client that tries again meets it again
      text += body.substr(0, cut ? body.size() / 2 : body.size());
    }
    (void)::send(client, text.data(), text.size(), MSG_NOSIGNAL);
  }

  base::UniqueFd listener_;
  std::string host_;
  std::atomic<int> whole_ = -1;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace

void Soak::cut_registry(const std::vector<int>& after) {
  Phase phase(*this, "registry's connection cut", {"127.0.0.1"});
  {
    Registry registry;
    auto store = ImageStore::open(home_.path());
    const std::string reference = registry.host() + "/soak/image:1";
    for (const int whole : after) {
      registry.cut_after(whole);
      const auto pulled = watchdog_.watch("pull", [&] { return store->pull(reference); });
      if (!pulled) {
        phase.tally.failed("pull", pulled.error());
      }
      phase.audit();
      (void)store->remove(reference);
    }
    if (phase.tally.errors() == 0) {
      phase.tally.unexpected("the cuts were not felt");
    }
    registry.cut_after(-1);
    const auto pulled = watchdog_.watch("pull", [&] { return store->pull(reference); });
    if (!pulled) {
      phase.tally.unexpected("pull, after the cuts: " + pulled.error().message());
    }
    (void)store->remove(reference);
    (void)store->prune();
  }
  phase.end();
}

}  // namespace msb::soak
