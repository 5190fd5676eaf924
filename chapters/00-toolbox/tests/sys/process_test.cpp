#include "minidocker/toolbox/sys/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/socket.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/toolbox/temp_dir.hpp"
#include "recorded.hpp"

namespace minidocker {
namespace {

using testing::in_child;
using testing::in_sandbox;
using testing::namespace_inode;
using testing::status_field;

/// A child that waits until it is killed.
Process waiting_child(sys::CloneArgs args = {}) {
  sys::Cloned cloned = sys::clone3(args).or_throw("clone3");
  if (cloned.pid == 0) {
    for (;;) ::pause();
  }
  return {cloned.pid, std::move(cloned.pidfd)};
}

/// A child that exits at once.
Process exiting_child(int code) {
  sys::Cloned cloned = sys::clone3({}).or_throw("clone3");
  if (cloned.pid == 0) sys::exit_group(code);
  return {cloned.pid, std::move(cloned.pidfd)};
}

TEST(SysProcess, ACloneIsACopyWithAPidfdInTheParentOnly) {
  Process child = exiting_child(7);
  EXPECT_TRUE(testing::is_close_on_exec(::getpid(), child.pidfd()));
  EXPECT_EQ((ExitStatus{7, 0}), child.wait());
}

TEST(SysProcess, ACloneIsToldOnceByTheParent) {
  EXPECT_EQ("clone3({flags=CLONE_PIDFD, exit_signal=17})",
            recorded([] { (void)exiting_child(0).wait(); }).substr(0, 43));
  EXPECT_EQ(
      "clone3({flags=CLONE_PIDFD|CLONE_NEWNS|CLONE_NEWUSER|0x1000000000, exit_signal=17}) = "
      "EINVAL",
      recorded([] { (void)sys::clone3({.flags = CLONE_NEWUSER | CLONE_NEWNS | 0x1000000000}); }));
}

TEST(SysProcess, ACloneMayBeBornInNewNamespaces) {
  MD_NEEDS("userns");
  const Process child = waiting_child({.flags = CLONE_NEWUSER | CLONE_NEWUTS});
  EXPECT_NE(namespace_inode(::getpid(), "uts"), namespace_inode(child.pid(), "uts"));
  EXPECT_NE(namespace_inode(::getpid(), "user"), namespace_inode(child.pid(), "user"));
  EXPECT_EQ(namespace_inode(::getpid(), "net"), namespace_inode(child.pid(), "net"));
}

TEST(SysProcess, ASiblingIsMadeWithCloneParent) {
  in_child([] {
    const Pipe pipe = Pipe::make();
    Process child;
    sys::Cloned first = sys::clone3({}).or_throw("clone3");
    if (first.pid == 0) {
      const sys::Cloned sibling =
          sys::clone3({.flags = CLONE_PARENT, .exit_signal = 0}).or_throw("clone3");
      if (sibling.pid == 0) sys::exit_group(5);
      (void)sys::write(pipe.write_end.get(), &sibling.pid, sizeof(sibling.pid));
      sys::exit_group(0);
    }
    pid_t sibling = 0;
    (void)sys::read(pipe.read_end.get(), &sibling, sizeof(sibling));
    EXPECT_EQ(5, sys::wait_child(sibling).or_throw("sibling").si_status);
    EXPECT_EQ(0, sys::wait_child(first.pid).or_throw("first").si_status);
  });
}

TEST(SysProcess, ASiblingMustNotChooseItsExitSignal) {
  EXPECT_EQ("clone3({flags=CLONE_PIDFD|CLONE_PARENT, exit_signal=17}) = EINVAL",
            recorded([] { (void)sys::clone3({.flags = CLONE_PARENT, .exit_signal = SIGCHLD}); }));
}

TEST(SysProcess, ACgroupThatIsNoneIsRefused) {
  const Pipe pipe = Pipe::make();
  EXPECT_EQ(EBADF, sys::clone3({.cgroup = pipe.read_end.get()}).error());
}

TEST(SysProcess, ExecReturnsOnlyItsFailure) {
  char name[] = "x";
  char* argv[] = {name, nullptr};
  EXPECT_EQ(ENOENT, sys::execve("/no/such", argv, argv + 1).error());
  EXPECT_EQ("execve(\"/etc/passwd\", \"x\")\nexecve(\"/etc/passwd\", \"x\") = EACCES",
            recorded([&] { (void)sys::execve("/etc/passwd", argv, argv + 1); }));
}

TEST(SysProcess, UnsharingGivesNamespacesOfOnesOwn) {
  MD_NEEDS("userns");
  const ino_t before = namespace_inode(::getpid(), "uts");
  in_child([before] {
    EXPECT_EQ("unshare(CLONE_NEWUTS|CLONE_NEWUSER)",
              recorded([] { (void)sys::unshare(CLONE_NEWUSER | CLONE_NEWUTS); }));
    EXPECT_NE(before, namespace_inode(::getpid(), "uts"));
    EXPECT_EQ(EINVAL, sys::unshare(0x1).error());
  });
}

TEST(SysProcess, AnotherProcessesNamespaceCanBeJoined) {
  MD_NEEDS("root");
  const Process child = waiting_child({.flags = CLONE_NEWUTS});
  in_child([&child] {
    EXPECT_TRUE(sys::setns(child.pidfd(), CLONE_NEWUTS).ok());
    EXPECT_EQ(namespace_inode(child.pid(), "uts"), namespace_inode(::getpid(), "uts"));
    EXPECT_EQ(fmt::format("setns({}, CLONE_NEWUTS) = EBADF", 999'999),
              recorded([] { (void)sys::setns(999'999, CLONE_NEWUTS); }));
  });
}

TEST(SysProcess, ANamespaceFileTellsItsTypeAndOwner) {
  const UniqueFd uts = sys::open("/proc/self/ns/uts", O_RDONLY).or_throw("uts");
  EXPECT_EQ(std::uint64_t{CLONE_NEWUTS}, sys::ns_type(uts.get()).or_throw("uts"));
  const sys::Result<UniqueFd> owner = sys::ns_owner(uts.get());
  // The owner of a namespace that was made outside of our user namespace is not shown to us.
  EXPECT_TRUE(owner.ok() || owner.error() == EPERM) << owner.error();
  const Pipe pipe = Pipe::make();
  EXPECT_EQ(fmt::format("ioctl({0}, \"NS_GET_NSTYPE\") = ENOTTY\n"
                        "ioctl({0}, \"NS_GET_USERNS\") = ENOTTY",
                        pipe.read_end.get()),
            recorded([&pipe] {
              (void)sys::ns_type(pipe.read_end.get());
              (void)sys::ns_owner(pipe.read_end.get());
            }));
}

TEST(SysProcess, SignalsGoThroughThePidfd) {
  Process child = waiting_child();
  EXPECT_EQ(fmt::format("pidfd_send_signal({}, 15)", child.pidfd()),
            recorded([&child] { (void)sys::pidfd_send_signal(child.pidfd(), SIGTERM); }));
  EXPECT_EQ((ExitStatus{0, SIGTERM}), child.wait());
  EXPECT_EQ(EBADF, sys::pidfd_send_signal(-1, SIGTERM).error());
}

TEST(SysProcess, APidfdOutlivesItsProcessAndNeverMeansAnother) {
  const Process child = exiting_child(0);
  const UniqueFd second = sys::pidfd_open(child.pid()).or_throw("child");
  (void)sys::wait_child(child.pid()).or_throw("child");
  EXPECT_EQ(ESRCH, sys::pidfd_send_signal(second.get(), SIGKILL).error());
  EXPECT_EQ("pidfd_open(-1, 0) = EINVAL", recorded([] { (void)sys::pidfd_open(-1); }));
}

TEST(SysProcess, WaitingTellsWhoAndHow) {
  const Process child = exiting_child(3);
  const siginfo_t info = sys::wait_pidfd(child.pidfd(), WEXITED | WNOWAIT).or_throw("child");
  EXPECT_EQ(child.pid(), info.si_pid);
  EXPECT_EQ(3, info.si_status);
  EXPECT_EQ(fmt::format("waitid(\"P_PIDFD\", {}, WEXITED)", child.pidfd()),
            recorded([&child] { (void)sys::wait_pidfd(child.pidfd(), WEXITED); }));
  EXPECT_EQ(fmt::format("waitid(\"P_PID\", {}, WEXITED) = ECHILD", child.pid()),
            recorded([&child] { (void)sys::wait_child(child.pid()); }));
}

TEST(SysProcess, WaitingForAnybodyEndsWithEchild) {
  in_child([] {
    const Process child = exiting_child(1);
    EXPECT_EQ(child.pid(), sys::wait_any(WEXITED).or_throw("any").si_pid);
    EXPECT_EQ("waitid(\"P_ALL\", 0, WNOHANG|WEXITED) = ECHILD",
              recorded([] { (void)sys::wait_any(WEXITED | WNOHANG); }));
  });
}

TEST(SysProcess, KillReachesAChild) {
  Process child = waiting_child();
  EXPECT_EQ(fmt::format("kill({}, 9)", child.pid()),
            recorded([&child] { (void)sys::kill(child.pid(), SIGKILL); }));
  EXPECT_EQ((ExitStatus{0, SIGKILL}), child.wait());
  EXPECT_EQ(EINVAL, sys::kill(::getpid(), 999).error());
}

TEST(SysProcess, OurPidIsForgottenInEveryChild) {
  EXPECT_EQ(::getpid(), sys::own_pid());
  const Pipe pipe = Pipe::make();
  sys::Cloned child = sys::clone3({}).or_throw("clone3");
  if (child.pid == 0) {
    const pid_t pid = sys::own_pid();
    (void)sys::write(pipe.write_end.get(), &pid, sizeof(pid));
    sys::exit_group(0);
  }
  pid_t pid = 0;
  (void)sys::read(pipe.read_end.get(), &pid, sizeof(pid));
  EXPECT_EQ(child.pid, pid);
  (void)Process(child.pid, std::move(child.pidfd)).wait();
  in_child([] {
    EXPECT_EQ(::getpid(), sys::own_pid()) << "a child made without our help";
    in_child([] { EXPECT_EQ(::getpid(), sys::own_pid()) << "and its child"; });
  });
}

TEST(SysProcess, OurPidIsOneOfOurPidNamespace) {
  MD_NEEDS("userns");
  (void)sys::own_pid();
  in_sandbox([] { EXPECT_EQ(1, sys::own_pid()); });
}

TEST(SysProcess, SessionsAndGroupsAreStartedOnce) {
  in_child([] {
    EXPECT_EQ("setpgid(0, 0)\nsetsid() = EPERM", recorded([] {
                (void)sys::setpgid(0, 0);
                (void)sys::setsid();
              }));
  });
  in_child([] {
    EXPECT_TRUE(sys::setsid().ok());
    EXPECT_EQ(::getpid(), ::getsid(0));
    EXPECT_EQ(EPERM, sys::setpgid(0, 0).error());
  });
}

TEST(SysProcess, LimitsAreSet) {
  in_child([] {
    const struct rlimit limit{100, 200};
    EXPECT_EQ("prlimit64(0, 7, {rlim_cur=100, rlim_max=200})",
              recorded([&limit] { (void)sys::set_rlimit(0, RLIMIT_NOFILE, limit); }));
    EXPECT_EQ((std::vector<std::string>{"100", "200"}),
              testing::limit_of(::getpid(), "Max open files"));
    EXPECT_EQ(EINVAL, sys::set_rlimit(0, RLIMIT_NOFILE, {2, 1}).error());
  });
}

TEST(SysProcess, NamesBelongToTheUtsNamespace) {
  MD_NEEDS("userns");
  in_sandbox(
      [] {
        EXPECT_EQ("sethostname(\"box\", 3)\nsetdomainname(\"lan\", 3)", recorded([] {
                    (void)sys::sethostname("box", 3);
                    (void)sys::setdomainname("lan", 3);
                  }));
        EXPECT_EQ("box\n", testing::read_text("/proc/sys/kernel/hostname"));
        EXPECT_EQ("lan\n", testing::read_text("/proc/sys/kernel/domainname"));
        const std::string long_name(65, 'x');
        EXPECT_EQ(EINVAL, sys::sethostname(long_name.c_str(), long_name.size()).error());
        EXPECT_EQ(EINVAL, sys::setdomainname(long_name.c_str(), long_name.size()).error());
      },
      {.flags = CLONE_NEWUTS});
}

TEST(SysProcess, SignalMasksAndDispositionsAreSet) {
  in_child([] {
    const auto ignored = [] {
      return std::stoull(status_field(::getpid(), "SigIgn"), nullptr, 16);
    };
    const auto ignored_before = ignored();  // glibc's posix_spawn(3) leaves 32 and 33 that way
    sigset_t mask;
    ::sigemptyset(&mask);
    ::sigaddset(&mask, SIGUSR1);
    const sigset_t before = sys::set_signal_mask(mask).or_throw("mask");
    EXPECT_EQ(0, ::sigismember(&before, SIGUSR1));
    EXPECT_EQ("0000000000000200", status_field(::getpid(), "SigBlk"));
    EXPECT_EQ(
        "rt_sigaction(10, {handler=\"SIG_IGN\"})\n"
        "rt_sigaction(9, {handler=\"SIG_IGN\"}) = EINVAL",
        recorded([] {
          (void)sys::ignore_signal(SIGUSR1);
          (void)sys::ignore_signal(SIGKILL);
        }));
    EXPECT_EQ(ignored_before | 0x200U, ignored());
    EXPECT_TRUE(sys::default_signal(SIGUSR1).ok());
    EXPECT_EQ(ignored_before, ignored());
    EXPECT_EQ("rt_sigprocmask(\"SIG_SETMASK\")",
              recorded([&mask] { (void)sys::set_signal_mask(mask); }));
  });
}

TEST(SysProcess, SpawningFindsTheProgramOrSaysWhyNot) {
  char shell[] = "sh";
  char option[] = "-c";
  char script[] = "exit 4";
  char* argv[] = {shell, option, script, nullptr};
  const pid_t pid = sys::spawn(argv, nullptr, {}).or_throw("sh");
  EXPECT_EQ(4, sys::wait_child(pid).or_throw("sh").si_status);
  char no[] = "no-such-program";
  char* missing[] = {no, nullptr};
  EXPECT_EQ("posix_spawn(\"no-such-program\") = ENOENT",
            recorded([&missing] { (void)sys::spawn(missing, nullptr, {}); }));
}

}  // namespace
}  // namespace minidocker
