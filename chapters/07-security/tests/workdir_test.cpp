#include "minidocker/security/workdir.hpp"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "minidocker/security/keyring.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"

namespace minidocker::security {
namespace {

/// /tmp/root as "/" of a process of its own.
template <class Body>
void in_root(Body body) {
  testing::in_sandbox(
      [&] {
        ::mkdir("/tmp/root", 0755);
        ASSERT_EQ(0, ::chdir("/tmp"));
        ASSERT_EQ(0, ::chroot("/tmp/root"));
        body(::open("/", O_PATH | O_CLOEXEC));
      },
      {.flags = CLONE_NEWNS});
}

TEST(WorkingDirectory, IsMadeWithItsParentsAndEntered) {
  MD_NEEDS("root");
  in_root([](int root) {
    ChildContext context;
    EXPECT_TRUE((MakeDirectory{&root, "/a/b"}.run(context)));
    EXPECT_TRUE((MakeDirectory{&root, "/a/b"}.run(context))) << "there already";
    struct stat status{};
    ASSERT_EQ(0, ::stat("/a/b", &status));
    EXPECT_EQ(0755U, status.st_mode & 07777U);
    EXPECT_TRUE(EnterDirectory{"/a/b"}.run(context));
    EXPECT_EQ("/a/b", std::filesystem::current_path().string());
  });
}

TEST(WorkingDirectory, OutsideOfTheRootIsRefused) {
  MD_NEEDS("root");
  in_root([](int) {
    ChildContext context;
    // We stand in the old /tmp still, as somebody would who came in by a leaked descriptor.
    EXPECT_EQ(ENOENT, EnterDirectory{"."}.run(context).error);
  });
}

TEST(WorkingDirectory, ThatIsNoneIsTold) {
  MD_NEEDS("root");
  in_root([](int root) {
    ChildContext context;
    EXPECT_EQ(ENOENT, EnterDirectory{"/nothing"}.run(context).error);
    testing::write_text("/file", "");
    EXPECT_EQ(ENOTDIR, (MakeDirectory{&root, "/file/below"}.run(context).error));
  });
}

TEST(SessionKeyring, IsANewOne) {
  testing::in_child([] {
    const auto session = [] {
      return ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1);
    };
    const long before = session();
    if (before < 0 && errno == ENOSYS) return;
    ChildContext context;
    EXPECT_TRUE(JoinKeyring{"_ses.mini-docker-test"}.run(context));
    EXPECT_NE(before, session());
  });
}

TEST(WorkdirSteps, SayWhatTheyDo) {
  EXPECT_EQ("enter the working directory \"/a\"", EnterDirectory{"/a"}.describe());
  EXPECT_EQ("make the directory \"/a\" if it is missing",
            (MakeDirectory{nullptr, "/a"}.describe()));
  EXPECT_EQ("begin a session keyring \"_ses.x\"", JoinKeyring{"_ses.x"}.describe());
}

}  // namespace
}  // namespace minidocker::security
