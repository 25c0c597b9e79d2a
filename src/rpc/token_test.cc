// SPDX-License-Identifier: Apache-2.0
#include "rpc/token.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <string>

#include "rpc/base64url.h"

namespace msb::rpc {
namespace {

constexpr char kKey[] = "0123456789abcdefghijABCDEFGHIJ01";
constexpr std::int64_t kNow = 1'750'000'000;
constexpr char kAll[] =
    "msb_eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9."
    "eyJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwibmFtZXNwYWNlIjoiKiJ9."
    "djRmD2Ca_GcJHgO0HLjrEKchSBoKZrs1a3fXK9fI3WQ";
constexpr char kTeam[] =
    "msb_eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9."
    "eyJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwibmFtZXNwYWNlIjoidGVhbS1hIn0."
    "hmsntHCrfBKTSn2CQ5z4eLfJUe8wKh3ENYt2q6nzj54";
constexpr char kUnscoped[] =
    "msb_eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9."
    "eyJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMH0."
    "Ow42qC_-UtSZp1I1Nbf991cFz566FXQ4eQ7kfTZNEw0";
constexpr char kExpired[] =
    "msb_eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9."
    "eyJleHAiOjE3MDAwMDM2MDAsImlhdCI6MTcwMDAwMDAwMCwibmFtZXNwYWNlIjoiKiJ9."
    "jeLUKV5cj8VPdXpTfsmz5rVXvo9SSsvBkqjHg38KRbo";

// A token with any header and payload, rightly signed.
std::string signed_token(const std::string& header, const std::string& payload) {
  const std::string text = to_base64url(header) + "." + to_base64url(payload);
  std::array<unsigned char, 32> digest{};
  unsigned size = 0;
  HMAC(EVP_sha256(), kKey, static_cast<int>(sizeof kKey - 1),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  return "msb_" + text + "." +
         to_base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::string with_payload(const std::string& payload) {
  return signed_token(R"({"typ":"JWT","alg":"HS256"})", payload);
}

std::string why(const std::string& token, std::int64_t now = kNow) {
  const auto claims = verify_token(token, kKey, now);
  return claims ? "accepted" : claims.error().message();
}

TEST(Token, AcceptsThePublishedVectors) {
  EXPECT_EQ(verify_token(kAll, kKey, kNow)->namespace_name, "*");
  EXPECT_EQ(verify_token(kTeam, kKey, kNow)->namespace_name, "team-a");
  EXPECT_EQ(verify_token(kUnscoped, kKey, kNow)->namespace_name, "*");
  EXPECT_EQ(why(kExpired), "token: expired");
}

TEST(Token, IsIssuedByteForByteAsPublished) {
  EXPECT_EQ(issue_token({.expires_at = 4102444800, .issued_at = 1700000000}, kKey), kAll);
  EXPECT_EQ(
      issue_token({.expires_at = 4102444800, .issued_at = 1700000000, .namespace_name = "team-a"},
                  kKey),
      kTeam);
}

TEST(Token, GivesSixtySecondsOfLeeway) {
  EXPECT_EQ(why(kExpired, 1700003600 + 60), "accepted");
  EXPECT_EQ(why(kExpired, 1700003600 + 61), "token: expired");
}

TEST(Token, IsRefusedWithAnyBitOfItsSignatureChanged) {
  const std::string token = kAll;
  for (std::size_t i = token.rfind('.') + 1; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(why(changed), "token: bad signature") << i;
  }
  EXPECT_FALSE(verify_token(kAll, "another key", kNow).has_value());
}

TEST(Token, IsRefusedWithAnotherAlgorithm) {
  const std::string payload = R"({"exp":4102444800,"iat":1700000000})";
  EXPECT_EQ(why(signed_token(R"({"alg":"none"})", payload)), "token: another algorithm");
  EXPECT_EQ(why(signed_token(R"({"alg":"HS512"})", payload)), "token: another algorithm");
  EXPECT_EQ(why(signed_token(R"({"typ":"JWT"})", payload)), "token: another algorithm");
  const std::string unsigned_token =
      "msb_" + to_base64url(R"({"alg":"none"})") + "." + to_base64url(payload) + ".";
  EXPECT_EQ(why(unsigned_token), "token: bad signature");
}

TEST(Token, NeedsItsClaimsAsTimes) {
  EXPECT_EQ(why(with_payload(R"({"iat":1})")), "token: exp or iat is missing or no time");
  EXPECT_EQ(why(with_payload(R"({"exp":4102444800})")), "token: exp or iat is missing or no time");
  EXPECT_EQ(why(with_payload(R"({"exp":"4102444800","iat":1})")),
            "token: exp or iat is missing or no time");
  EXPECT_EQ(why(with_payload(R"({"exp":4102444800,"iat":-1})")),
            "token: exp or iat is missing or no time");
  EXPECT_EQ(why(with_payload(R"({"exp":18446744073709551615,"iat":1})")),
            "token: exp or iat is missing or no time");
  EXPECT_EQ(why(with_payload(R"({"exp":4102444800,"iat":1,"namespace":7})")),
            "token: namespace is no string");
}

TEST(Token, ForAnotherAudienceIsRefused) {
  EXPECT_EQ(why(with_payload(R"({"exp":4102444800,"iat":1,"aud":"x"})")),
            "token: it is meant for another audience");
}

TEST(Token, ThatBeginsLaterIsRefused) {
  const auto beginning = [](std::int64_t at) {
    return with_payload(R"({"exp":4102444800,"iat":1,"nbf":)" + std::to_string(at) + "}");
  };
  EXPECT_EQ(why(beginning(kNow + 60)), "accepted");
  EXPECT_EQ(why(beginning(kNow + 61)), "token: not valid yet");
  EXPECT_EQ(why(with_payload(R"({"exp":4102444800,"iat":1,"nbf":"now"})")), "token: not valid yet");
}

TEST(Token, OfAnotherShapeIsRefused) {
  const std::string token = kAll;
  EXPECT_EQ(why(token.substr(4)), "token: not of this kind");
  EXPECT_EQ(why("msb_"), "token: not three parts");
  EXPECT_EQ(why("msb_a.b"), "token: not three parts");
  EXPECT_EQ(why(token + ".x"), "token: not three parts");
  EXPECT_EQ(why(token + "="), "token: bad signature");
  EXPECT_EQ(why("msb_" + std::string(kMaxTokenBytes, 'a')), "token: not of this kind");
  EXPECT_FALSE(verify_token(kAll, "", kNow).has_value());
}

TEST(Claims, CoverOneNamespaceOrAll) {
  EXPECT_TRUE((Claims{.namespace_name = "*"}.covers("any")));
  EXPECT_TRUE((Claims{.namespace_name = "team-a"}.covers("team-a")));
  EXPECT_FALSE((Claims{.namespace_name = "team-a"}.covers("team-b")));
  EXPECT_FALSE((Claims{.namespace_name = "team-a"}.covers("*")));
  EXPECT_FALSE((Claims{.namespace_name = ""}.covers("*")));
}

TEST(Base64Url, HasOneSpellingForEachText) {
  EXPECT_EQ(from_base64url("AA"), std::string(1, '\0'));
  EXPECT_EQ(from_base64url("AB"), std::nullopt);
  EXPECT_EQ(from_base64url("A"), std::nullopt);
  EXPECT_EQ(from_base64url("AA=="), std::nullopt);
  EXPECT_EQ(from_base64url("+/"), std::nullopt);
  EXPECT_EQ(to_base64url("\xff\xfe"), "__4");
}

TEST(ParseLifetime, KnowsEveryUnit) {
  using std::chrono::seconds;
  EXPECT_EQ(parse_lifetime("30s"), seconds(30));
  EXPECT_EQ(parse_lifetime("5m"), seconds(300));
  EXPECT_EQ(parse_lifetime("24h"), seconds(86400));
  EXPECT_EQ(parse_lifetime("2d"), seconds(172800));
  EXPECT_EQ(parse_lifetime("1w"), seconds(604800));
  EXPECT_EQ(parse_lifetime("1mo"), seconds(30 * 86400));
  EXPECT_EQ(parse_lifetime("1y"), seconds(365 * 86400));
  EXPECT_EQ(parse_lifetime("12"), seconds(12 * 3600));
  for (const char* text : {"", "h", "-1h", "0", "1.5h", "1x", " 1h", "99999999999y"}) {
    EXPECT_EQ(parse_lifetime(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace msb::rpc
