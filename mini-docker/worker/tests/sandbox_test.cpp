#include "sandbox.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <stdexcept>
#include <string>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::worker {
namespace {

using images::WorkerRequest;
using images::WorkerVerb;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

bool has_landlock() { return security::landlock_abi() >= security::kLeastLandlockAbi; }

int error_of_open(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  if (fd < 0) return errno;
  ::close(fd);
  return 0;
}

int error_of_socket(int family) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  ::close(fd);
  return 0;
}

// What somebody could try who has taken over the worker by a hostile archive.
class Sandbox : public ::testing::Test {
 protected:
  Sandbox() {
    request_.store = dir_ / "state/images";
    request_.layers = dir_ / "state/layers";
    request_.temporaries = dir_ / "state/tmp";
    for (const std::string& path : {request_.store, request_.layers, request_.temporaries}) {
      make_dirs(path);
    }
    testing::write_text(dir_ / "secret", "x");
    testing::write_text(dir_ / "state/rows.db", "x");
  }
  void attack(WorkerVerb verb, const std::function<void()>& body) {
    request_.verb = verb;
    testing::in_child([&] {
      EXPECT_THAT(enter_sandbox(request_), IsEmpty());
      body();
    });
  }
  TempDir dir_;
  WorkerRequest request_;
};

TEST_F(Sandbox, HasNoOtherFiles) {
  MD_NEEDS("root");
  if (!has_landlock()) GTEST_SKIP() << "a kernel without Landlock";
  attack(WorkerVerb::pull, [this] {
    for (const std::string& path :
         {std::string("/etc/shadow"), std::string("/root"), std::string("/proc/self/environ"),
          dir_ / "secret", dir_ / "state/rows.db"}) {
      EXPECT_EQ(EACCES, error_of_open(path, O_RDONLY)) << path;
    }
    EXPECT_EQ(0, error_of_open("/etc/hosts", O_RDONLY));
    // As many threads as there are processors: the C library looks here.
    EXPECT_EQ(0, error_of_open("/sys/devices/system/cpu/online", O_RDONLY));
    EXPECT_NE(0, error_of_open("/etc/hosts", O_WRONLY));
    EXPECT_NE(0, error_of_open(dir_ / "new", O_WRONLY | O_CREAT));
    EXPECT_EQ(0, error_of_open(request_.store + "/new", O_WRONLY | O_CREAT));
    EXPECT_EQ(0, ::rename((request_.store + "/new").c_str(), (request_.layers + "/new").c_str()));
  });
}

TEST_F(Sandbox, CannotMakeOthersFilesItsOwn) {
  MD_NEEDS("root");
  attack(WorkerVerb::unpack, [this] {
    EXPECT_EQ(-1, ::chmod((dir_ / "secret").c_str(), 0777));
    EXPECT_EQ(EROFS, errno);
    EXPECT_EQ(-1, ::chown("/bin/sh", 1, 1));
    EXPECT_EQ(EROFS, errno);
    EXPECT_EQ(-1, ::truncate((dir_ / "secret").c_str(), 0));
    EXPECT_NE(0, errno);
  });
}

TEST_F(Sandbox, HasNoDevices) {
  MD_NEEDS("root");
  attack(WorkerVerb::unpack, [this] {
    const std::string device = request_.layers + "/null";
    ASSERT_EQ(0, ::mknod(device.c_str(), S_IFCHR | 0666, ::makedev(1, 3))) << "layers may hold it";
    EXPECT_EQ(EACCES, error_of_open(device, O_RDWR));
  });
}

TEST_F(Sandbox, ReachesNoOtherProcess) {
  MD_NEEDS("root");
  if (!has_landlock()) GTEST_SKIP() << "a kernel without Landlock";
  testing::RunningCommand other({"cat"});
  attack(WorkerVerb::pull, [&other] {
    EXPECT_EQ(-1, ::ptrace(PTRACE_SEIZE, other.pid(), nullptr, nullptr));
    EXPECT_EQ(EPERM, errno);
    EXPECT_THROW(testing::run_command({"/bin/true"}), std::runtime_error);
  });
}

TEST_F(Sandbox, HasNoSocketsWhereNothingIsFetched) {
  request_.verb = WorkerVerb::unpack;
  testing::in_child([this] {
    enter_sandbox(request_);
    for (const int family : {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK}) {
      EXPECT_EQ(EACCES, error_of_socket(family)) << family;
    }
  });
}

TEST_F(Sandbox, HasNoTerminal) {
  testing::in_child([this] {
    enter_sandbox(request_);
    for (const char* fd : {"0", "1", "2"}) {
      EXPECT_EQ(testing::link_target(std::string("/proc/self/fd/") + fd), "/dev/null") << fd;
    }
  });
}

TEST_F(Sandbox, HasOnlySocketsOfTheInternetWhereSomethingIs) {
  request_.verb = WorkerVerb::push;
  testing::in_child([this] {
    enter_sandbox(request_);
    EXPECT_EQ(0, error_of_socket(AF_INET));
    EXPECT_EQ(EACCES, error_of_socket(AF_UNIX)) << "a way to /run/docker.sock";
  });
}

TEST_F(Sandbox, SaysWhatAnOrdinaryUserCannotGiveUp) {
  MD_NEEDS("root", "user");
  ASSERT_EQ(0, ::chmod(dir_.path().c_str(), 0755));
  testing::in_sandbox(
      [this] {
        EXPECT_THAT(enter_sandbox(request_), ElementsAre(HasSubstr("needs CAP_SYS_ADMIN")));
        EXPECT_EQ(0U, sys::capget().or_throw("this thread").permitted);
      },
      {.flags = 0, .as_user = true});
}

TEST_F(Sandbox, NeedsItsDirectoriesBelowOne) {
  MD_NEEDS("root");
  request_.layers = "/elsewhere";
  testing::in_child([this] {
    try {
      enter_sandbox(request_);
      ADD_FAILURE() << "/ is the only directory above";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("must lie below one directory"));
    }
  });
}

}  // namespace
}  // namespace minidocker::worker
