// SPDX-License-Identifier: Apache-2.0
//
// Challenges, credentials, and where a request may go.
#include <gmock/gmock.h>

#include "image/registry/challenge.h"
#include "image/registry/credentials.h"
#include "image/registry/url.h"

namespace msb::image {
namespace {

using ::testing::HasSubstr;

TEST(Challenge, ReadsWhatRegistriesSend) {
  const auto challenges = parse_challenges(
      R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",)"
      R"(scope="repository:library/alpine:pull,push")");
  ASSERT_EQ(challenges.size(), 1u);
  EXPECT_EQ(challenges[0].scheme, "bearer");
  EXPECT_EQ(challenges[0].parameter("realm"), "https://auth.docker.io/token");
  EXPECT_EQ(challenges[0].parameter("scope"), "repository:library/alpine:pull,push");
  EXPECT_EQ(challenges[0].parameter("absent"), "");
}

TEST(Challenge, SeveralInOneHeader) {
  const auto challenges =
      parse_challenges(R"(Negotiate, Basic realm = "a \"b\"" , BEARER realm=x)");
  ASSERT_EQ(challenges.size(), 3u);
  EXPECT_EQ(challenges[0].scheme, "negotiate");
  EXPECT_EQ(challenges[1].parameter("realm"), "a \"b\"");
  EXPECT_EQ(challenges[2].parameter("realm"), "x");
}

TEST(Challenge, HostileHeadersAreHarmless) {
  EXPECT_TRUE(parse_challenges("").empty());
  EXPECT_TRUE(parse_challenges("=\"\"\"=,,,\"").empty());
  EXPECT_EQ(parse_challenges("Bearer realm=\"never ends").at(0).parameter("realm"), "never ends");
  std::string many;
  for (int i = 0; i < 1000; ++i) {
    many += "S" + std::to_string(i) + " a=b, ";
  }
  EXPECT_EQ(parse_challenges(many).size(), 16u);
}

TEST(Credentials, AreFoundUnderEverySpellingOfARegistry) {
  const std::string entry = R"({"auth":")" + base64_encode("me:pa:ss") + "\"}";
  for (const auto& [key, registry] : std::vector<std::pair<std::string, std::string>>{
           {"https://index.docker.io/v1/", "docker.io"},
           {"localhost:5000", "localhost:5000"},
           {"https://ghcr.io", "ghcr.io"}}) {
    const auto found = find_credentials(R"({"auths":{")" + key + "\":" + entry + "}}", registry);
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_EQ(found->user, "me");
    EXPECT_EQ(found->password, "pa:ss");
  }
  EXPECT_FALSE(find_credentials(R"({"auths":{"other":)" + entry + "}}", "ghcr.io")->usable());
}

TEST(Credentials, TokensAndHelpers) {
  EXPECT_EQ(find_credentials(R"({"auths":{"r.io":{"identitytoken":"t"}}})", "r.io")->identity_token,
            "t");
  EXPECT_EQ(find_credentials(R"({"credHelpers":{"r.io":"ecr-login"}})", "r.io")->helper,
            "ecr-login");
  EXPECT_EQ(find_credentials(R"({"credsStore":"desktop","auths":{"r.io":{}}})", "r.io")->helper,
            "desktop");
}

TEST(Credentials, AFaultyFileIsNamedAndNotQuoted) {
  const auto found = find_credentials(R"({"auths":{"r.io":{"auth":"c2VjcmV0"}}})", "r.io");
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message(), HasSubstr("not user:password"));
  EXPECT_THAT(found.error().message(), Not(HasSubstr("c2VjcmV0")));
  EXPECT_FALSE(find_credentials(R"({"auths":{"r.io":{"auth":"!!!"}}})", "r.io"));
  EXPECT_FALSE(find_credentials("nonsense", "r.io"));
}

Result<> hop(const std::string& from, const std::string& to,
             PlainHttp plain_http = PlainHttp::kLoopbackOnly) {
  const auto start = Url::parse(from);
  const auto end = Url::parse(to);
  EXPECT_TRUE(start) << from;
  return end ? check_hop(*start, *end, plain_http) : std::unexpected(end.error());
}

TEST(Url, OnlyWebAddresses) {
  for (const char* text : {"file:///etc/passwd", "ftp://a/b", "gopher://a", "a b", "", "dict://a:1",
                           "https://", "scp://a/b"}) {
    EXPECT_FALSE(Url::parse(text)) << text;
  }
  EXPECT_EQ(Url::parse("HTTPS://Host.Example/a")->host, "host.example");
  EXPECT_EQ(Url::parse("http://[::1]:80/")->host, "::1");
}

TEST(Url, ARegistryElsewhereCannotPointAtThisMachine) {
  for (const char* to : {"http://127.0.0.1:8080/", "https://localhost/", "https://[::1]/",
                         "https://127.1/", "https://169.254.169.254/latest/meta-data",
                         "https://0.0.0.0/", "https://[::ffff:127.0.0.1]/", "https://2130706433/",
                         "https://a.localhost/", "https://0x7f000001/"}) {
    EXPECT_FALSE(hop("https://registry.example/v2/", to)) << to;
  }
  EXPECT_TRUE(hop("http://127.0.0.1:5000/", "http://localhost:8080/"));
}

TEST(Url, PlainHttpIsForLoopbackOrWhenAllowed) {
  EXPECT_FALSE(hop("https://registry.example/", "http://cdn.example/"));
  EXPECT_FALSE(hop("http://127.0.0.1:5000/", "http://cdn.example/"));
  EXPECT_TRUE(hop("https://registry.example/", "https://cdn.example/"));
  EXPECT_TRUE(hop("http://registry.example/", "http://cdn.example/", PlainHttp::kAllowed));
}

}  // namespace
}  // namespace msb::image
