#include "minidocker/security/paths.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "minidocker/testing/leak_check.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/trace_sinks.hpp"

namespace minidocker::security {
namespace {

using testing::read_text;
using testing::write_text;

/// A mount namespace of its own with /tmp to play in; "/" stands for the container's root.
void in_mounts(const std::function<void()>& body) {
  const testing::LeakCheck leaks({.cgroups = {}});
  testing::in_sandbox(
      [&] {
        write_text("/tmp/secret", "secret");
        ::mkdir("/tmp/dir", 0755);
        write_text("/tmp/dir/secret", "secret");
        body();
      },
      {.flags = CLONE_NEWNS | CLONE_NEWPID});
}

NullDevice open_null(bool proc_fd_works = true) {
  NullDevice null{.proc_fd_works = proc_fd_works};
  ChildContext context;
  EXPECT_TRUE(OpenDevNull{&null}.run(context));
  return null;
}

int mask(const char* path, const NullDevice& null) {
  ChildContext context;
  return MaskPath{path, &null}.run(context).error;
}

void expect_hidden() {
  EXPECT_EQ("", read_text("/tmp/secret"));
  EXPECT_TRUE(testing::files_below("/tmp/dir").empty());
  EXPECT_NE(0, ::mkdir("/tmp/dir/new", 0755));
  EXPECT_EQ(EROFS, errno);
}

TEST(MaskedPaths, FilesAreEmptyAndDirectoriesToo) {
  MD_NEEDS("root");
  in_mounts([] {
    const NullDevice null = open_null();
    EXPECT_EQ(0, mask("/tmp/secret", null));
    EXPECT_EQ(0, mask("/tmp/dir", null));
    expect_hidden();
  });
}

TEST(MaskedPaths, ThatAreNotThereAreNoMounts) {
  MD_NEEDS("root");
  in_mounts([] {
    const NullDevice null = open_null();
    const std::size_t before = testing::mounts_of(::getpid()).size();
    EXPECT_EQ(0, mask("/tmp/nothing", null));
    EXPECT_EQ(before, testing::mounts_of(::getpid()).size());
  });
}

TEST(MaskedPaths, CostOneCallAFileAndTwoADirectory) {
  MD_NEEDS("root");
  in_mounts([] {
    const NullDevice null = open_null();
    trace::Recording calls;
    const trace::Session session(&calls);
    EXPECT_EQ(0, mask("/tmp/secret", null));
    EXPECT_EQ(1U, calls.entries().size());
    EXPECT_EQ(0, mask("/tmp/dir", null));
    EXPECT_EQ(3U, calls.entries().size());
    EXPECT_EQ(0, mask("/tmp/nothing", null));
    EXPECT_EQ(4U, calls.entries().size());
  });
}

TEST(MaskedPaths, NeedNoProc) {
  MD_NEEDS("root");
  in_mounts([] {
    ASSERT_EQ(0, ::mount("tmpfs", "/proc", "tmpfs", 0, ""));
    const NullDevice null = open_null(false);
    EXPECT_EQ(0, mask("/tmp/secret", null));
    EXPECT_EQ(0, mask("/tmp/dir", null));
    EXPECT_EQ(0, mask("/tmp/nothing", null));
    expect_hidden();
  });
}

TEST(MaskedPaths, AreNotMadeOfWhatAFalseProcOffers) {
  MD_NEEDS("root");
  in_mounts([] {
    ASSERT_EQ(0, ::mount("tmpfs", "/proc", "tmpfs", 0, ""));
    ::mkdir("/proc/self", 0755);
    ::mkdir("/proc/self/fd", 0755);
    for (int fd = 0; fd < 64; ++fd) write_text("/proc/self/fd/" + std::to_string(fd), "evil");
    const NullDevice null = open_null(false);
    EXPECT_EQ(0, mask("/tmp/secret", null));
    EXPECT_EQ("", read_text("/tmp/secret"));
  });
}

TEST(MaskedPaths, RefusalIsTold) {
  MD_NEEDS("root");
  testing::in_sandbox(
      [] {
        const NullDevice null = open_null();
        EXPECT_EQ(EPERM, mask("/proc", null));
      },
      {.flags = 0, .as_user = true});
}

TEST(NullDevice, IsFoundInTwoCalls) {
  testing::in_child([] {
    trace::Recording calls;
    const trace::Session session(&calls);
    (void)open_null();
    EXPECT_EQ(2U, calls.entries().size());
  });
}

TEST(NullDevice, IsRefusedIfItIsSomethingElse) {
  MD_NEEDS("root");
  in_mounts([] {
    NullDevice null;
    ChildContext context;
    const OpenDevNull step{&null};
    ASSERT_EQ(0, ::mount("/dev/zero", "/dev/null", nullptr, MS_BIND, nullptr));
    EXPECT_EQ(ENODEV, step.run(context).error);
    ASSERT_EQ(0, ::mount("/tmp/secret", "/dev/null", nullptr, MS_BIND, nullptr));
    EXPECT_EQ(ENODEV, step.run(context).error);
    ASSERT_EQ(0, ::mount("tmpfs", "/dev", "tmpfs", 0, ""));
    EXPECT_EQ(ENOENT, step.run(context).error);
    ASSERT_EQ(0, ::symlink("/tmp/secret", "/dev/null"));
    EXPECT_EQ(ENODEV, step.run(context).error);
    EXPECT_EQ(-1, null.fd);
  });
}

TEST(ReadonlyPaths, CannotBeWrittenAndKeepTheirOtherFlags) {
  MD_NEEDS("root");
  in_mounts([] {
    ::mkdir("/tmp/m", 0755);
    ASSERT_EQ(0, ::mount("tmpfs", "/tmp/m", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, ""));
    ::mkdir("/tmp/m/sub", 0755);
    write_text("/tmp/m/sub/file", "text");
    ChildContext context;
    EXPECT_TRUE(MakeReadonly{"/tmp/m/sub"}.run(context));
    EXPECT_EQ("text", read_text("/tmp/m/sub/file"));
    EXPECT_EQ(-1, ::open("/tmp/m/sub/file", O_WRONLY | O_CLOEXEC));
    EXPECT_EQ(EROFS, errno);
    const std::string mount = testing::mounts_of(::getpid()).back();
    for (const char* option : {"ro,", "nosuid", "nodev", "noexec"}) {
      EXPECT_NE(std::string::npos, mount.find(option)) << mount;
    }
    EXPECT_EQ(0, ::mkdir("/tmp/m/other", 0755)) << "only that path";
  });
}

TEST(ReadonlyPaths, MayBeFilesOrMissing) {
  MD_NEEDS("root");
  in_mounts([] {
    ChildContext context;
    EXPECT_TRUE(MakeReadonly{"/tmp/secret"}.run(context));
    EXPECT_EQ(-1, ::open("/tmp/secret", O_WRONLY | O_CLOEXEC));
    EXPECT_EQ(EROFS, errno);
    EXPECT_TRUE(MakeReadonly{"/tmp/nothing"}.run(context));
    EXPECT_EQ(ENOTDIR, MakeReadonly{"/tmp/secret/x"}.run(context).error);
  });
}

TEST(PathSteps, SayWhatTheyDo) {
  EXPECT_EQ("hide /proc/kcore", (MaskPath{"/proc/kcore", nullptr}.describe()));
  EXPECT_EQ("make /proc/sys read-only", MakeReadonly{"/proc/sys"}.describe());
  EXPECT_EQ("open /dev/null and prove that it is the null device", OpenDevNull{nullptr}.describe());
}

}  // namespace
}  // namespace minidocker::security
