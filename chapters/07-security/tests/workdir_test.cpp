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

StepResult enter(const char* path) {
  bool entered = false;
  ChildContext context;
  return EnterDirectory{path, &entered, EnterDirectory::Try::last}.run(context);
}

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
    EXPECT_TRUE(enter("/a/b"));
    EXPECT_EQ("/a/b", std::filesystem::current_path().string());
  });
}

TEST(WorkingDirectory, OutsideOfTheRootIsRefused) {
  MD_NEEDS("root");
  in_root([](int) {
    // We stand in the old /tmp still, as somebody would who came in by a leaked descriptor.
    EXPECT_EQ(ENOENT, enter(".").error);
  });
}

TEST(WorkingDirectory, ThatIsNoneIsTold) {
  MD_NEEDS("root");
  in_root([](int root) {
    ChildContext context;
    EXPECT_EQ(ENOENT, enter("/nothing").error);
    testing::write_text("/file", "");
    EXPECT_EQ(ENOTDIR, (MakeDirectory{&root, "/file/below"}.run(context).error));
  });
}

TEST(WorkingDirectory, MayBeOneThatOnlyOneOfTheTwoMayEnter) {
  MD_NEEDS("root");
  in_root([](int) {
    ASSERT_EQ(0, ::mkdir("/roots", 0700));
    ASSERT_EQ(0, ::chmod("/", 0755));
    bool entered = false;
    ChildContext context;
    const EnterDirectory first{"/roots", &entered, EnterDirectory::Try::first};
    const EnterDirectory last{"/roots", &entered, EnterDirectory::Try::last};
    ASSERT_EQ(0, ::setresuid(1000, 1000, 0));
    EXPECT_TRUE(first.run(context)) << "the user may perhaps";
    EXPECT_EQ(EACCES, last.run(context).error);
    ASSERT_EQ(0, ::seteuid(0));
    EXPECT_TRUE(first.run(context));
    ASSERT_EQ(0, ::seteuid(1000));
    EXPECT_TRUE(last.run(context)) << "we are there already";
  });
}

TEST(SessionKeyring, IsANewOne) {
  testing::in_child([] {
    const auto session = [] {
      return ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1);
    };
    const long before = session();
    const bool no_keyrings = before < 0 && errno == ENOSYS;
    ChildContext context;
    EXPECT_TRUE(JoinKeyring{"_ses.mini-docker-test"}.run(context));
    EXPECT_EQ(no_keyrings, before == session());
  });
}

TEST(WorkdirSteps, SayWhatTheyDo) {
  bool entered = false;
  EXPECT_EQ("enter the working directory \"/a\"",
            (EnterDirectory{"/a", &entered, EnterDirectory::Try::first}.describe()));
  EXPECT_EQ("make the directory \"/a\" if it is missing",
            (MakeDirectory{nullptr, "/a"}.describe()));
  EXPECT_EQ("begin a session keyring \"_ses.x\"", JoinKeyring{"_ses.x"}.describe());
}

}  // namespace
}  // namespace minidocker::security
