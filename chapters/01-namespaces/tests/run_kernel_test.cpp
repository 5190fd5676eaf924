#include "minidocker/namespaces/run.hpp"

#include <linux/sched.h>
#include <sys/mount.h>

#include <cerrno>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "minidocker/namespaces/kinds.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "steps.hpp"

namespace minidocker::namespaces {
namespace {

using minidocker::testing::CommandResult;
using minidocker::testing::in_sandbox;
using minidocker::testing::run_command;
using namespaces::testing::as_user;
using namespaces::testing::Leaks;
using ::testing::HasSubstr;

const std::string kNsrun = MD_BINARY_DIR "/bin/nsrun";
const std::string kNsls = MD_BINARY_DIR "/bin/nsls";

std::vector<std::string> nsrun(std::vector<std::string> options, const std::string& script) {
  options.insert(options.begin(), kNsrun);
  options.insert(options.end(), {"--", "/bin/sh", "-c", script});
  return options;
}

TEST(Run, TheProgramSeesItsOwnMachine) {
  MD_NEEDS("root");
  const Leaks leaks;
  const CommandResult result =
      run_command(nsrun({"--pid", "--net", "--ipc", "--mnt", "--uts", "--cgroup", "--time",
                         "--hostname", "web", "--monotonic", "86400"},
                        "hostname; echo $$; cd /proc; echo [0-9]*; cat /proc/self/cgroup | wc -l; "
                        "cat /sys/class/net/lo/operstate"));
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  EXPECT_THAT(result.out, ::testing::StartsWith("web\n1\n1\n"));
}

TEST(Run, AnOrdinaryUserIsRootOfAUserNamespace) {
  MD_NEEDS("user", "userns");
  as_user([] {
    RunOptions options;
    options.kinds = all_clone_flags();
    options.hostname = "mine";
    options.time_offsets = {{Clock::boottime, 5, 0}};
    EXPECT_EQ(
        run_in_namespaces(options, {"/bin/sh", "-c", "test $(id -u):$(hostname):$$ = 0:mine:1"}),
        0);
  });
}

TEST(Run, TheExitCodeIsTheProgramsOr128PlusItsSignal) {
  MD_NEEDS("root");
  const Leaks leaks;
  EXPECT_EQ(run_command(nsrun({"--uts"}, "exit 42")).exit_code, 42);
  EXPECT_EQ(run_command(nsrun({"--uts"}, "kill -9 $$")).exit_code, 137);
}

TEST(Run, AProgramThatCannotRunIs127Or126) {
  const Leaks leaks;
  const CommandResult missing = run_command({kNsrun, "--", "/no-such-program"});
  EXPECT_EQ(missing.exit_code, 127);
  EXPECT_THAT(missing.err, HasSubstr("no-such-program"));
  EXPECT_EQ(run_command({kNsrun, "/etc/passwd"}).exit_code, 126);
}

TEST(Run, OptionsThatDoNotFitTogetherAreRefused) {
  const auto refusal = [](std::vector<std::string> options) {
    const CommandResult result = run_command(nsrun(std::move(options), "true"));
    EXPECT_EQ(result.exit_code, 125) << result.in_words();
    return result.err;
  };
  EXPECT_EQ(refusal({"--hostname", "x"}), "nsrun: a host name needs a uts namespace\n");
  EXPECT_EQ(refusal({"--uid-map", "0:1:1"}), "nsrun: an id map needs a user namespace\n");
  EXPECT_EQ(refusal({"--boottime", "1"}), "nsrun: a time offset needs a time namespace\n");
  EXPECT_EQ(refusal({"--init"}), "nsrun: an init needs a pid namespace\n");
  EXPECT_EQ(refusal({"--root", "/tmp"}), "nsrun: a root needs a mnt namespace\n");
  EXPECT_THAT(refusal({"--mnt", "--root", "/"}), HasSubstr("the root is / already"));
  EXPECT_THAT(refusal({"--mnt", "--pid", "--init", "--root", "/tmp"}), HasSubstr("an init of the"));
  EXPECT_THAT(refusal({"--user", "--uid-map", "0:1"}), HasSubstr("--uid-map"));
  EXPECT_EQ(run_command({kNsrun, "--uts"}).err, "nsrun: no program to run was given\n");
}

TEST(Run, WhatAnOrdinaryUserMayNotDoIsSaid) {
  MD_NEEDS("user");
  as_user([] {
    RunOptions options;
    options.kinds = CLONE_NEWNET;
    try {
      (void)run_in_namespaces(options, {"/bin/true"});
      ADD_FAILURE() << "allowed";
    } catch (const SystemError& error) {
      EXPECT_EQ(error.code(), EPERM);
    }
  });
}

TEST(Run, MountsMadeInsideAreNotSeenOutside) {
  MD_NEEDS("root");
  const Leaks leaks;
  const std::size_t before = minidocker::testing::mounts_of(::getpid()).size();
  EXPECT_EQ(run_command(nsrun({"--mnt"}, "mount -t tmpfs none /mnt && test -d /mnt")).exit_code, 0);
  EXPECT_EQ(minidocker::testing::mounts_of(::getpid()).size(), before);
}

/// A root with the host's programs in it.
void make_root() {
  for (const char* dir : {"/tmp/root/usr", "/tmp/root/lib", "/tmp/root/lib64", "/tmp/root/bin"}) {
    make_dirs(dir);
    const std::string source = std::string(dir).substr(std::string("/tmp/root").size());
    sys::mount(source.c_str(), dir, nullptr, MS_BIND | MS_REC, nullptr).or_throw(dir);
  }
}

constexpr const char* kLookAround =
    "set -e; test $$ = 1; test \"$(ls /)\" = 'bin\ndev\nlib\nlib64\nproc\nsys\nusr'; "
    "echo x > /dev/null; test -c /dev/zero -a -c /dev/pts/ptmx -a -L /dev/fd; "
    "test $(ls -d /proc/[0-9]* | wc -l) -lt 10; ls /sys/class/net/lo >/dev/null; "
    "! grep -q ' /tmp' /proc/self/mountinfo; test $(umask) = 0022";

TEST(Run, ANewRootHasProcSysAndDev) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_root();
    RunOptions options;
    options.kinds = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET;
    options.root = "/tmp/root";
    EXPECT_EQ(run_in_namespaces(options, {"/bin/sh", "-c", kLookAround}), 0);
  });
}

TEST(Run, ANewRootInAUserNamespaceToo) {
  MD_NEEDS("root", "userns");
  in_sandbox([] {
    make_root();
    RunOptions options;
    options.kinds = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET;
    options.root = "/tmp/root";
    EXPECT_EQ(run_in_namespaces(options, {"/bin/sh", "-c", kLookAround}), 0);
  });
}

TEST(Nsls, ListsTheNamespacesOfAProcess) {
  MD_NEEDS("root");
  const Leaks leaks;
  const Process process = namespaces::testing::hold(CLONE_NEWUTS);
  const CommandResult result = run_command({kNsls, std::to_string(process.pid())});
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  EXPECT_THAT(result.out,
              ::testing::StartsWith("KIND         INODE  PROCESSES   LOWEST  COMMAND\n"));
  EXPECT_THAT(result.out,
              HasSubstr(fmt::format("          1 {:>8}  /bin/sleep 1000\n", process.pid())));
}

TEST(Nsls, AProcessThatIsNotThereIsAnError) {
  const CommandResult result = run_command({kNsls, "4194303"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("/proc/4194303/ns/pid"));
}

}  // namespace
}  // namespace minidocker::namespaces
