#include "minidocker/registry/credentials.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fake_helper.hpp"
#include "fakes.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::registry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const char kConfig[] = R"({
  "auths": {
    "https://index.docker.io/v1/": {"auth": "aHViOnA6dw=="},
    "h.example:5000": {"auth": "dTpw"},
    "https://old.example/v1/": {"auth": "bzpw"},
    "token.example": {"identitytoken": "id"},
    "empty.example": {}
  },
  "HttpHeaders": {"x": "y"}
})";

TEST(Base64, IsThatOfTheRfc) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foob\xff\xfe"), "Zm9vYv/+");
}

TEST(StoredCredentials, AreFoundByHost) {
  EXPECT_EQ(find_stored(kConfig, "docker.io").credentials, (Credentials{"hub", "p:w", ""}));
  EXPECT_EQ(find_stored(kConfig, "h.example:5000").credentials, (Credentials{"u", "p", ""}));
  EXPECT_EQ(find_stored(kConfig, "old.example").credentials, (Credentials{"o", "p", ""}));
  EXPECT_EQ(find_stored(kConfig, "token.example").credentials, (Credentials{"", "", "id"}));
  for (const char* stranger : {"h.example", "empty.example", "example", "h.example:50"}) {
    EXPECT_EQ(find_stored(kConfig, stranger).credentials, std::nullopt) << stranger;
  }
}

TEST(StoredCredentials, OfAHelperForOneHostComeBeforeTheGeneralOne) {
  const char config[] = R"({"credHelpers":{"a.example":"one"},"credsStore":"all"})";
  EXPECT_EQ(find_stored(config, "a.example").helper, "one");
  EXPECT_EQ(find_stored(config, "b.example").helper, "all");
  EXPECT_EQ(find_stored("{}", "b.example").helper, "");
}

TEST(StoredCredentials, AreNeverShownWhenTheyAreDamaged) {
  const auto refusal = [](const std::string& config) {
    return failure_of([&] { return find_stored(config, "h").helper; });
  };
  const std::string damaged = refusal(R"({"auths":{"h":{"auth":"se cret"}}})");
  EXPECT_THAT(damaged, HasSubstr("member \"auth\" of \"h\" is no base64"));
  EXPECT_THAT(damaged, Not(HasSubstr("cret")));
  EXPECT_THAT(refusal(R"({"auths":{"h":{"auth":"dQ=="}}})"), HasSubstr("holds no USER:PASSWORD"));
  EXPECT_THAT(refusal(R"({"auths":{"h":{"auth":7}}})"), HasSubstr("must be a string"));
  EXPECT_THAT(refusal(R"({"credsStore":"../x"})"), HasSubstr("no name of a credential helper"));
  EXPECT_THAT(refusal("nonsense"), HasSubstr("docker's config.json: is no JSON"));
}

TEST(CredentialHelper, IsAskedForTheHost) {
  with_helper(
      R"(read url; printf '{"ServerURL":"%s","Username":"%s","Secret":"s"}' "$url" "$url$1")",
      [](const std::string&) {
        EXPECT_EQ(ask_helper("test", "h.example"), (Credentials{"h.exampleget", "s", ""}));
      });
}

TEST(CredentialHelper, MayGiveAnIdentityToken) {
  with_helper(R"(echo '{"Username":"<token>","Secret":"id"}')", [](const std::string&) {
    EXPECT_EQ(ask_helper("test", "h"), (Credentials{"", "", "id"}));
  });
}

TEST(CredentialHelper, MayHaveNone) {
  with_helper("echo credentials not found in native keychain; exit 1", [](const std::string& dir) {
    EXPECT_EQ(ask_helper("test", "h"), std::nullopt);
    const std::string file = dir + "/config.json";
    testing::write_text(file, R"({"credsStore":"test","auths":{"h":{"auth":"dTpw"}}})");
    EXPECT_EQ(find_credentials(file, "h"), (Credentials{"u", "p", ""}));
    EXPECT_EQ(find_credentials(dir + "/none", "h"), std::nullopt);
  });
}

TEST(CredentialHelper, ThatFailsIsAnErrorWithItsWords) {
  with_helper("echo the keyring is locked; exit 3", [](const std::string&) {
    EXPECT_THAT(
        failure_of([] { return ask_helper("test", "h").has_value(); }),
        HasSubstr("docker-credential-test get, for h: exit code 3: \"the keyring is locked"));
  });
  EXPECT_THAT(failure_of([] { return ask_helper("is-not-there", "h").has_value(); }),
              HasSubstr("docker-credential-is-not-there"));
}

}  // namespace
}  // namespace minidocker::registry
