#include "minidocker/toolbox/started_child.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/testing/leak_check.hpp"
#include "minidocker/testing/needs.hpp"
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
using testing::LeakCheck;

/// Fails, or is unwritten, as told.
struct Fail {
  static constexpr StepInfo kInfo{"00-toolbox", "a test wants to see it fail"};
  StepResult result;
  StepResult run(ChildContext&) const noexcept { return result; }
  [[nodiscard]] std::string describe() const { return "fail on purpose"; }
};

/// Makes a call that fails.
struct CloseNothing {
  static constexpr StepInfo kInfo{"00-toolbox", "a test wants to see it fail"};
  StepResult run(ChildContext&) const noexcept { return sys::close(-1); }
  [[nodiscard]] std::string describe() const { return "close nothing"; }
};

/// Sends itself a signal.
struct Die {
  static constexpr StepInfo kInfo{"00-toolbox", "a test wants to see it die"};
  int signal;
  StepResult run(ChildContext&) const noexcept { return sys::kill(sys::own_pid(), signal); }
  [[nodiscard]] std::string describe() const { return "die"; }
};

/// Ends the child as a program would.
struct Leave {
  static constexpr StepInfo kInfo{"00-toolbox", "a test wants it to leave"};
  StepResult run(ChildContext&) const noexcept { sys::exit_group(3); }
  [[nodiscard]] std::string describe() const { return "leave"; }
};

/// Makes `count` calls.
struct CallOften {
  static constexpr StepInfo kInfo{"00-toolbox", "a test wants to fill the records"};
  int count;
  StepResult run(ChildContext&) const noexcept {
    for (int i = 0; i < count; ++i) (void)sys::probe_fd(0);
    return StepResult::ok();
  }
  [[nodiscard]] std::string describe() const { return "call often"; }
};

/// Clones a sibling that goes on with the plan, as steps do that enter a PID namespace.
struct HandOver {
  static constexpr StepInfo kInfo{"00-toolbox", "a test wants another process to go on"};
  int pid_pipe;
  StepResult run(ChildContext&) const noexcept {
    sys::Result<sys::Cloned> cloned = sys::clone3({.flags = CLONE_PARENT, .exit_signal = 0});
    if (!cloned) return cloned;
    if (cloned.value().pid == 0) return StepResult::ok();
    const sys::Result<std::size_t> told = sys::write(pid_pipe, &cloned.value().pid, sizeof(pid_t));
    sys::exit_group(told ? 0 : 1);
  }
  [[nodiscard]] std::string describe() const { return "hand over"; }
};

Exec exec_of(ChildPlan& plan, const std::vector<std::string>& argv) {
  const std::vector<std::string> env{"PATH=/usr/bin:/bin"};
  char** arguments = plan.copy_array(argv);
  return {arguments[0], arguments, plan.copy_array(env)};
}

/// The message of the StepError that `wait_for_exec` throws.
std::string failure_of(StartedChild& child) {
  try {
    child.wait_for_exec();
  } catch (const StepError& error) {
    return std::to_string(error.step()) + ": " + error.what();
  } catch (const Error& error) {
    return error.what();
  }
  return "it became the program";
}

class StartedChildTest : public ::testing::Test {
 protected:
  LeakCheck leaks_{{.cgroups = {}}};  // other tests make groups meanwhile
  ChildPlan plan_;
};

TEST_F(StartedChildTest, BecomesTheProgram) {
  plan_.add(exec_of(plan_, {"/bin/sh", "-c", "exit 7"}));
  StartedChild child = StartedChild::start(plan_, {});
  child.wait_for_exec();
  const pid_t pid = std::as_const(child).process().pid();
  Process program = child.release();
  EXPECT_EQ(pid, program.pid());
  EXPECT_EQ((ExitStatus{7, 0}), program.wait());
}

TEST_F(StartedChildTest, NamesTheStepTheCallAndTheErrno) {
  plan_.add(CallOften{1});
  plan_.add(CloseNothing{});
  plan_.add(exec_of(plan_, {"/bin/true"}));
  StartedChild child = StartedChild::start(plan_, {});
  EXPECT_EQ("1: close nothing: close: bad file descriptor (EBADF)", failure_of(child));
}

TEST_F(StartedChildTest, NamesAStepThatFailedForReasonsOfItsOwn) {
  plan_.add(Fail{StepResult::failure(EXDEV)});
  StartedChild child = StartedChild::start(plan_, {});
  EXPECT_EQ("0: fail on purpose: invalid cross-device link (EXDEV)", failure_of(child));
}

TEST_F(StartedChildTest, NamesAnExerciseThatIsStillToBeWritten) {
  plan_.add(Fail{StepResult::todo("01.7")});
  StartedChild child = StartedChild::start(plan_, {});
  const std::string told = failure_of(child);
  EXPECT_EQ(0U, told.find("0: fail on purpose: exercise 01.7 is still to be written")) << told;
}

TEST_F(StartedChildTest, NamesAProgramThatCannotBeExecuted) {
  plan_.add(exec_of(plan_, {"/etc/passwd"}));
  StartedChild child = StartedChild::start(plan_, {});
  EXPECT_EQ("0: become the program \"/etc/passwd\": execve: permission denied (EACCES)",
            failure_of(child));
}

TEST_F(StartedChildTest, TellsTheProgramsFaultFromTheSetups) {
  const auto exit_code_of = [](StartedChild child) {
    try {
      child.wait_for_exec();
    } catch (const ProgramError& error) {
      return error.exit_code();
    } catch (const StepError&) {
      return 125;
    }
    return 0;
  };
  char* const found = plan_.make<std::array<char, FindProgram::kMaxPath>>()->data();
  plan_.add(FindProgram{"no-such-program", "/bin", found});
  EXPECT_EQ(127, exit_code_of(StartedChild::start(plan_, {})));
  ChildPlan not_executable;
  not_executable.add(exec_of(not_executable, {"/etc/passwd"}));
  EXPECT_EQ(126, exit_code_of(StartedChild::start(not_executable, {})));
  ChildPlan setup;
  setup.add(Fail{StepResult::failure(ENOENT)});
  EXPECT_EQ(125, exit_code_of(StartedChild::start(setup, {})));
}

TEST_F(StartedChildTest, MeetsItsParentAndGoesOnWhenTold) {
  plan_.add(Sync{SyncPoint::cgroup, "look at it"});
  plan_.add(Sync{SyncPoint::ready, "look again"});
  plan_.add(exec_of(plan_, {"/bin/true"}));
  StartedChild child = StartedChild::start(plan_, {});
  child.wait_for(SyncPoint::cgroup);
  EXPECT_EQ(::getpid(), testing::parent_of(child.process().pid()));
  child.resume();
  child.wait_for(SyncPoint::ready);
  child.resume();
  child.wait_for_exec();
  EXPECT_EQ((ExitStatus{0, 0}), child.release().wait());
}

TEST_F(StartedChildTest, AFailureBeforeAMeetingIsToldAtTheMeeting) {
  plan_.add(CloseNothing{});
  plan_.add(Sync{SyncPoint::ready, "nothing"});
  StartedChild child = StartedChild::start(plan_, {});
  EXPECT_THROW(child.wait_for(SyncPoint::ready), StepError);
}

TEST_F(StartedChildTest, AChildThatDiesBeforeAMeetingIsToldWithItsEnd) {
  ChildPlan killed;
  killed.add(Die{SIGKILL});
  StartedChild child = StartedChild::start(killed, {});
  try {
    child.wait_for(SyncPoint::ready);
    ADD_FAILURE() << "they met";
  } catch (const Error& error) {
    EXPECT_TRUE(std::string_view(error.what())
                    .starts_with("the child was killed by signal 9 during its setup"));
  }
  ChildPlan left;
  left.add(Leave{});
  StartedChild other = StartedChild::start(left, {});
  try {
    (void)other.receive_fd();
    ADD_FAILURE() << "it sent something";
  } catch (const Error& error) {
    EXPECT_STREQ("the child exited with 3 during its setup", error.what());
  }
}

TEST_F(StartedChildTest, AChildThatIsKilledWithTheGoAheadUnreadIsToldWithItsEnd) {
  plan_.add(Sync{SyncPoint::id_maps, "x"});
  StartedChild child = StartedChild::start(plan_, {});
  child.wait_for(SyncPoint::id_maps);
  // It cannot read while it is stopped.
  child.process().send(SIGSTOP);
  (void)sys::wait_pidfd(child.process().pidfd(), WSTOPPED | WNOWAIT).or_throw("stopped");
  child.resume();
  child.process().send(SIGKILL);
  try {
    child.wait_for(SyncPoint::ready);
    ADD_FAILURE() << "they met";
  } catch (const Error& error) {
    EXPECT_TRUE(std::string_view(error.what())
                    .starts_with("the child was killed by signal 9 during its setup"));
  }
}

TEST_F(StartedChildTest, MeetingAtTheWrongPointIsAnError) {
  plan_.add(Sync{SyncPoint::id_maps, "x"});
  StartedChild child = StartedChild::start(plan_, {});
  EXPECT_THROW(child.wait_for(SyncPoint::ready), Error);
}

TEST_F(StartedChildTest, ReceivesTheDescriptorSent) {
  const Pipe pipe = Pipe::make();
  int* slot = plan_.make(pipe.read_end.get());
  plan_.add(SendFd{slot, "the pipe"});
  plan_.add(Sync{SyncPoint::ready, "x"});
  plan_.add(exec_of(plan_, {"/bin/true"}));
  StartedChild child = StartedChild::start(plan_, {});
  const UniqueFd received = child.receive_fd();
  EXPECT_EQ(testing::open_fds(::getpid())[pipe.read_end.get()],
            testing::open_fds(::getpid())[received.get()]);
  child.wait_for(SyncPoint::ready);
  child.resume();
  EXPECT_THROW((void)child.receive_fd(), Error) << "there is no second one";
}

TEST_F(StartedChildTest, ADescriptorThatComesBeforeAMeetingIsKept) {
  int* slot = plan_.make(0);
  plan_.add(SendFd{slot, "standard input"});
  plan_.add(Sync{SyncPoint::ready, "x"});
  plan_.add(exec_of(plan_, {"/bin/true"}));
  StartedChild child = StartedChild::start(plan_, {});
  child.wait_for(SyncPoint::ready);
  EXPECT_TRUE(child.receive_fd());
  child.resume();
  child.wait_for_exec();
  EXPECT_EQ((ExitStatus{0, 0}), child.release().wait());
}

TEST_F(StartedChildTest, AFailureInsteadOfADescriptorIsTold) {
  plan_.add(CloseNothing{});
  StartedChild child = StartedChild::start(plan_, {});
  EXPECT_THROW((void)child.receive_fd(), StepError);
}

TEST_F(StartedChildTest, AnOrphanEndsAtItsNextMeeting) {
  // A parent that dies while its child waits: the child must end by itself.
  Pipe pipe = Pipe::make();
  sys::Cloned parent = sys::clone3({}).or_throw("clone3");
  if (parent.pid == 0) {
    plan_.add(Sync{SyncPoint::ready, "nothing, it will be dead"});
    plan_.add(exec_of(plan_, {"/bin/cat"}));
    StartedChild child = StartedChild::start(plan_, {});
    child.wait_for(SyncPoint::ready);
    const pid_t pid = child.process().pid();
    (void)sys::write(pipe.write_end.get(), &pid, sizeof(pid));
    sys::exit_group(0);  // without any destructor
  }
  (void)Process(parent.pid, std::move(parent.pidfd)).wait();
  pid_t orphan = 0;
  ASSERT_EQ(sizeof(orphan),
            sys::read(pipe.read_end.get(), &orphan, sizeof(orphan)).or_throw("pipe"));
  EXPECT_TRUE(testing::wait_for_end(orphan, milliseconds(10'000))) << "the orphan lives";
}

TEST_F(StartedChildTest, IsKilledWhenItsOwnerGoes) {
  plan_.add(Sync{SyncPoint::ready, "x"});
  pid_t pid = 0;
  {
    StartedChild child = StartedChild::start(plan_, {});
    child.wait_for(SyncPoint::ready);
    pid = child.process().pid();
  }
  EXPECT_EQ('-', testing::state_of(pid));
}

TEST_F(StartedChildTest, NothingOfOursIsOpenInTheProgram) {
  testing::in_child([this] {
    sys::close_range_from(3, 4).or_throw("what our own caller left open");
    Pipe out = Pipe::make();
    sys::pass_on_as(out.write_end.get(), 1).or_throw("stdout");
    plan_.add(exec_of(plan_, {"/bin/ls", "/proc/self/fd"}));
    StartedChild child = StartedChild::start(plan_, {});
    child.wait_for_exec();
    EXPECT_EQ((ExitStatus{0, 0}), child.release().wait());
    out.write_end.reset();
    ::close(1);
    EXPECT_EQ("0\n1\n2\n3\n", read_all(out.read_end.get(), "pipe"));
  });
}

TEST_F(StartedChildTest, ASiblingMayGoOnWithThePlan) {
  const Pipe pipe = Pipe::make();
  plan_.add(HandOver{pipe.write_end.get()});
  plan_.add(Sync{SyncPoint::ready, "x"});
  plan_.add(exec_of(plan_, {"/bin/sh", "-c", "exit 9"}));
  StartedChild child = StartedChild::start(plan_, {});
  child.wait_for(SyncPoint::ready);
  pid_t pid = 0;
  (void)sys::read(pipe.read_end.get(), &pid, sizeof(pid)).or_throw("pipe");
  child.replace_process(Process(pid, sys::pidfd_open(pid).or_throw("sibling")));
  EXPECT_EQ(pid, child.process().pid());
  child.resume();
  child.wait_for_exec();
  EXPECT_EQ((ExitStatus{9, 0}), child.release().wait());
}

TEST_F(StartedChildTest, IsBornInTheNamespacesAskedFor) {
  MD_NEEDS("userns");
  plan_.add(Sync{SyncPoint::ready, "look"});
  StartedChild child = StartedChild::start(plan_, {.flags = CLONE_NEWUSER | CLONE_NEWNET});
  child.wait_for(SyncPoint::ready);
  EXPECT_NE(testing::namespace_inode(::getpid(), "net"),
            testing::namespace_inode(child.process().pid(), "net"));
}

TEST_F(StartedChildTest, ACloneThatIsRefusedIsToldWithFlagsAndHint) {
  MD_NEEDS("user");
  testing::in_sandbox(
      [this] {
        try {
          (void)StartedChild::start(plan_, {.flags = CLONE_NEWNS});
          ADD_FAILURE() << "it was allowed";
        } catch (const SystemError& error) {
          const std::string told = error.what();
          EXPECT_EQ(0U, told.find("clone3(CLONE_NEWNS): operation not permitted (EPERM); hint: "))
              << told;
        }
      },
      {.flags = 0, .as_user = true});
  EXPECT_NE(std::string_view::npos, clone_hint(CLONE_NEWUSER).find("unprivileged_userns_clone"));
}

TEST_F(StartedChildTest, TheChildsCallsAreToldStepByStep) {
  trace::Recording recording;
  {
    const trace::Session session(&recording);
    plan_.add(CallOften{2});
    plan_.add(Fail{StepResult::ok()});
    plan_.add(exec_of(plan_, {"/bin/true"}));
    StartedChild child = StartedChild::start(plan_, {});
    child.wait_for_exec();
    (void)child.release().wait();
  }
  std::vector<std::string> steps;
  for (const trace::Recording::Entry& entry : recording.entries()) {
    if (!entry.step.empty()) steps.push_back(entry.step);
  }
  EXPECT_EQ((std::vector<std::string>{"clone a child", "call often", "fail on purpose",
                                      "become the program \"/bin/true\""}),
            steps);
  EXPECT_EQ(2U, recording.count("fcntl"));
  EXPECT_EQ(1U, recording.count("execve"));
  EXPECT_EQ(1U, recording.count("clone3"));
}

TEST_F(StartedChildTest, AnExecThatFailsIsToldAsAFailure) {
  trace::Recording recording;
  const trace::Session session(&recording);
  plan_.add(exec_of(plan_, {"/etc/passwd"}));
  StartedChild child = StartedChild::start(plan_, {});
  EXPECT_THROW(child.wait_for_exec(), StepError);
  int error = 0;
  for (const trace::Recording::Entry& entry : recording.entries()) {
    if (entry.record.call != nullptr && entry.record.call->name == std::string_view("execve")) {
      error = entry.record.error;
    }
  }
  EXPECT_EQ(EACCES, error);
}

TEST_F(StartedChildTest, CallsThatFoundNoRoomAreAnErrorAndNotALie) {
  trace::Recording recording;
  const trace::Session session(&recording);
  plan_.add(CallOften{5000});
  plan_.add(Sync{SyncPoint::ready, "x"});
  StartedChild child = StartedChild::start(plan_, {});
  EXPECT_THROW(child.wait_for(SyncPoint::ready), Error);
}

}  // namespace
}  // namespace minidocker
