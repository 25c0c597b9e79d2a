// SPDX-License-Identifier: Apache-2.0
//
// Hostile registries through the public door, in a network of their own: lo has an address of the
// outside (192.0.2.10, where they listen), that of a cloud's metadata service, and names that
// resolve to each. Whatever a registry says, it does not make us talk to this machine's own
// services, gets nobody else's credentials, and leaves nothing of an image that was refused.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "attacked_store.h"
#include "base/sys.h"
#include "image/registry/credentials.h"
#include "image/testing/http_server.h"

namespace msb::security {
namespace {

using image::testing::Connection;
using image::testing::HttpServer;
using image::testing::ImageRecipe;
using image::testing::Packing;
using image::testing::ServerRequest;
using image::testing::TarBuilder;
using image::testing::TestImage;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kOutside = "192.0.2.10";
constexpr const char* kMetadata = "169.254.169.254";

class OwnNetwork final : public testing::Environment {
 public:
  void SetUp() override {
    if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) {
      problem_ = "a network of its own needs root";
      return;
    }
    const base::TempDir folder = base::TempDir::create().value();
    const std::string hosts = folder.path() + "/hosts";
    std::ofstream(hosts) << "127.0.0.1 localhost rebind.example\n169.254.169.254 meta.example\n"
                            "192.0.2.10 registry.example cdn.example\n";
    const bool is_ready = set_address("lo:1", kOutside) && set_address("lo:2", kMetadata) &&
                          bring_up("lo") &&
                          ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                          ::mount(hosts.c_str(), "/etc/hosts", nullptr, MS_BIND, nullptr) == 0;
    if (!is_ready) {
      problem_ = std::string("the network cannot be set up: ") + std::strerror(errno);
    }
    for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy"}) {
      ::unsetenv(name);
    }
  }

  static const std::string& problem() { return problem_; }

 private:
  static bool ask(unsigned long request, ifreq& interface) {
    const base::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    return ::ioctl(socket.get(), request, &interface) == 0;
  }

  static ifreq named(const char* name) {
    ifreq interface{};
    std::strncpy(interface.ifr_name, name, IFNAMSIZ - 1);
    return interface;
  }

  static bool set_address(const char* name, const char* text) {
    ifreq interface = named(name);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, text, &address.sin_addr);
    std::memcpy(&interface.ifr_addr, &address, sizeof address);
    return ask(SIOCSIFADDR, interface);
  }

  static bool bring_up(const char* name) {
    ifreq interface = named(name);
    interface.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
    return ask(SIOCSIFFLAGS, interface);
  }

  static inline std::string problem_;
};

const auto* const kNetwork = testing::AddGlobalTestEnvironment(new OwnNetwork);

// Answers as a registry that has `image` does; `attack` is asked first, and says whether it did.
using Attack = std::function<bool(const ServerRequest&, const Connection&)>;

HttpServer::Handler registry_of(TestImage image, Attack attack) {
  return [image = std::move(image), attack = std::move(attack)](const ServerRequest& request,
                                                                const Connection& client) {
    const auto tail = request.target.substr(request.target.rfind('/') + 1);
    if (attack && attack(request, client)) {
      return;
    }
    if (request.target == "/v2/") {
      client.answer(200, "{}");
    } else if (request.target.find("/manifests/") != std::string::npos) {
      client.answer(200, image.manifest,
                    "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n");
    } else if (const auto blob = image.blobs.find(tail); blob != image.blobs.end()) {
      client.answer(200, blob->second);
    } else {
      client.answer(404, "");
    }
  };
}

class Registry : public AttackedStore {
 protected:
  void SetUp() override {
    if (!OwnNetwork::problem().empty()) {
      GTEST_SKIP() << OwnNetwork::problem();
    }
    AttackedStore::SetUp();
    ::setenv("DOCKER_CONFIG", folder_.path().c_str(), 1);
  }

  Result<ImageInfo> pull(const HttpServer& registry, std::stop_token stop = {}) {
    ImagePullOptions options;
    options.plain_http = true;
    options.stop = std::move(stop);
    return store_.pull(registry.host() + "/app:v1", options);
  }

  // The reason why the image is not pulled.
  std::string not_pulled(TestImage image, Attack attack = {}) {
    const HttpServer registry(registry_of(std::move(image), std::move(attack)), kOutside);
    return refusal(pull(registry));
  }
};

TestImage good() {
  return image::testing::simple_image("good");
}

bool is_blob(const ServerRequest& request) {
  return request.target.find("/blobs/") != std::string::npos;
}

bool is_manifest(const ServerRequest& request) {
  return request.target.find("/manifests/") != std::string::npos;
}

TEST_F(Registry, AnHonestOneServes) {
  const HttpServer registry(registry_of(good(), {}), kOutside);
  const auto pulled = pull(registry);
  ASSERT_TRUE(pulled) << pulled.error().message();
}

TEST_F(Registry, CannotReachTheServicesOfThisMachine) {
  const auto serve = [](const ServerRequest&, const Connection& client) {
    client.answer(200, R"({"token":"secret of this machine"})");
  };
  const HttpServer own(serve);
  const HttpServer metadata(serve, kMetadata);
  const std::string own_port = ":" + std::to_string(own.port());
  const std::string metadata_port = ":" + std::to_string(metadata.port());
  const std::string whole = "/latest/meta-data";
  for (const std::string& target :
       {"http://127.0.0.1" + own_port, "http://localhost" + own_port, "http://127.1" + own_port,
        "http://0x7f000001" + own_port, "http://[::ffff:127.0.0.1]" + own_port,
        "http://0.0.0.0" + own_port, "http://rebind.example" + own_port,
        "http://169.254.169.254" + metadata_port, "http://meta.example" + metadata_port}) {
    const auto lead_away = [&](const Connection& client) {
      client.answer(307, "", "Location: " + target + whole + "\r\n");
      return true;
    };
    const auto at_manifest = [&](const ServerRequest& request, const Connection& client) {
      return is_manifest(request) && lead_away(client);
    };
    const auto at_blob = [&](const ServerRequest& request, const Connection& client) {
      return is_blob(request) && lead_away(client);
    };
    const auto at_login = [&](const ServerRequest&, const Connection& client) {
      client.answer(401, "", "WWW-Authenticate: Bearer realm=\"" + target + whole + "\"\r\n");
      return true;
    };
    const auto reason = HasSubstr("address of this machine");
    EXPECT_THAT(not_pulled(good(), at_manifest), reason) << target;
    EXPECT_THAT(not_pulled(good(), at_blob), reason) << target;
    EXPECT_THAT(not_pulled(good(), at_login), reason) << target;
  }
  EXPECT_THAT(own.log(), IsEmpty());
  EXPECT_THAT(metadata.log(), IsEmpty());
}

TEST_F(Registry, CannotMakeUsReadFilesOrSpeakOtherProtocols) {
  for (const char* target : {"file:///etc/passwd", "gopher://192.0.2.10:1/x", "dict://192.0.2.10/",
                             "ftp://192.0.2.10/", "scp://192.0.2.10/x", "//", "http://"}) {
    const auto attack = [&](const ServerRequest& request, const Connection& client) {
      if (is_blob(request)) {
        client.answer(302, "", std::string("Location: ") + target + "\r\n");
      }
      return is_blob(request);
    };
    EXPECT_THAT(not_pulled(good(), attack), AnyOf(HasSubstr("URL"), HasSubstr("redirect")))
        << target;
  }
}

TEST_F(Registry, CannotLeadUsInCircles) {
  const auto attack = [](const ServerRequest& request, const Connection& client) {
    if (is_manifest(request)) {
      client.answer(308, "", "Location: " + request.target + "\r\n");
    }
    return is_manifest(request);
  };
  const HttpServer registry(registry_of(good(), attack), kOutside);
  const auto pulled = pull(registry);
  ASSERT_FALSE(pulled);
  EXPECT_THAT(pulled.error().message(), HasSubstr("redirects without end"));
  EXPECT_LT(registry.log().size(), 15u);
}

TEST_F(Registry, CredentialsStayWithTheHostTheyAreFor) {
  std::vector<std::string> seen;
  const TestImage image = good();
  const HttpServer cdn(
      [&](const ServerRequest& request, const Connection& client) {
        for (const char* name : {"authorization", "proxy-authorization", "cookie"}) {
          if (request.headers.contains(name)) {
            seen.push_back(request.headers.at(name));
          }
        }
        client.answer(200, image.blobs.at(request.target.substr(1)));
      },
      kOutside);
  std::size_t logins = 0;
  const auto attack = [&](const ServerRequest& request, const Connection& client) {
    if (!request.headers.contains("authorization")) {
      client.answer(401, "", "WWW-Authenticate: Basic realm=\"r\"\r\n");
      return true;
    }
    ++logins;
    if (is_blob(request)) {
      const std::string digest = request.target.substr(request.target.rfind('/'));
      client.answer(307, "", "Location: http://" + cdn.host() + digest + "\r\nSet-Cookie: a=b\r\n");
    }
    return is_blob(request);
  };
  const HttpServer registry(registry_of(image, attack), kOutside);
  write("config.json", R"({"auths":{")" + registry.host() + R"(":{"auth":")" +
                           image::base64_encode("me:secret") + "\"}}}");
  const auto pulled = pull(registry);
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_GT(logins, 1u);
  EXPECT_THAT(seen, IsEmpty());
  // Another registry is told nothing at all.
  std::vector<std::string> asked;
  const auto listen = [&](const ServerRequest& request, const Connection& client) {
    if (request.headers.contains("authorization")) {
      asked.push_back(request.headers.at("authorization"));
    }
    client.answer(401, "", "WWW-Authenticate: Basic realm=\"r\"\r\n");
    return true;
  };
  const HttpServer other(registry_of(image, listen), kOutside);
  EXPECT_FALSE(pull(other));
  EXPECT_THAT(asked, IsEmpty());
}

TEST_F(Registry, BombsEndEarly) {
  for (const Packing packing : {Packing::kGzip, Packing::kZstd}) {
    const std::string type =
        std::string(image::media_type::kOciLayer) + (packing == Packing::kGzip ? "+gzip" : "+zstd");
    EXPECT_THAT(not_pulled(image_of(bomb(packing), type, kSomeDigest)),
                HasSubstr("a decompression bomb"));
  }
}

TEST_F(Registry, LiesAboutDigests) {
  const auto other_bytes = [](const ServerRequest& request, const Connection& client) {
    if (is_blob(request)) {
      client.answer(200, "{}");
    }
    return is_blob(request);
  };
  EXPECT_THAT(not_pulled(good(), other_bytes), HasSubstr("the registry sent sha256:"));
  const auto other_manifest = [](const ServerRequest& request, const Connection& client) {
    if (is_manifest(request)) {
      client.answer(200, good().manifest,
                    std::string("Docker-Content-Digest: ") + kSomeDigest + "\r\n");
    }
    return is_manifest(request);
  };
  EXPECT_THAT(not_pulled(good(), other_manifest), HasSubstr("the registry sent sha256:"));
  const std::string layer = TarBuilder().file("a", "x").build();
  EXPECT_THAT(not_pulled(image_of(layer, std::string(image::media_type::kOciLayer), kSomeDigest)),
              HasSubstr("the image promises sha256:0123"));
}

TEST_F(Registry, LiesAboutSizes) {
  // Of every blob: more than was promised, without an end.
  const auto endless = [](const ServerRequest& request, const Connection& client) {
    if (is_blob(request)) {
      client.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(1 << 20, 'x'));
    }
    return is_blob(request);
  };
  EXPECT_THAT(not_pulled(good(), endless), HasSubstr("more than"));
  ImageRecipe recipe;
  recipe.layers = {TarBuilder().file("a", "x").build()};
  recipe.edit_manifest = [](image::json::Value& manifest) {
    manifest["layers"][0]["size"] = 1ull << 50;
  };
  EXPECT_THAT(not_pulled(build_image(recipe)), HasSubstr("larger than 32 GiB"));
  recipe.edit_manifest = [](image::json::Value& manifest) { manifest["layers"][0]["size"] = 7; };
  EXPECT_THAT(not_pulled(build_image(recipe)), HasSubstr("the manifest promises 7"));
  recipe.edit_manifest = [](image::json::Value& manifest) { manifest["layers"][0]["size"] = -1; };
  EXPECT_THAT(not_pulled(build_image(recipe)), HasSubstr("'size' is not a number from 0"));
  recipe.edit_manifest = [](image::json::Value& manifest) {
    manifest["config"]["size"] = 64 << 20;
  };
  EXPECT_THAT(not_pulled(build_image(recipe)), HasSubstr("is longer than"));
}

TEST_F(Registry, ManifestsInCirclesAndWithoutEnd) {
  namespace json = image::json;
  const auto index_of = [](const std::string& document) {
    json::Value entry;
    entry["mediaType"] = image::media_type::kOciIndex;
    entry["digest"] = image::Digest::of(document).str();
    entry["size"] = document.size();
    json::Value index;
    index["schemaVersion"] = 2;
    index["manifests"] = json::Value::array({entry});
    return index.dump();
  };
  // The same to every question: it lists something, and is that as well.
  const std::string self = index_of("x");
  const auto circle = [&](const ServerRequest& request, const Connection& client) {
    if (is_manifest(request)) {
      client.answer(200, self);
    }
    return is_manifest(request);
  };
  EXPECT_THAT(not_pulled(good(), circle), HasSubstr("the registry sent sha256:"));
  // An honest tower of them.
  std::map<std::string, std::string> tower;
  std::string top = self;
  for (int i = 0; i < 10; ++i) {
    tower[image::Digest::of(top).str()] = top;
    top = index_of(top);
  }
  const auto climb = [&](const ServerRequest& request, const Connection& client) {
    if (is_manifest(request)) {
      const auto found = tower.find(request.target.substr(request.target.rfind('/') + 1));
      client.answer(200, found == tower.end() ? top : found->second);
    }
    return is_manifest(request);
  };
  EXPECT_THAT(not_pulled(good(), climb), HasSubstr("indexes nested too deep"));
  ImageRecipe recipe;
  recipe.layers = {TarBuilder().file("a", "x").build()};
  recipe.edit_manifest = [](json::Value& manifest) {
    const json::Value layer = manifest["layers"][0];
    manifest["layers"] = std::vector<json::Value>(100'000, layer);
  };
  EXPECT_THAT(not_pulled(build_image(recipe)), HasSubstr("an answer of more than 4194304 bytes"));
  recipe.edit_manifest = [](json::Value& manifest) {
    const json::Value layer = manifest["layers"][0];
    manifest["layers"] = std::vector<json::Value>(10'000, layer);
  };
  EXPECT_THAT(not_pulled(build_image(recipe)), HasSubstr("layers has more than 256 entries"));
  recipe.edit_manifest = nullptr;
  const auto as_index = [](const ServerRequest& request, const Connection& client) {
    if (is_manifest(request)) {
      const TestImage image = good();
      json::Value manifest = json::parse(image.manifest, "").value();
      manifest.erase("mediaType");
      client.answer(200, manifest.dump(),
                    "Content-Type: application/vnd.oci.image.index.v1+json\r\n");
    }
    return is_manifest(request);
  };
  EXPECT_THAT(not_pulled(good(), as_index), HasSubstr("not what its type"));
}

TEST_F(Registry, GiantAnswersOfEveryKind) {
  const auto everywhere = [](int status, const std::string& body, const std::string& headers) {
    return [=](const ServerRequest&, const Connection& client) {
      client.answer(status, body, headers);
      return true;
    };
  };
  const std::string large(2 << 20, 'x');
  std::string headers;
  for (int i = 0; i < 2000; ++i) {
    headers += "X-H" + std::to_string(i) + ": " + std::string(100, 'h') + "\r\n";
  }
  EXPECT_THAT(not_pulled(good(), everywhere(200, "{}", headers)), HasSubstr("64 KiB of headers"));
  EXPECT_THAT(not_pulled(good(), everywhere(200, large, "")), HasSubstr("more than 65536 bytes"));
  HttpServer* self = nullptr;
  const HttpServer::Handler login = [&](const ServerRequest& request, const Connection& client) {
    if (request.target.starts_with("/token")) {
      client.answer(200, "{\"token\":\"" + large + "\"}");
    } else {
      client.answer(401, "",
                    "WWW-Authenticate: Bearer realm=\"http://" + self->host() + "/token\"\r\n");
    }
  };
  HttpServer registry(login, kOutside);
  self = &registry;
  EXPECT_THAT(refusal(pull(registry)), HasSubstr("more than 1048576 bytes"));
  const std::string realm = "http://192.0.2.10:1/" + std::string(60'000, 'r');
  EXPECT_FALSE(
      not_pulled(good(),
                 everywhere(401, "", "WWW-Authenticate: Bearer realm=\"" + realm + "\"\r\n"))
          .empty());
}

TEST_F(Registry, OneThatSaysNothingCanBeLeft) {
  std::stop_source stop;
  const auto silent = [&](const ServerRequest& request, const Connection& client) {
    if (is_blob(request)) {
      stop.request_stop();
      client.wait_for_close();
    }
    return is_blob(request);
  };
  const HttpServer registry(registry_of(good(), silent), kOutside);
  const auto pulled = pull(registry, stop.get_token());
  ASSERT_FALSE(pulled);
  EXPECT_TRUE(pulled.error().is(ErrorCode::kCancelled)) << pulled.error().message();
  EXPECT_TRUE(store_.list()->empty());
}

}  // namespace
}  // namespace msb::security
