#include "minidocker/security/users.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <gtest/gtest.h>

#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/temp_dir.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::security {
namespace {

using testing::write_text;

/// A root with /etc, as an image brings it.
class Users : public ::testing::Test {
 protected:
  Users() {
    ::mkdir((root_ / "etc").c_str(), 0755);
    fd_ = UniqueFd(::open(root_.path().c_str(), O_PATH | O_CLOEXEC));
    root_fd_ = fd_.get();
  }
  int look_up(const char* user) {
    ChildContext context;
    return LookupUser{&root_fd_, user, &slot_}.run(context).error;
  }
  TempDir root_;
  UniqueFd fd_;
  int root_fd_ = -1;
  UserSlot slot_;
};

TEST_F(Users, AreReadFromTheRootsOwnFiles) {
  write_text(root_ / "etc/passwd", "web:x:33:44::/var/www:/bin/sh\n");
  write_text(root_ / "etc/group", "audio:x:29:web");
  EXPECT_EQ(0, look_up("web"));
  EXPECT_EQ(33U, slot_.uid);
  EXPECT_EQ(44U, slot_.gid);
  ASSERT_EQ(2U, slot_.group_count);
  EXPECT_EQ(29U, slot_.groups[0]);
  EXPECT_STREQ("/var/www", slot_.home.data());
}

TEST_F(Users, NumbersNeedNoFiles) {
  EXPECT_EQ(0, look_up("5:6"));
  EXPECT_EQ(5U, slot_.uid);
  EXPECT_EQ(6U, slot_.gid);
}

TEST_F(Users, UnknownOnesAreToldInDockersWords) {
  write_text(root_ / "etc/passwd", "web:x:33:44::/var/www:/bin/sh\n");
  EXPECT_EQ("unable to find user x: no matching entries in passwd file",
            user_error("x", look_up("x")));
  EXPECT_EQ("unable to find group y: no matching entries in group file",
            user_error("web:y", look_up("web:y")));
  EXPECT_EQ("user \"4000000000\": uids and gids must be in range 0-2147483647",
            user_error("4000000000", look_up("4000000000")));
  EXPECT_EQ("", user_error("x", ENOENT));
}

TEST_F(Users, InTooManyGroupsAreToldSo) {
  write_text(root_ / "etc/passwd", "web:x:33:44::/var/www:/bin/sh\n");
  std::string group;
  for (int i = 0; i < 300; ++i) group += "g:x:" + std::to_string(i) + ":web\n";
  write_text(root_ / "etc/group", group);
  EXPECT_EQ("user \"web\" is in more than 256 groups", user_error("web", look_up("web")));
}

TEST_F(Users, LinksInTheRootStayInIt) {
  write_text(root_ / "passwd.real", "web:x:33:44::/inside:/bin/sh\n");
  ASSERT_EQ(0, ::symlink("../../../../passwd.real", (root_ / "etc/passwd").c_str()));
  EXPECT_EQ(0, look_up("web"));
  EXPECT_STREQ("/inside", slot_.home.data());
}

TEST_F(Users, FifoInPlaceOfAFileHoldsNobodyAndHangsNobody) {
  ASSERT_EQ(0, ::mkfifo((root_ / "etc/passwd").c_str(), 0600));
  EXPECT_EQ("unable to find user web: no matching entries in passwd file",
            user_error("web", look_up("web")));
}

TEST_F(Users, DirectoryInPlaceOfAFileIsRefused) {
  ASSERT_EQ(0, ::mkdir((root_ / "etc/passwd").c_str(), 0700));
  EXPECT_EQ(EISDIR, look_up("web"));
}

TEST_F(Users, FileWithoutEndIsRefused) {
  const std::string path = root_ / "etc/passwd";
  ASSERT_EQ(0, ::close(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));
  ASSERT_EQ(0, ::truncate((root_ / "etc/passwd").c_str(), 64 << 20));
  EXPECT_EQ(EFBIG, look_up("web"));
}

TEST_F(Users, LinesThatAreTooLongArePassedOver) {
  const std::string monster(10'000, 'x');
  write_text(root_ / "etc/passwd", monster + ":x:1:1::/:\n" + "web:x:33:44::/a:/bin/sh\n");
  EXPECT_EQ(0, look_up("web"));
  EXPECT_EQ(33U, slot_.uid);
  write_text(root_ / "etc/passwd", std::string(4096, 'x') + "\nweb:x:35:44::/a:/bin/sh\n");
  EXPECT_EQ(0, look_up("web"));
  EXPECT_EQ(35U, slot_.uid);
  write_text(root_ / "etc/passwd", monster);
  EXPECT_NE(0, look_up("web"));
}

TEST_F(Users, LinesAcrossReadsAreWhole) {
  std::string passwd;
  for (int i = 0; i < 500; ++i) passwd += "user" + std::to_string(i) + ":x:1:1::/:/bin/sh\n";
  write_text(root_ / "etc/passwd", passwd + "web:x:33:44::/a:/bin/sh\n");
  EXPECT_EQ(0, look_up("web"));
  EXPECT_EQ(33U, slot_.uid);
}

TEST_F(Users, HomeAloneIsFoundByUid) {
  write_text(root_ / "etc/passwd", "a:x:1:1::/a:\nweb:x:33:44::/var/www:\nb:x:33:1::/b:\n");
  slot_.uid = 33;
  ChildContext context;
  const LookupHome step{&root_fd_, &slot_};
  EXPECT_TRUE(step.run(context));
  EXPECT_STREQ("/var/www", slot_.home.data());
  EXPECT_EQ("look up the home directory of uid 33 in the container's /etc/passwd", step.describe());
}

TEST_F(Users, HomeOfNobodyIsTheRootWhateverPasswdIs) {
  ASSERT_EQ(0, ::mkfifo((root_ / "etc/passwd").c_str(), 0600));
  ChildContext context;
  EXPECT_TRUE((LookupHome{&root_fd_, &slot_}.run(context)));
  EXPECT_STREQ("/", slot_.home.data());
}

TEST_F(Users, HomeGoesIntoTheEnvironment) {
  HomeVariable variable;
  EXPECT_STREQ("HOME=/", variable.text.data());
  ASSERT_TRUE(slot_.set_home("/var/www"));
  ChildContext context;
  const FillHome step{&slot_, &variable};
  EXPECT_TRUE(step.run(context));
  EXPECT_STREQ("HOME=/var/www", variable.text.data());
  EXPECT_FALSE(step.describe().empty());
}

TEST_F(Users, StepsSayWhatTheyDo) {
  EXPECT_EQ("look up user \"web\" in the container's /etc/passwd and /etc/group",
            (LookupUser{&root_fd_, "web", &slot_}.describe()));
  slot_.uid = 5;
  slot_.add_group(7);
  slot_.add_group(8);
  EXPECT_EQ("set the supplementary groups [7 8]",
            (SetGroups{&slot_, GroupsDenied::is_an_error}.describe()));
  EXPECT_EQ("become uid 5, gid 0", SetIds{&slot_}.describe());
  EXPECT_EQ("become user \"web\"", (SetIds{&slot_, "web"}.describe()));
}

}  // namespace
}  // namespace minidocker::security
