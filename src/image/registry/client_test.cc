// SPDX-License-Identifier: Apache-2.0
//
// Registries that break, lie, stall and lead astray.
#include "image/registry/client.h"

#include <gmock/gmock.h>
#include <sys/mman.h>

#include <thread>

#include "base/file.h"
#include "base/sys.h"
#include "image/testing/http_server.h"

namespace msb::image {
namespace {

using ::testing::AllOf;
using testing::Connection;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::HttpServer;
using ::testing::Not;
using testing::ServerRequest;
using namespace std::chrono_literals;

RegistryClient::Options impatient() {
  RegistryClient::Options options;
  options.http.connect_timeout = 2s;
  options.http.stall_timeout = 1s;
  options.http.document_timeout = 3s;
  options.max_attempts = 3;
  options.first_pause = 1ms;
  return options;
}

// Answers the first question of every client; what comes after is the test's.
HttpServer::Handler registry_that(HttpServer::Handler handler) {
  return [handler = std::move(handler)](const ServerRequest& request, const Connection& client) {
    if (request.target == "/v2/") {
      client.answer(200, "{}");
    } else {
      handler(request, client);
    }
  };
}

Result<RegistryClient> connect(const HttpServer& server) {
  const auto reference = Reference::parse(server.host() + "/app:v1");
  return RegistryClient::connect(*reference, impatient(), {});
}

Descriptor descriptor_of(const std::string& content) {
  return {"", Digest::of(content), content.size(), {}, {}};
}

struct Downloaded {
  Result<> result;
  std::string content;
};

Downloaded download(const HttpServer& server, const Descriptor& descriptor,
                    const std::string& already = "", std::stop_token stop = {}) {
  const base::UniqueFd file = base::sys::memfd_create("blob", MFD_CLOEXEC).value();
  EXPECT_TRUE(base::write_all(file.get(), already));
  auto client = connect(server);
  EXPECT_TRUE(client) << client.error().message();
  auto result = client->download(descriptor, file.get(), {}, std::move(stop));
  EXPECT_EQ(::lseek(file.get(), 0, SEEK_SET), 0);
  return {std::move(result), base::read_all(file.get(), 64 << 20).value()};
}

std::string text(const Result<>& result) {
  return result ? "success" : result.error().message();
}

std::uint64_t range_of(const ServerRequest& request) {
  const auto found = request.headers.find("range");
  return found == request.headers.end() ? 0 : std::stoull(found->second.substr(6));
}

const std::string kBlob = [] {
  std::string blob;
  while (blob.size() < 6'000'000) {
    blob += "line " + std::to_string(blob.size()) + "\n";
  }
  return blob;
}();

std::string partial_head(std::uint64_t from, std::size_t total) {
  return "HTTP/1.1 206 Partial\r\nContent-Length: " + std::to_string(total - from) +
         "\r\nContent-Range: bytes " + std::to_string(from) + "-" + std::to_string(total - 1) +
         "/" + std::to_string(total) + "\r\n\r\n";
}

TEST(Download, IsTakenUpWhereItBroke) {
  std::atomic<int> requests = 0;
  const HttpServer server(registry_that([&](const ServerRequest& request,
                                            const Connection& client) {
    const std::uint64_t from = range_of(request);
    ++requests;
    client.send(from == 0 ? "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kBlob.size()) +
                                "\r\n\r\n"
                          : partial_head(from, kBlob.size()));
    client.send(std::string_view(kBlob).substr(from, 1'200'000));  // then the line is cut
  }));
  const auto [result, content] = download(server, descriptor_of(kBlob));
  EXPECT_TRUE(result) << text(result);
  EXPECT_EQ(content, kBlob);
  EXPECT_EQ(requests, 6) << "more than max_attempts, as each of them gained something";
}

TEST(Download, TakesUpWhatAnEarlierProgramHasLeft) {
  std::atomic<std::uint64_t> asked_from = 0;
  const HttpServer server(
      registry_that([&](const ServerRequest& request, const Connection& client) {
        asked_from = range_of(request);
        client.send(partial_head(asked_from, kBlob.size()));
        client.send(std::string_view(kBlob).substr(asked_from));
      }));
  const auto [result, content] = download(server, descriptor_of(kBlob), kBlob.substr(0, 1'000'000));
  EXPECT_TRUE(result) << text(result);
  EXPECT_EQ(content, kBlob);
  EXPECT_EQ(asked_from, 1'000'000u);
}

TEST(Download, AServerWithoutRangesStartsAnew) {
  const HttpServer server(registry_that(
      [&](const ServerRequest&, const Connection& client) { client.answer(200, kBlob); }));
  const auto [result, content] = download(server, descriptor_of(kBlob), "garbage of another time");
  EXPECT_TRUE(result) << text(result);
  EXPECT_EQ(content, kBlob);
}

TEST(Download, ARefusedRangeStartsAnew) {
  const HttpServer server(
      registry_that([&](const ServerRequest& request, const Connection& client) {
        if (range_of(request) > 0) {
          client.answer(416, "no such range, and this text is not the blob");
        } else {
          client.answer(200, kBlob);
        }
      }));
  const auto [result, content] = download(server, descriptor_of(kBlob), "something");
  EXPECT_TRUE(result) << text(result);
  EXPECT_EQ(content, kBlob);
}

TEST(Download, WrongContentIsRefusedAndForgotten) {
  std::string other = kBlob;
  other[5] = '!';
  const HttpServer server(registry_that(
      [&](const ServerRequest&, const Connection& client) { client.answer(200, other); }));
  const auto [result, content] = download(server, descriptor_of(kBlob));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().cause(), ErrorCode::kCorrupt);
  EXPECT_THAT(text(result), HasSubstr("the registry sent " + Digest::of(other).str()));
  EXPECT_EQ(content, "");
}

TEST(Download, LyingSizesAreRefused) {
  const HttpServer longer(registry_that(
      [&](const ServerRequest&, const Connection& client) { client.answer(200, kBlob + "x"); }));
  EXPECT_THAT(text(download(longer, descriptor_of(kBlob)).result), HasSubstr("manifest promises"));
  const HttpServer endless(registry_that([&](const ServerRequest&, const Connection& client) {
    client.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + kBlob + kBlob);
  }));
  const auto [result, content] = download(endless, descriptor_of(kBlob));
  EXPECT_THAT(text(result), HasSubstr("sends more than the promised"));
  EXPECT_EQ(content, "");
  const HttpServer elsewhere(registry_that([&](const ServerRequest&, const Connection& client) {
    client.send(partial_head(7, kBlob.size()));
  }));
  EXPECT_THAT(text(download(elsewhere, descriptor_of(kBlob), "12345").result),
              HasSubstr("another part than was asked for"));
}

TEST(Download, AStallingRegistryIsGivenUp) {
  std::atomic<int> requests = 0;
  const HttpServer server(registry_that([&](const ServerRequest&, const Connection& client) {
    ++requests;
    client.send("HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\nfirst bytes");
    client.wait_for_close();
  }));
  const auto [result, content] = download(server, {"", Digest::of(kBlob), 3'000'000, {}, {}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().cause(), ErrorCode::kUnavailable);
  EXPECT_THAT(text(result), HasSubstr("no answer in time"));
  EXPECT_EQ(requests, 3);
}

TEST(Download, PassingTroubleIsTriedAgainAndLastingTroubleIsNot) {
  std::atomic<int> requests = 0;
  const HttpServer busy(registry_that([&](const ServerRequest&, const Connection& client) {
    ++requests < 3 ? client.answer(503, "") : client.answer(200, kBlob);
  }));
  EXPECT_TRUE(download(busy, descriptor_of(kBlob)).result);
  requests = 0;
  const HttpServer missing(registry_that([&](const ServerRequest&, const Connection& client) {
    ++requests;
    client.answer(404, R"({"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown"}]})");
  }));
  EXPECT_THAT(text(download(missing, descriptor_of(kBlob)).result),
              HasSubstr("the registry says: blob unknown"));
  EXPECT_EQ(requests, 1);
}

TEST(Download, CanBeCancelledWhileNothingComes) {
  std::stop_source stop;
  const HttpServer server(registry_that([&](const ServerRequest&, const Connection& client) {
    stop.request_stop();
    client.wait_for_close();
  }));
  const auto [result, content] = download(server, descriptor_of(kBlob), "", stop.get_token());
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().is(ErrorCode::kCancelled)) << text(result);
}

TEST(Redirects, LeadToOtherHostsWithoutCredentials) {
  std::string seen = "nothing";
  const HttpServer cdn([&](const ServerRequest& request, const Connection& client) {
    const auto found = request.headers.find("authorization");
    seen = found == request.headers.end() ? "" : found->second;
    client.answer(200, kBlob);
  });
  HttpServer server([&](const ServerRequest& request, const Connection& client) {
    if (request.target.starts_with("/token")) {
      client.answer(200, R"({"token":"abc"})");
    } else if (!request.headers.contains("authorization")) {
      client.answer(401, "",
                    "WWW-Authenticate: Bearer realm=\"http://" + server.host() +
                        "/token\",service=\"s\"\r\n");
    } else if (request.target == "/v2/") {
      client.answer(200, "");
    } else {
      client.answer(307, "moved", "Location: http://" + cdn.host() + "/blob\r\n");
    }
  });
  const auto [result, content] = download(server, descriptor_of(kBlob));
  EXPECT_TRUE(result) << text(result);
  EXPECT_EQ(seen, "");
  EXPECT_THAT(server.log(), Contains("GET /token?scope=repository%3Aapp%3Apull&service=s"));
}

TEST(Redirects, ToFilesAndInCirclesAreRefused) {
  const auto refusal = [](const std::string& location) {
    const HttpServer server(registry_that([&](const ServerRequest&, const Connection& client) {
      client.answer(302, "", "Location: " + location + "\r\n");
    }));
    return text(download(server, descriptor_of(kBlob)).result);
  };
  EXPECT_THAT(refusal("file:///etc/passwd"), HasSubstr("not an http or https URL"));
  EXPECT_THAT(refusal("gopher://127.0.0.1/"), HasSubstr("not an http or https URL"));
  EXPECT_THAT(refusal("/again"), HasSubstr("redirects without end"));
  EXPECT_THAT(refusal("http://192.0.2.1/x"), HasSubstr("unprotected address"));
}

TEST(Tokens, AnExpiredOneIsRenewedOnce) {
  std::atomic<int> tokens = 0;
  HttpServer server([&](const ServerRequest& request, const Connection& client) {
    if (request.target.starts_with("/token")) {
      client.answer(200, R"({"access_token":"t)" + std::to_string(++tokens) + "\"}");
      return;
    }
    const auto sent = request.headers.find("authorization");
    const bool fresh =
        sent != request.headers.end() && (request.target == "/v2/" || sent->second == "Bearer t2");
    if (fresh) {
      client.answer(200, kBlob);
    } else {
      client.answer(401, "",
                    "WWW-Authenticate: Bearer realm=\"http://" + server.host() + "/token\"\r\n");
    }
  });
  EXPECT_TRUE(download(server, descriptor_of(kBlob)).result);
  EXPECT_EQ(tokens, 2);
}

TEST(Tokens, HostileTokenServicesAreRefused) {
  const auto refusal = [](const std::string& realm, const std::string& token) {
    HttpServer server([&](const ServerRequest& request, const Connection& client) {
      if (request.target.starts_with("/token")) {
        client.answer(200, token);
      } else {
        const std::string where = realm.empty() ? "http://" + server.host() + "/token" : realm;
        client.answer(401, "", "WWW-Authenticate: Bearer realm=\"" + where + "\"\r\n");
      }
    });
    const auto client = connect(server);
    return client ? "success" : client.error().message();
  };
  EXPECT_THAT(refusal("file:///etc/passwd", ""), HasSubstr("not an http or https URL"));
  EXPECT_THAT(refusal("http://192.0.2.1/token", ""), HasSubstr("unprotected address"));
  EXPECT_THAT(refusal("", R"({"token":"a\r\nX-Evil: 1"})"), HasSubstr("gave no token"));
  EXPECT_THAT(refusal("", "<html>"), HasSubstr("not JSON"));
  EXPECT_THAT(refusal("", std::string(2 << 20, 'x')), HasSubstr("more than 1048576 bytes"));
}

TEST(Manifests, AreBoundedAndChecked) {
  const auto manifest = [](const std::string& body, const std::string& headers,
                           const std::string& wanted = "v1") {
    const HttpServer server(registry_that([&](const ServerRequest&, const Connection& client) {
      client.answer(200, body, headers);
    }));
    auto client = connect(server);
    EXPECT_TRUE(client);
    const auto document = client->manifest(wanted, {});
    return document ? "success" : document.error().message();
  };
  EXPECT_EQ(manifest("{}", ""), "success");
  EXPECT_THAT(manifest(std::string(kMaxManifestBytes + 1, ' '), ""), HasSubstr("more than"));
  EXPECT_THAT(manifest("{}", "Docker-Content-Digest: " + Digest::of("x").str() + "\r\n"),
              HasSubstr("the registry sent"));
  EXPECT_THAT(manifest("{}", "", Digest::of("x").str()), HasSubstr("the registry sent"));
  std::string headers;
  for (int i = 0; i < 2000; ++i) {
    headers += "X-H" + std::to_string(i) + ": " + std::string(100, 'h') + "\r\n";
  }
  EXPECT_THAT(manifest("{}", headers), HasSubstr("64 KiB of headers"));
}

TEST(Manifests, RefusalsAreTold) {
  const auto refusal = [](int status, const std::string& body) {
    const HttpServer server(registry_that(
        [&](const ServerRequest&, const Connection& client) { client.answer(status, body); }));
    auto client = connect(server);
    EXPECT_TRUE(client);
    return client->manifest("v1", {}).error();
  };
  EXPECT_EQ(refusal(429, "").code(), ErrorCode::kResourceExhausted);
  EXPECT_THAT(refusal(429, "").message(), HasSubstr("too many requests"));
  EXPECT_THAT(refusal(403, R"({"errors":[{"code":"DENIED","message":"\u001b[31mno"}]})").message(),
              AllOf(HasSubstr("\\x1b[31mno"), Not(HasSubstr("\x1b"))));
  EXPECT_THAT(refusal(500, "<html>").message(), HasSubstr("status 500"));
}

TEST(Connecting, SaysWhatIsThere) {
  const auto reference = Reference::parse("127.0.0.1:1/app");
  const auto nobody = RegistryClient::connect(*reference, impatient(), {});
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(nobody.error().message(), HasSubstr("registry 127.0.0.1:1"));
  const HttpServer website(
      [](const ServerRequest&, const Connection& client) { client.answer(404, "<html>"); });
  EXPECT_THAT(connect(website).error().message(), HasSubstr("it is no registry"));
  const HttpServer silent(
      [](const ServerRequest&, const Connection& client) { client.wait_for_close(); });
  EXPECT_THAT(connect(silent).error().message(), HasSubstr("no answer in time"));
}

}  // namespace
}  // namespace msb::image
