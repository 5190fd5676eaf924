#include "minidocker/toolbox/child_steps.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/toolbox/temp_dir.hpp"
#include "recorded.hpp"

namespace minidocker {
namespace {

using testing::in_child;

/// Runs a step here, as the child would.
template <class Step>
StepResult run(const Step& step, int report_fd = -1) {
  ChildContext context;
  context.report_fd = report_fd;
  return step.run(context);
}

class FindProgramTest : public ::testing::Test {
 protected:
  void make_program(const std::string& name, mode_t mode = 0755) const {
    testing::write_text(temp_ / name, "#!/bin/sh\n");
    sys::fchmodat(AT_FDCWD, (temp_ / name).c_str(), mode).or_throw(name);
  }
  /// What is found, or the errno's name.
  std::string find(const char* name, const char* path) {
    const StepResult result = run(FindProgram{name, path, found_.data()});
    return result ? found_.data() : errno_name(result.error);
  }
  TempDir temp_;
  std::vector<char> found_ = std::vector<char>(FindProgram::kMaxPath);
};

TEST_F(FindProgramTest, TakesTheFirstInPath) {
  make_dirs(temp_ / "a");
  make_dirs(temp_ / "b");
  make_program("a/tool", 0644);
  make_program("b/tool");
  const std::string path = "/no/such:" + (temp_ / "a") + ":" + (temp_ / "b");
  EXPECT_EQ(temp_ / "b/tool", find("tool", path.c_str()));
}

TEST_F(FindProgramTest, SaysPermissionDeniedOnlyIfThereWasOneToDeny) {
  make_program("tool", 0644);
  make_dirs(temp_ / "dir");
  EXPECT_EQ("EACCES", find("tool", (temp_.path() + ":/no/such").c_str()));
  EXPECT_EQ("EACCES", find("dir", temp_.path().c_str())) << "a directory is no program";
  EXPECT_EQ("ENOENT", find("other", temp_.path().c_str()));
}

TEST_F(FindProgramTest, ANameWithASlashIsNotSearchedFor) {
  make_program("tool");
  EXPECT_EQ(temp_ / "tool", find((temp_ / "tool").c_str(), nullptr));
  EXPECT_EQ("ENOENT", find("./no-such", "/bin"));
}

TEST_F(FindProgramTest, AnEmptyEntryIsTheWorkingDirectory) {
  make_program("tool");
  in_child([this] {
    sys::chdir(temp_.path().c_str()).or_throw("chdir");
    EXPECT_EQ("./tool", find("tool", "/no/such:"));
    EXPECT_EQ("./tool", find("tool", ""));
  });
}

TEST_F(FindProgramTest, NothingIsFoundWithoutAPathOrAName) {
  EXPECT_EQ("ENOENT", find("sh", nullptr));
  EXPECT_EQ("ENOENT", find("", "/bin"));
}

TEST_F(FindProgramTest, PathsThatAreTooLongArePassedOver) {
  const std::string long_directory(5000, 'x');
  EXPECT_EQ("/bin/sh", find("sh", (long_directory + ":/bin").c_str()));
  EXPECT_EQ("ENAMETOOLONG", find((long_directory + "/x").c_str(), nullptr));
}

TEST_F(FindProgramTest, JudgesAsTheUserItIsByThen) {
  MD_NEEDS("root", "user");
  make_program("tool", 0700);
  sys::fchmodat(AT_FDCWD, temp_.path().c_str(), 0755).or_throw("temp");
  testing::in_sandbox([this] { EXPECT_EQ("EACCES", find("tool", temp_.path().c_str())); },
                      {.flags = 0, .as_user = true});
}

TEST(ExecStep, TellsWhyItCouldNot) {
  ChildPlan plan;
  const std::vector<std::string> argv{"x"};
  char** arguments = plan.copy_array(argv);
  const StepResult result = run(Exec{"/etc/passwd", arguments, arguments + 1});
  EXPECT_EQ(EACCES, result.error);
  EXPECT_STREQ("execve", result.call->name);
}

TEST(CloseFromStep, LeavesNothingForTheProgram) {
  in_child([] {
    const int leaked = sys::dup(0, 300).or_throw("leak").release();
    sys::set_cloexec(leaked, false).or_throw("leak");
    EXPECT_TRUE(run(CloseFrom{3}));
    for (const auto& [fd, target] : testing::open_fds(::getpid())) {
      EXPECT_TRUE(fd < 3 || testing::is_close_on_exec(::getpid(), fd)) << fd << " " << target;
    }
  });
}

TEST(ResetSignalsStep, GivesTheProgramAFreshStart) {
  in_child([] {
    for (const int signal : {SIGPIPE, SIGHUP, 32, 33, 64}) {
      sys::ignore_signal(signal).or_throw("ignore");
    }
    sigset_t mask;
    ::sigfillset(&mask);
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
    EXPECT_TRUE(run(ResetSignals{inherited_signals().ignored}));
    EXPECT_EQ("0000000000000000", testing::status_field(::getpid(), "SigBlk"));
    EXPECT_EQ("0000000000000000", testing::status_field(::getpid(), "SigIgn"));
  });
}

TEST(ResetSignalsStep, WhatIsNotKnownIsResetToo) {
  in_child([] {
    ::signal(SIGTERM, SIG_IGN);
    EXPECT_TRUE(run(ResetSignals{kAllSignals}));
    EXPECT_EQ("0000000000000000", testing::status_field(::getpid(), "SigIgn"));
  });
}

TEST(ResetSignalsStep, CostsOneCallWhereNothingIsIgnored) {
  in_child([] {
    EXPECT_EQ("rt_sigprocmask(\"SIG_SETMASK\")", recorded([] { (void)run(ResetSignals{0}); }));
  });
}

TEST(ParentDeathSignalStep, IsSetAndCleared) {
  in_child([] {
    int signal = 0;
    EXPECT_TRUE(run(ParentDeathSignal{SIGKILL}));
    ::prctl(PR_GET_PDEATHSIG, &signal);
    EXPECT_EQ(SIGKILL, signal);
    EXPECT_TRUE(run(ParentDeathSignal{0}));
    ::prctl(PR_GET_PDEATHSIG, &signal);
    EXPECT_EQ(0, signal);
    EXPECT_EQ(EINVAL, run(ParentDeathSignal{1000}).error);
  });
}

TEST(WaitFifoStep, GoesOnWhenAByteCanBeRead) {
  const Pipe pipe = Pipe::make();
  sys::write(pipe.write_end.get(), "0", 1).or_throw("pipe");
  EXPECT_TRUE(run(WaitFifo{pipe.read_end.get()}));
  EXPECT_EQ(EBADF, run(WaitFifo{-1}).error);
}

TEST(WaitFifoStep, TakesTheEndOfTheFileForNoStart) {
  Pipe pipe = Pipe::make();
  pipe.write_end.reset();
  EXPECT_EQ(EPIPE, run(WaitFifo{pipe.read_end.get()}).error);
}

TEST(SyncStep, EndsWithEpipeWhenTheParentIsGone) {
  SocketPair sockets = SocketPair::make();
  sockets.ours.reset();
  EXPECT_EQ(EPIPE, run(Sync{SyncPoint::ready, "x"}, sockets.theirs.get()).error);
}

TEST(SyncStep, EndsWithEpipeWhenTheParentDiesWhileItWaits) {
  SocketPair sockets = SocketPair::make();
  // The parent's end is shut down for answers: what the child finds when the parent has died.
  ASSERT_EQ(0, ::shutdown(sockets.ours.get(), SHUT_WR));
  EXPECT_EQ(EPIPE, run(Sync{SyncPoint::ready, "x"}, sockets.theirs.get()).error);
  EXPECT_EQ(ENOTSOCK, run(Sync{SyncPoint::ready, "x"}, 0).error);
}

TEST(SyncStep, TakesNoOtherByteForTheGoAhead) {
  SocketPair sockets = SocketPair::make();
  sys::send(sockets.ours.get(), "nsrun: a message that strayed", 29).or_throw("send");
  EXPECT_EQ(EPROTO, run(Sync{SyncPoint::ready, "x"}, sockets.theirs.get()).error);
}

TEST(SendFdStep, SendsACopyAndKeepsItsOwn) {
  const SocketPair sockets = SocketPair::make();
  const Pipe pipe = Pipe::make();
  const int fd = pipe.read_end.get();
  EXPECT_TRUE(run(SendFd{&fd, "the pipe"}, sockets.theirs.get()));
  EXPECT_TRUE(sys::probe_fd(fd).ok());
  char buffer[256];
  EXPECT_EQ(1U, sys::receive(sockets.ours.get(), buffer, sizeof(buffer)).or_throw("r").fd_count);
}

TEST(Steps, SayWhatTheyDo) {
  char found[1] = {};
  ChildPlan plan;
  const std::vector<std::string> argv{"sh"};
  char** arguments = plan.copy_array(argv);
  const int fd = 0;
  EXPECT_EQ("wait until the parent has: write the id maps",
            (Sync{SyncPoint::id_maps, "write the id maps"}).describe());
  EXPECT_EQ("send the parent the terminal", (SendFd{&fd, "the terminal"}).describe());
  EXPECT_EQ("wait for the start command", (WaitFifo{0}).describe());
  EXPECT_EQ("find the program \"sh\" along PATH \"/bin\"",
            (FindProgram{"sh", "/bin", found}).describe());
  EXPECT_EQ("find the program \"sh\" along PATH (none)",
            (FindProgram{"sh", nullptr, found}).describe());
  EXPECT_EQ("let no descriptor from 3 on survive execve", (CloseFrom{3}).describe());
  EXPECT_EQ("unblock all signals", ResetSignals{0}.describe());
  EXPECT_EQ("unblock all signals, default for SIGPIPE, default for 32",
            (ResetSignals{signal_bit(SIGPIPE) | signal_bit(32)}).describe());
  EXPECT_EQ("get signal 9 when the parent dies", ParentDeathSignal{SIGKILL}.describe());
  EXPECT_EQ("become the program \"sh\"", (Exec{found, arguments, arguments}).describe());
}

}  // namespace
}  // namespace minidocker
