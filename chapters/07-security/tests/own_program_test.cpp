#include "minidocker/security/own_program.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/steps.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/safe_path.hpp"

namespace minidocker::security {
namespace {

constexpr char kOurs[] = "/proc/self/exe";

TEST(ReadOnlyProgram, IsTheFileButCannotBeWritten) {
  MD_NEEDS("root");
  const UniqueFd program = read_only_program("/bin/true");
  ASSERT_TRUE(program);
  EXPECT_EQ(-1, ::open(FdPath(program.get()).c_str(), O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(EROFS, errno);
  EXPECT_EQ(FD_CLOEXEC, ::fcntl(program.get(), F_GETFD));
}

TEST(ReadOnlyProgram, CanBeExecuted) {
  MD_NEEDS("root");
  const UniqueFd program = read_only_program("/bin/true");
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl(FdPath(program.get()).c_str(), "true", nullptr);
    ::_exit(127);
  }
  int status = -1;
  ASSERT_EQ(child, ::waitpid(child, &status, 0));
  EXPECT_EQ(0, status);
}

TEST(ReadOnlyProgram, IsNothingForWhoMayNotMount) {
  MD_NEEDS("root");
  testing::as_user([] { EXPECT_FALSE(read_only_program("/bin/true")); });
}

TEST(ReadOnlyProgram, AMissingFileIsAnError) {
  MD_NEEDS("root");
  EXPECT_THROW(static_cast<void>(read_only_program("/no/such/program")), SystemError);
}

TEST(OwnProgram, IsReadOnlyIfItsMountIs) {
  struct statvfs mount{};
  ASSERT_EQ(0, ::statvfs(kOurs, &mount));
  EXPECT_EQ((mount.f_flag & ST_RDONLY) != 0, own_program_is_read_only());
}

}  // namespace
}  // namespace minidocker::security
