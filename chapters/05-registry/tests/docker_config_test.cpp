#include "minidocker/registry/docker_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_helper.hpp"
#include "fakes.hpp"

namespace minidocker::registry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Credentials kMe{"u", "word", ""};
const char kForeign[] = R"({"psFormat":"table","auths":{"a.example":{"auth":"dTpw"}},"zz":[1,{}]})";

mode_t mode_of(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status.st_mode;
}

TEST(DockerConfig, IsWrittenAsDockerWritesIt) {
  EXPECT_EQ(with_credentials("", "h:5000", kMe),
            "{\n\t\"auths\": {\n\t\t\"h:5000\": {\n\t\t\t\"auth\": \"dTp3b3Jk\"\n\t\t}\n\t}\n}");
  EXPECT_EQ(with_credentials("{}", "h", std::nullopt), "{\n\t\"auths\": {\n\t\t\"h\": {}\n\t}\n}");
}

TEST(DockerConfig, KeepsWhatIsNotAboutThisHost) {
  const std::string with = with_credentials(kForeign, "b.example", kMe);
  EXPECT_EQ(find_stored(with, "a.example").credentials, (Credentials{"u", "p", ""}));
  EXPECT_EQ(find_stored(with, "b.example").credentials, kMe);
  EXPECT_LT(with.find("psFormat"), with.find("auths"));
  EXPECT_LT(with.find("auths"), with.find("zz"));
  EXPECT_EQ(without_credentials(with, "b.example"), without_credentials(kForeign, "b.example"));
  EXPECT_THAT(without_credentials(with, "b.example"), HasSubstr("zz"));
}

TEST(DockerConfig, ForgetsOlderSpellingsToo) {
  const std::string old = R"({"auths":{"https://a.example/v1/":{"auth":"dTpw"},"a.example":{}}})";
  EXPECT_THAT(without_credentials(old, "a.example"), Not(HasSubstr("a.example")));
}

TEST(DockerConfig, ThatIsDamagedIsNotOverwritten) {
  const TempDir dir;
  const std::string file = dir / "config.json";
  for (const char* text : {"{", "[]", R"({"auths":7})"}) {
    testing::write_text(file, text);
    EXPECT_EQ(kind_of_failure([&] { return remember_credentials(file, "h", kMe); }),
              ErrorKind::invalid_argument)
        << text;
    EXPECT_EQ(testing::read_text(file), text);
  }
}

TEST(DockerConfig, IsMadeForItsOwnerOnly) {
  const TempDir dir;
  const std::string file = dir / "home/.docker/config.json";
  EXPECT_EQ(remember_credentials(file, "docker.io", kMe), "");
  EXPECT_EQ(mode_of(file) & 07777U, 0600U);
  EXPECT_EQ(mode_of(dir / "home/.docker") & 07777U, 0700U);
  EXPECT_THAT(testing::read_text(file), HasSubstr("\"https://index.docker.io/v1/\""));
  EXPECT_TRUE(forget_credentials(file, "docker.io"));
  EXPECT_FALSE(forget_credentials(file, "docker.io"));
  EXPECT_FALSE(forget_credentials(dir / "none", "docker.io"));
}

TEST(DockerConfig, ThatIsALinkStaysOne) {
  const TempDir dir;
  testing::write_text(dir / "real", kForeign);
  ASSERT_EQ(::symlink("real", (dir / "config.json").c_str()), 0);
  remember_credentials(dir / "config.json", "h", kMe);
  EXPECT_TRUE(S_ISLNK(mode_of(dir / "config.json")));
  EXPECT_THAT(testing::read_text(dir / "real"), HasSubstr("dTp3b3Jk"));
  EXPECT_EQ(testing::files_below(dir.path()).size(), 2U);
}

TEST(DockerConfig, LeavesPasswordsToTheHelper) {
  with_helper("cat > \"$(dirname \"$0\")/$1\"", [](const std::string& dir) {
    const std::string file = dir + "/config.json";
    testing::write_text(file, R"({"credsStore":"test"})");
    EXPECT_EQ(remember_credentials(file, "h", kMe), "test");
    EXPECT_EQ(testing::read_text(dir + "/store"),
              R"({"Secret":"word","ServerURL":"h","Username":"u"})");
    EXPECT_THAT(testing::read_text(file), Not(HasSubstr("dTp3b3Jk")));
    EXPECT_TRUE(forget_credentials(file, "h"));
    EXPECT_EQ(testing::read_text(dir + "/erase"), "h");
  });
}

TEST(DockerConfig, IsNotChangedIfTheHelperFails) {
  with_helper("echo the keyring is locked; exit 3", [](const std::string& dir) {
    const std::string file = dir + "/config.json";
    testing::write_text(file, R"({"credsStore":"test"})");
    EXPECT_THAT(failure_of([&] { return remember_credentials(file, "h", kMe); }),
                HasSubstr("docker-credential-test store, for h: exit code 3"));
    EXPECT_EQ(testing::read_text(file), R"({"credsStore":"test"})");
  });
}

}  // namespace
}  // namespace minidocker::registry
