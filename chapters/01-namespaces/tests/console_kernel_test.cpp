#include "minidocker/namespaces/console.hpp"

#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

#include <gtest/gtest.h>

#include "minidocker/namespaces/filesystems.hpp"
#include "minidocker/namespaces/root.hpp"
#include "minidocker/testing/leak_check.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/socket.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "steps.hpp"

namespace minidocker::namespaces {
namespace {

using minidocker::testing::in_child;
using minidocker::testing::in_sandbox;
using namespaces::testing::error_of;
using namespaces::testing::succeeds;

constexpr struct winsize kSize{24, 80, 0, 0};

/// The slots of a plan with a terminal, and a root with a /dev/pts.
struct Terminal {
  int root = -1;
  int master = -1;
  int slave = -1;

  Terminal() {
    make_dirs("/tmp/root/dev");
    EXPECT_TRUE(succeeds(BindRoot{"/tmp/root"}));
    EXPECT_TRUE(succeeds(OpenRoot{"/tmp/root", &root}));
    EXPECT_TRUE(succeeds(MountFilesystem{&root, "/dev/pts", "devpts", "devpts", MS_NOSUID,
                                         "newinstance,ptmxmode=0666"}));
  }
  OpenConsole open(const char* console = "dev/console") {
    return {&root, console, kSize, &master, &slave};
  }
};

dev_t device_of(const char* path) {
  struct stat status = {};
  EXPECT_EQ(::stat(path, &status), 0) << path;
  return status.st_rdev;
}

TEST(Console, IsATerminalOfTheContainersOwnDevpts) {
  MD_NEEDS("root");
  in_sandbox([] {
    Terminal terminal;
    ASSERT_TRUE(succeeds(terminal.open()));
    EXPECT_EQ(device_of("/tmp/root/dev/console"), device_of("/tmp/root/dev/pts/0"));
    const struct winsize size = sys::window_size(terminal.slave).or_throw();
    EXPECT_EQ(size.ws_row, 24);
    EXPECT_EQ(size.ws_col, 80);
  });
}

TEST(Console, CarriesBytesBothWays) {
  MD_NEEDS("root");
  in_sandbox([] {
    Terminal terminal;
    ASSERT_TRUE(succeeds(terminal.open()));
    const UniqueFd console =
        sys::open("/tmp/root/dev/console", O_WRONLY | O_NOCTTY).or_throw("console");
    write_all(console.get(), "hello", "console");
    char text[16] = {};
    EXPECT_EQ(::read(terminal.master, text, sizeof(text)), 5);
    EXPECT_STREQ(text, "hello");
  });
}

TEST(Console, CanBeMadeAfterThePivotWithoutAnyProc) {
  MD_NEEDS("root");
  in_sandbox([] {
    Terminal terminal;
    ASSERT_TRUE(succeeds(PivotRoot{&terminal.root}));
    ASSERT_TRUE(succeeds(terminal.open()));
    EXPECT_EQ(device_of("/dev/console"), device_of("/dev/pts/0"));
  });
}

TEST(Console, WithoutANameIsOnlyOpened) {
  MD_NEEDS("root");
  in_sandbox([] {
    Terminal terminal;
    ASSERT_TRUE(succeeds(terminal.open(nullptr)));
    EXPECT_FALSE(exists("/tmp/root/dev/console"));
  });
}

TEST(Console, ALinkOfTheImageLeadsItNotOutOfTheRoot) {
  MD_NEEDS("root");
  in_sandbox([] {
    Terminal terminal;
    minidocker::testing::write_text("/tmp/victim", "");
    sys::symlinkat("../../victim", AT_FDCWD, "/tmp/root/dev/console").or_throw();
    (void)error_of(terminal.open());
    EXPECT_EQ(minidocker::testing::read_text("/tmp/victim"), "");
    EXPECT_EQ(device_of("/tmp/victim"), 0U) << "the terminal was bound outside of the root";
  });
}

TEST(Console, NeedsADevptsInTheRoot) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_dirs("/tmp/root/dev/pts");
    int root = -1;
    int master = -1;
    int slave = -1;
    ASSERT_TRUE(succeeds(OpenRoot{"/tmp/root", &root}));
    const OpenConsole open{&root, nullptr, kSize, &master, &slave};
    EXPECT_EQ(error_of(open), ENOENT);
    minidocker::testing::write_text("/tmp/root/dev/pts/ptmx", "not a terminal");
    EXPECT_EQ(error_of(open), ENOTTY);
    EXPECT_EQ(master, -1);
  });
}

TEST(Console, BecomesTheSessionsTerminal) {
  MD_NEEDS("root");
  in_sandbox([] {
    Terminal terminal;
    ASSERT_TRUE(succeeds(terminal.open()));
    in_child([&terminal] {
      ASSERT_TRUE(succeeds(NewSession{}));
      ASSERT_TRUE(succeeds(TakeTerminal{&terminal.slave}));
      EXPECT_EQ(::tcgetsid(0), ::getpid());
      for (int fd = 0; fd < 3; ++fd) EXPECT_TRUE(::isatty(fd)) << fd;
      for (int fd = 0; fd < 3; ++fd) EXPECT_EQ(::fcntl(fd, F_GETFD), 0) << "must survive execve";
      ASSERT_TRUE(succeeds(CloseSlot{&terminal.master, "the master"}));
      EXPECT_EQ(terminal.master, -1);
    });
  });
}

TEST(Console, IsOnlyForALeaderOfASession) {
  MD_NEEDS("root");
  in_sandbox([] {
    Terminal terminal;
    ASSERT_TRUE(succeeds(terminal.open()));
    in_child([&terminal] { EXPECT_EQ(error_of(TakeTerminal{&terminal.slave}), EPERM); });
  });
}

TEST(Session, IsBegunOnce) {
  in_child([] {
    EXPECT_TRUE(succeeds(NewSession{}));
    EXPECT_EQ(::getsid(0), ::getpid());
    EXPECT_EQ(error_of(NewSession{}), EPERM);
  });
}

TEST(Stdio, BecomesTheGivenDescriptorsAndLeavesTheRest) {
  in_child([] {
    const Pipe pipe = Pipe::make();
    const std::string error_before = minidocker::testing::link_target("/proc/self/fd/2");
    ASSERT_TRUE(succeeds(StdioTo{{pipe.read_end.get(), pipe.write_end.get(), -1}}));
    write_all(1, "through", "standard output");
    char text[16] = {};
    EXPECT_EQ(::read(0, text, sizeof(text)), 7);
    EXPECT_EQ(minidocker::testing::link_target("/proc/self/fd/2"), error_before);
    EXPECT_EQ(error_of(StdioTo{{-1, 999, -1}}), EBADF);
  });
}

}  // namespace
}  // namespace minidocker::namespaces
