// What makes a machine of its own: names, clocks, the loopback interface.

#include <arpa/inet.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>

#include <cerrno>
#include <ctime>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "minidocker/namespaces/create.hpp"
#include "minidocker/namespaces/loopback.hpp"
#include "minidocker/namespaces/names.hpp"
#include "minidocker/namespaces/time_offsets.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "steps.hpp"

namespace minidocker::namespaces {
namespace {

using minidocker::testing::in_sandbox;
using namespaces::testing::as_user;
using namespaces::testing::error_of;
using namespaces::testing::holder;
using namespaces::testing::Leaks;
using namespaces::testing::succeeds;

struct utsname names() {
  struct utsname names = {};
  ::uname(&names);
  return names;
}

TEST(Names, AreThoseOfTheNamespaceOnly) {
  MD_NEEDS("root");
  const std::string before = names().nodename;
  in_sandbox(
      [] {
        EXPECT_TRUE(succeeds(SetHostname{"web"}));
        EXPECT_TRUE(succeeds(SetDomainname{"lan"}));
        EXPECT_STREQ(names().nodename, "web");
        EXPECT_STREQ(names().domainname, "lan");
      },
      {.flags = CLONE_NEWUTS});
  EXPECT_EQ(names().nodename, before);
}

TEST(Names, MayBe64BytesLong) {
  MD_NEEDS("root");
  in_sandbox(
      [] {
        const std::string longest(64, 'x');
        EXPECT_TRUE(succeeds(SetHostname{longest.c_str()}));
        EXPECT_EQ(names().nodename, longest);
        const std::string longer(65, 'x');
        EXPECT_EQ(error_of(SetHostname{longer.c_str()}), EINVAL);
        EXPECT_EQ(error_of(SetDomainname{longer.c_str()}), EINVAL);
      },
      {.flags = CLONE_NEWUTS});
}

TEST(Names, AreNotAUsersToSet) {
  MD_NEEDS("user");
  as_user([] { EXPECT_EQ(error_of(SetHostname{names().nodename}), EPERM); });
}

/// The errno of sending a datagram to 127.0.0.1; 0 if that is reachable.
int loopback_error() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const ssize_t sent =
      ::sendto(fd, "", 0, 0, reinterpret_cast<struct sockaddr*>(&address), sizeof(address));
  const int error = sent < 0 ? errno : 0;
  ::close(fd);
  return error;
}

TEST(Loopback, IsUnreachableUntilItIsUp) {
  MD_NEEDS("root");
  in_sandbox(
      [] {
        EXPECT_EQ(loopback_error(), ENETUNREACH);
        EXPECT_TRUE(succeeds(BringUpLoopback{}));
        EXPECT_EQ(loopback_error(), 0);
      },
      {.flags = CLONE_NEWNET});
}

TEST(Loopback, IsUpForAnOrdinaryUserToo) {
  MD_NEEDS("user", "userns");
  as_user([] {
    in_sandbox(
        [] {
          EXPECT_TRUE(succeeds(BringUpLoopback{}));
          EXPECT_EQ(loopback_error(), 0);
        },
        {.flags = CLONE_NEWUSER | CLONE_NEWNET});
  });
}

TEST(Loopback, OfAnotherNamespaceIsNotOurs) {
  MD_NEEDS("user");
  as_user([] { EXPECT_EQ(error_of(BringUpLoopback{}), EPERM); });
}

TEST(Clocks, AreAheadInsideByWhatWasWritten) {
  MD_NEEDS("root");
  const Leaks leaks;
  RunOptions options;
  options.kinds = CLONE_NEWTIME;
  options.time_offsets = {{Clock::monotonic, 86400, 0}, {Clock::boottime, -1, 500000000}};
  const Process process = start_in_namespaces(options, holder());
  const std::string offsets =
      minidocker::testing::read_text(fmt::format("/proc/{}/timens_offsets", process.pid()));
  EXPECT_THAT(offsets, ::testing::MatchesRegex("monotonic +86400 +0\nboottime +-1 +500000000\n"));
}

TEST(Clocks, CannotBeSetOnceSomebodyIsInTheNamespace) {
  MD_NEEDS("root");
  minidocker::testing::in_child([] {
    ASSERT_TRUE(succeeds(UnshareNamespaces{CLONE_NEWTIME}));
    EXPECT_TRUE(succeeds(WriteTimeOffsets{"monotonic 5 0\n"}));
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    EXPECT_EQ(error_of(WriteTimeOffsets{"monotonic 7 0\n"}), EACCES);
    siginfo_t info;
    ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED);
  });
}

TEST(Clocks, MustNotFallBelowZero) {
  MD_NEEDS("root");
  minidocker::testing::in_child([] {
    ASSERT_TRUE(succeeds(UnshareNamespaces{CLONE_NEWTIME}));
    EXPECT_EQ(error_of(WriteTimeOffsets{"monotonic -100000000 0\n"}), ERANGE);
    EXPECT_EQ(error_of(WriteTimeOffsets{"realtime 1 0\n"}), EINVAL);
  });
}

TEST(Clocks, NeedCapSysTime) {
  MD_NEEDS("root");
  minidocker::testing::in_child([] {
    ASSERT_TRUE(succeeds(UnshareNamespaces{CLONE_NEWTIME}));
    sys::CapabilitySets sets = sys::capget().or_throw();
    sets.effective &= ~(1ULL << CAP_SYS_TIME);
    sys::capset(sets).or_throw();
    EXPECT_EQ(error_of(WriteTimeOffsets{"monotonic 5 0\n"}), EPERM);
  });
}

}  // namespace
}  // namespace minidocker::namespaces
