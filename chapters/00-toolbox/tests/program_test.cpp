#include "minidocker/toolbox/program.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "recorded.hpp"

namespace minidocker {
namespace {

using testing::in_child;

TEST(PrepareProcess, FillsClosedStandardDescriptorsForTheProgramToo) {
  for (const std::array<bool, 3> closed : {std::array{true, true, true},
                                           {false, true, false},
                                           {false, false, true},
                                           {true, false, true}}) {
    in_child([closed] {
      for (int fd = 0; fd < 3; ++fd) {
        if (closed[static_cast<std::size_t>(fd)]) ::close(fd);
      }
      const std::map<int, std::string> before = testing::open_fds(::getpid());
      prepare_process();
      std::map<int, std::string> after = testing::open_fds(::getpid());
      for (int fd = 0; fd < 3; ++fd) {
        if (!closed[static_cast<std::size_t>(fd)]) continue;
        EXPECT_EQ("/dev/null", after[fd]);
        EXPECT_FALSE(testing::is_close_on_exec(::getpid(), fd)) << fd;
        after.erase(fd);
      }
      EXPECT_EQ(before, after) << "what was open is as it was";
    });
  }
}

TEST(PrepareProcess, HearsOfItsChildrenAgain) {
  in_child([] {
    ::signal(SIGCHLD, SIG_IGN);
    prepare_process();
    Process child = Process::spawn({"/bin/sh", "-c", "exit 7"});
    EXPECT_EQ(7, child.wait().code);
  });
}

TEST(PrepareProcess, UnblocksSignals) {
  in_child([] {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    prepare_process();
    EXPECT_EQ("0000000000000000", testing::status_field(::getpid(), "SigBlk"));
  });
}

TEST(PrepareProcess, LeavesOtherIgnoredSignalsAndNamesThem) {
  in_child([] {
    ::signal(SIGHUP, SIG_IGN);
    ::signal(SIGCHLD, SIG_IGN);
    const SignalSet ignored = prepare_process();
    EXPECT_EQ(signal_bit(SIGHUP), ignored & (signal_bit(SIGHUP) | signal_bit(SIGCHLD)));
    EXPECT_EQ(SIG_IGN, ::signal(SIGHUP, SIG_DFL)) << "nohup(1) is meant for us";
  });
}

TEST(PrepareProcess, OnlyLooksWhereNothingIsAmiss) {
  in_child([] {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGCHLD, SIG_DFL);
    EXPECT_EQ(2, std::ranges::count(recorded([] { prepare_process(); }), '\n'));
  });
}

using Words = std::vector<std::string>;

std::string refusal(Words words) {
  try {
    (void)take_command("caprun", std::move(words));
  } catch (const Error& error) {
    return error.what();
  }
  return "taken";
}

TEST(TakeCommand, LeavesTheProgramItsOwnOptions) {
  EXPECT_EQ((Words{"ls", "-l", "--"}), take_command("x", {"ls", "-l", "--"}));
  EXPECT_EQ((Words{"-odd"}), take_command("x", {"--", "-odd"}));
  EXPECT_EQ((Words{"--", "y"}), take_command("x", {"--", "--", "y"}));
}

TEST(TakeCommand, RefusesNothingAndASlipOfThePen) {
  EXPECT_EQ("no program to run was given", refusal({}));
  EXPECT_EQ("no program to run was given", refusal({"--"}));
  EXPECT_EQ(
      "unknown option \"--usr\"; caprun --help lists all, and a program of such a name goes "
      "behind --",
      refusal({"--usr", "ls"}));
}

TEST(Complain, SaysItInOneLineAndHandsTheCodeOn) {
  in_child([] {
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(125, complain("nsrun", "it went wrong", 125));
    EXPECT_EQ("nsrun: it went wrong\n", ::testing::internal::GetCapturedStderr());
  });
}

TEST(Complain, SurvivesThatNobodyCanBeTold) {
  in_child([] {
    const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
    ASSERT_GE(full, 0);
    const int before = ::fcntl(2, F_DUPFD_CLOEXEC, 3);
    ::dup2(full, 2);
    EXPECT_EQ(1, complain("nsrun", "it went wrong", 1));
    ::close(2);
    EXPECT_EQ(1, complain("nsrun", "it went wrong", 1));
    ::dup2(before, 2);
  });
}

}  // namespace
}  // namespace minidocker
