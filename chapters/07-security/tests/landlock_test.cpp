#include "minidocker/security/landlock.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::security {
namespace {

// What opening says: 0, or the errno.
int error_of_open(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  if (fd < 0) return errno;
  ::close(fd);
  return 0;
}

// A directory to read, one to change, and one outside.
class Fence : public ::testing::Test {
 protected:
  void SetUp() override {
    if (landlock_abi() < kLeastLandlockAbi) GTEST_SKIP() << "a kernel without Landlock";
    for (const char* name : {"read", "change", "change/below", "outside"}) make_dirs(dir_ / name);
    for (const char* name : {"read/file", "change/file", "outside/file"}) {
      testing::write_text(dir_ / name, "x");
    }
  }
  // The body behind the fence.
  void fenced(const std::function<void()>& body) {
    testing::in_child([&] {
      sys::set_no_new_privs().or_throw();
      fence_files(landlock_abi(), std::vector<Gate>{{dir_ / "read", GateAccess::read},
                                                    {dir_ / "change", GateAccess::change},
                                                    {dir_ / "nowhere", GateAccess::change}});
      body();
    });
  }
  TempDir dir_;
};

TEST_F(Fence, LetsReadAtAGateForReadingAndNothingElse) {
  fenced([this] {
    EXPECT_EQ(0, error_of_open(dir_ / "read/file", O_RDONLY));
    EXPECT_EQ(EACCES, error_of_open(dir_ / "read/file", O_WRONLY));
    EXPECT_EQ(EACCES, error_of_open(dir_ / "read/new", O_WRONLY | O_CREAT));
    EXPECT_EQ(EACCES, error_of_open(dir_ / "outside/file", O_RDONLY));
    EXPECT_EQ(EACCES, error_of_open("/etc/shadow", O_RDONLY));
    EXPECT_EQ(EACCES, error_of_open("/proc/1/environ", O_RDONLY));
  });
}

TEST_F(Fence, LetsChangeAtAGateForThat) {
  fenced([this] {
    EXPECT_EQ(0, error_of_open(dir_ / "change/new", O_RDWR | O_CREAT));
    EXPECT_EQ(0, ::mkdir((dir_ / "change/directory").c_str(), 0700));
    EXPECT_EQ(0, ::symlink("x", (dir_ / "change/link").c_str()));
    EXPECT_EQ(0, ::mkfifo((dir_ / "change/fifo").c_str(), 0600));
    EXPECT_EQ(0, ::rename((dir_ / "change/new").c_str(), (dir_ / "change/below/new").c_str()));
    EXPECT_EQ(0, ::unlink((dir_ / "change/file").c_str()));
  });
}

TEST_F(Fence, LetsNothingBeCarriedAcross) {
  fenced([this] {
    EXPECT_NE(0, ::rename((dir_ / "change/file").c_str(), (dir_ / "outside/new").c_str()));
    EXPECT_NE(0, ::link((dir_ / "outside/file").c_str(), (dir_ / "change/mine").c_str()));
    // A link is judged by where it leads.
    EXPECT_EQ(0, ::symlink((dir_ / "outside/file").c_str(), (dir_ / "change/way").c_str()));
    EXPECT_EQ(EACCES, error_of_open(dir_ / "change/way", O_RDONLY));
  });
  EXPECT_EQ(testing::files_below(dir_ / "outside"), std::vector<std::string>{"file"});
}

TEST_F(Fence, LetsNothingBeExecuted) {
  ASSERT_EQ(0, ::chmod((dir_ / "change/file").c_str(), 0755));
  fenced([this] {
    for (const std::string& program : {std::string("/bin/true"), dir_ / "change/file"}) {
      EXPECT_EQ(-1, ::execl(program.c_str(), program.c_str(), nullptr));
      EXPECT_EQ(EACCES, errno) << program;  // behind a gate, too; it would be ENOEXEC there
    }
  });
}

TEST_F(Fence, KeepsOthersFromBeingTracedAndSignalled) {
  testing::RunningCommand other({"cat"});
  fenced([&other] {
    EXPECT_EQ(-1, ::ptrace(PTRACE_SEIZE, other.pid(), nullptr, nullptr));
    EXPECT_EQ(EPERM, errno);
    if (landlock_abi() < 6) return;
    EXPECT_EQ(-1, ::kill(other.pid(), SIGKILL));
    EXPECT_EQ(EPERM, errno);
  });
  EXPECT_NE('-', testing::state_of(other.pid()));
}

TEST_F(Fence, NeedsThePromiseOfNoNewPrivileges) {
  MD_NEEDS("root", "user");
  testing::in_sandbox(
      [] {
        try {
          fence_files(landlock_abi(), {});
          ADD_FAILURE() << "it was taken without the promise";
        } catch (const SystemError& error) {
          EXPECT_EQ(EPERM, error.code());
        }
      },
      {.flags = 0, .as_user = true});
}

}  // namespace
}  // namespace minidocker::security
