#include "minidocker/toolbox/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/testing/leak_check.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"

namespace minidocker {
namespace {

using std::chrono::milliseconds;

/// A program that ends when its standard input does.
struct Waiting {
  Pipe pipe = Pipe::make();
  std::vector<std::pair<int, int>> fds{{pipe.read_end.get(), 0}};
  Process process = Process::spawn({"cat"}, fds);
};

TEST(ExitStatus, IsToldAsShellsTellIt) {
  EXPECT_EQ(3, (ExitStatus{3, 0}).shell_code());
  EXPECT_EQ(137, (ExitStatus{0, SIGKILL}).shell_code());
}

TEST(Process, IsSpawnedFromPathAndWaitedFor) {
  const testing::LeakCheck leaks({.cgroups = {}});  // others make groups meanwhile
  Process process = Process::spawn({"sh", "-c", "exit 5"});
  EXPECT_TRUE(process);
  EXPECT_EQ((ExitStatus{5, 0}), process.wait());
  EXPECT_FALSE(process);
  EXPECT_EQ((ExitStatus{0, SIGTERM}), Process::spawn({"sh", "-c", "kill $$"}).wait());
}

TEST(Process, GetsOnlyTheDescriptorsNamed) {
  Pipe out = Pipe::make();
  const std::vector<std::pair<int, int>> fds{{out.write_end.get(), 1}, {0, 5}};
  // Whatever our own caller left open without the flag would be passed on, and is not ours.
  testing::in_child([&] {
    sys::close_range_from(3, 4).or_throw("close_range");
    Process process = Process::spawn({"ls", "/proc/self/fd"}, fds);
    EXPECT_EQ((ExitStatus{0, 0}), process.wait());
  });
  out.write_end.reset();
  EXPECT_EQ("0\n1\n2\n3\n5\n", read_all(out.read_end.get(), "pipe"));
}

TEST(Process, DescriptorsMayChangePlaces) {
  const Pipe first = Pipe::make();
  Pipe second = Pipe::make();
  const int a = first.read_end.get();
  const int b = second.write_end.get();
  sys::write(first.write_end.get(), "through\n", 8).or_throw("pipe");
  const std::vector<std::pair<int, int>> fds{{a, b}, {b, a}};
  const std::string script = "read x <&" + std::to_string(b) + "; echo $x >&" + std::to_string(a);
  EXPECT_EQ((ExitStatus{0, 0}), Process::spawn({"bash", "-c", script}, fds).wait());
  second.write_end.reset();
  EXPECT_EQ("through\n", read_all(second.read_end.get(), "pipe"));
}

TEST(Process, GetsThemWhereFewMayBeOpen) {
  testing::in_child([] {
    sys::set_rlimit(0, RLIMIT_NOFILE, {100, 100}).or_throw("limit");
    const std::vector<std::pair<int, int>> fds{{0, 9}};
    EXPECT_EQ((ExitStatus{0, 0}), Process::spawn({"test", "-e", "/proc/self/fd/9"}, fds).wait());
  });
}

TEST(Process, GetsTheEnvironmentGivenOrOurs) {
  Pipe out = Pipe::make();
  const std::vector<std::pair<int, int>> fds{{out.write_end.get(), 1}};
  const std::vector<std::string> env{"ONLY=this"};
  (void)Process::spawn({"env"}, fds, &env).wait();
  out.write_end.reset();
  EXPECT_EQ("ONLY=this\n", read_all(out.read_end.get(), "pipe"));
}

TEST(Process, SignalMaskAndDispositionsAreReset) {
  testing::in_child([] {
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t mask;
    ::sigfillset(&mask);
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
    Waiting waiting;
    EXPECT_EQ("0000000000000000", testing::status_field(waiting.process.pid(), "SigBlk"));
    // Signals 32 and 33 are glibc's own; its posix_spawn leaves them ignored.
    const std::string ignored = testing::status_field(waiting.process.pid(), "SigIgn");
    EXPECT_EQ(0U, std::stoull(ignored, nullptr, 16) & 0x7fffffff) << ignored;
  });
}

TEST(Process, AProgramThatIsNotThereIsNamed) {
  try {
    (void)Process::spawn({"no-such-program"});
    FAIL() << "it was started";
  } catch (const SystemError& error) {
    EXPECT_STREQ("posix_spawn(\"no-such-program\"): no such file or directory (ENOENT)",
                 error.what());
  }
  const std::vector<std::pair<int, int>> bad{{999'999, 1}};
  EXPECT_THROW((void)Process::spawn({"true"}, bad), SystemError);
}

TEST(Process, IsKilledAndReapedWhenItsOwnerGoes) {
  pid_t pid = -1;
  {
    const Waiting waiting;
    pid = waiting.process.pid();
    EXPECT_NE('-', testing::state_of(pid));
  }
  EXPECT_EQ('-', testing::state_of(pid));
}

TEST(Process, IsNotKilledByACopyOfItsOwnerInAChild) {
  Waiting waiting;
  testing::in_child([&waiting] { const Process mine(std::move(waiting.process)); });
  EXPECT_EQ(std::nullopt, waiting.process.try_wait());
}

TEST(Process, WaitingHasALimit) {
  Waiting waiting;
  EXPECT_EQ(std::nullopt, waiting.process.wait_for(milliseconds(1)));
  EXPECT_EQ(std::nullopt, waiting.process.try_wait());
  waiting.pipe.write_end.reset();
  EXPECT_EQ((ExitStatus{0, 0}), waiting.process.wait_for(milliseconds(10'000)));
}

TEST(Process, AWaitThatCannotBeIsAnError) {
  testing::in_child([] {
    Waiting waiting;
    sys::set_rlimit(0, RLIMIT_NOFILE, {0, 0}).or_throw("limit");
    EXPECT_THROW((void)waiting.process.wait_for(milliseconds(10'000)), SystemError);
  });
}

TEST(Process, TryingToWaitReapsWhatHasEnded) {
  Process process = Process::spawn({"true"});
  EXPECT_TRUE(testing::wait_for_end(process.pid(), milliseconds(10'000)));
  EXPECT_EQ((ExitStatus{0, 0}), process.try_wait());
}

TEST(Process, SignalsToTheDeadAreNoError) {
  Waiting waiting;
  waiting.process.send(SIGTERM);
  EXPECT_TRUE(testing::wait_for_end(waiting.process.pid(), milliseconds(10'000)));
  EXPECT_NO_THROW(waiting.process.send(SIGTERM));
  EXPECT_THROW(waiting.process.send(999), SystemError);
  EXPECT_EQ((ExitStatus{0, SIGTERM}), waiting.process.wait());
}

TEST(Process, MovesAndReleases) {
  Waiting first;
  Waiting second;
  const pid_t old = second.process.pid();
  const pid_t pid = first.process.pid();
  second.process = std::move(first.process);
  EXPECT_EQ('-', testing::state_of(old));
  auto [released, pidfd] = second.process.release();
  EXPECT_EQ(pid, released);
  EXPECT_FALSE(second.process);
  EXPECT_NE('-', testing::state_of(pid)) << "nobody has killed it";
  const Process again(released, std::move(pidfd));
}

TEST(Process, WaitingForNobodyIsAnError) {
  Process nobody;
  EXPECT_THROW((void)nobody.wait(), SystemError);
}

}  // namespace
}  // namespace minidocker
