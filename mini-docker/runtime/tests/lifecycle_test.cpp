// What each command does in each state, and the state as it is told: OCI-runtime-spec runtime.md,
// and what runc 1.1 does where the specification leaves it open.
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "runc_fixture.hpp"

namespace minidocker::runtime {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::CommandResult;
using testing::RunningCommand;

class Lifecycle : public RuncTest {
 protected:
  // Brings the container into a state from nothing.
  void bring_to(const std::string& wanted) {
    remove(id_);
    if (wanted == "absent") return;
    if (wanted == "created") {
      ASSERT_GT(create(), 0);
    } else {
      const pid_t pid = run_detached();
      ASSERT_GT(pid, 0);
      if (wanted == "stopped") {
        ::kill(pid, SIGKILL);
        ASSERT_TRUE(testing::wait_for_end(pid, 5s));
      }
    }
    ASSERT_EQ(status(), wanted);
  }

  // A second container of the same bundle, by its other name.
  pid_t create_second() { return run_detached(other_, *bundle_); }
};

TEST_F(Lifecycle, CreateMakesEverythingButRunsNothingUntilStart) {
  bundle_->script("echo ran >/ran; exec sleep 1000");
  const pid_t pid = create();
  ASSERT_GT(pid, 0);
  EXPECT_EQ(status(), "created");
  EXPECT_FALSE(testing::find_text(bundle_->rootfs() + "/ran"));
  EXPECT_NE(testing::namespace_inode(pid, "pid"), testing::namespace_inode(getpid(), "pid"));

  EXPECT_EQ(runc({"start", id_}).exit_code, 0);
  EXPECT_EQ(status(), "running");
  // The shell opens its file right after execve, which is what start waits for.
  const CommandResult waited = testing::run_command(
      {"sh", "-c", "until [ -s \"$1\" ]; do :; done", "sh", bundle_->rootfs() + "/ran"});
  EXPECT_EQ(waited.exit_code, 0) << waited.in_words();
}

TEST_F(Lifecycle, EachCommandAnswersEachStateAsRuncDoes) {
  const std::vector<std::string> kStates = {"created", "running", "stopped", "absent"};
  const struct {
    std::vector<std::string> command;
    std::vector<int> codes;  // in the order of kStates
  } kTable[] = {
      {{"start", id_}, {0, 1, 1, 1}},        {{"state", id_}, {0, 0, 0, 1}},
      {{"kill", id_, "CONT"}, {0, 0, 1, 1}}, {{"kill", "--all", id_, "CONT"}, {0, 0, 0, 1}},
      {{"delete", id_}, {0, 1, 0, 1}},       {{"delete", "--force", id_}, {0, 0, 0, 0}},
  };
  for (const auto& row : kTable) {
    for (std::size_t i = 0; i < kStates.size(); ++i) {
      bring_to(kStates[i]);
      const CommandResult result = runc(row.command);
      EXPECT_EQ(result.exit_code, row.codes[i])
          << row.command[0] << " " << row.command[1] << " when " << kStates[i] << ": "
          << result.in_words();
    }
  }
}

TEST_F(Lifecycle, RefusalsUseTheWordsThatCallersMatch) {
  const struct {
    const char* state;
    std::vector<std::string> command;
    std::string words;
  } kTable[] = {
      {"absent", {"state", id_}, "container does not exist"},
      {"absent", {"start", id_}, "container does not exist"},
      {"absent", {"kill", id_}, "container does not exist"},
      {"absent", {"delete", id_}, "container does not exist"},
      {"running", {"start", id_}, "cannot start an already running container"},
      {"stopped", {"start", id_}, "cannot start a container that has stopped"},
      {"stopped", {"kill", id_}, "container not running"},
      {"running",
       {"delete", id_},
       fmt::format("cannot delete container {} that is not stopped: running", id_)},
  };
  for (const auto& row : kTable) {
    bring_to(row.state);
    const CommandResult result = runc(row.command);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_NE(result.err.find(row.words), std::string::npos) << result.in_words();
    EXPECT_EQ(testing::lines_of(result.err).size(), 1U) << result.err;
  }
}

TEST_F(Lifecycle, TheStateTellsWhatTheSpecificationAsksFor) {
  bundle_->config()["annotations"] = {{"org.example/a", "1"}};
  const pid_t pid = run_detached();
  const json now = state();
  EXPECT_EQ(now.at("id"), id_);
  EXPECT_EQ(now.at("pid"), pid);
  EXPECT_EQ(now.at("status"), "running");
  EXPECT_EQ(now.at("bundle"), bundle_->dir());
  EXPECT_EQ(now.at("rootfs"), bundle_->rootfs());
  EXPECT_EQ(now.at("annotations").at("org.example/a"), "1");
  EXPECT_TRUE(now.at("ociVersion").get<std::string>().starts_with("1."));
  EXPECT_EQ(now.at("created").get<std::string>().find('T'), 10U) << now.at("created");
}

TEST_F(Lifecycle, AStoppedContainerHasPidZero) {
  bring_to("stopped");
  EXPECT_EQ(state().at("pid"), 0);
}

TEST_F(Lifecycle, AZombieIsStopped) {
  const pid_t pid = run_detached();
  ASSERT_GT(pid, 0);
  ASSERT_EQ(testing::parent_of(pid), getpid()) << "the leak check makes us the subreaper";
  ::kill(pid, SIGKILL);
  ASSERT_TRUE(testing::wait_for_end(pid, 5s));
  ASSERT_EQ(testing::state_of(pid), 'Z');
  EXPECT_EQ(status(), "stopped");
}

TEST_F(Lifecycle, ListShowsEachContainerOnce) {
  EXPECT_EQ(runc({"list", "-f", "json"}).out.substr(0, 4), "null");
  const pid_t pid = run_detached();
  ASSERT_GT(create_second(), 0);
  EXPECT_EQ(testing::lines_of(runc({"list", "-q"}).out).size(), 2U);

  const auto table = testing::lines_of(runc({"list"}).out);
  ASSERT_EQ(table.size(), 3U);
  EXPECT_TRUE(table[0].starts_with("ID ")) << table[0];
  EXPECT_NE(table[0].find("OWNER"), std::string::npos);
  const json list = json::parse(runc({"list", "--format", "json"}).out);
  ASSERT_EQ(list.size(), 2U);
  const json& mine = list[0].at("id") == id_ ? list[0] : list[1];
  EXPECT_EQ(mine.at("pid"), pid);
  EXPECT_EQ(mine.at("status"), "running");
}

TEST_F(Lifecycle, ATakenIdIsRefusedAndTheOwnerLivesOn) {
  const pid_t pid = run_detached();
  const CommandResult again = runc({"run", "--bundle", bundle_->dir(), id_});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_NE(again.err.find("already exists"), std::string::npos) << again.err;
  EXPECT_EQ(status(), "running");
  EXPECT_EQ(state().at("pid"), pid);
}

TEST_F(Lifecycle, IdsThatAreNoFileNamesAreRefused) {
  bundle_->write();
  for (const char* id : {".", "..", "a/b", "a b", "../x"}) {
    const CommandResult result = runc({"run", "--bundle", bundle_->dir(), id});
    EXPECT_EQ(result.exit_code, 1) << id;
    EXPECT_TRUE(states().empty()) << id;
  }
}

TEST_F(Lifecycle, ThePidFileHoldsTheNumberAndNothingElse) {
  const pid_t pid = create();
  EXPECT_EQ(testing::read_text(dir_ / (id_ + ".pid")), std::to_string(pid));
}

TEST_F(Lifecycle, TheConfigurationIsNotReadAgainAfterCreate) {
  ASSERT_GT(create(), 0);
  testing::write_text(bundle_->dir() + "/config.json", "not JSON any more");
  EXPECT_EQ(runc({"start", id_}).exit_code, 0);
  EXPECT_EQ(status(), "running");
}

TEST_F(Lifecycle, RunPassesTheExitCodeOnAndDeletesTheContainer) {
  EXPECT_EQ(run_script("exit 7").exit_code, 7);
  EXPECT_EQ(run_script("exit 0").exit_code, 0);
  EXPECT_EQ(run_script("exit 255").exit_code, 255);
  EXPECT_TRUE(states().empty());
}

TEST_F(Lifecycle, AProgramKilledBySignalEndsWith128AndItsNumber) {
  bundle_->write();
  RunningCommand run(
      command_line({"run", "--bundle", bundle_->dir(), "--pid-file", dir_ / "pid", id_}));
  while (!testing::find_text(dir_ / "pid")) sched_yield();
  while (status() != "running") sched_yield();
  EXPECT_EQ(runc({"kill", id_, "KILL"}).exit_code, 0);
  EXPECT_EQ(run.wait().exit_code, 137);
}

TEST_F(Lifecycle, SignalsToRunReachTheProgram) {
  bundle_->script("trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done");
  bundle_->write();
  RunningCommand run(command_line({"run", "--bundle", bundle_->dir(), id_}));
  ASSERT_TRUE(run.read_until("ready"));
  run.signal(SIGTERM);
  EXPECT_EQ(run.wait().exit_code, 3);
}

TEST_F(Lifecycle, KillTakesNumbersAndNamesInAnyCase) {
  for (const char* signal : {"9", "KILL", "sigkill", "SIGKILL", "kill"}) {
    bring_to("running");
    const pid_t pid = state().at("pid").get<pid_t>();
    EXPECT_EQ(runc({"kill", id_, signal}).exit_code, 0) << signal;
    EXPECT_TRUE(testing::wait_for_end(pid, 5s)) << signal;
  }
}

TEST_F(Lifecycle, KillRefusesWhatIsNoSignal) {
  bring_to("running");
  for (const char* signal : {"FOO", "65536", "SIGSIGTERM"}) {
    EXPECT_EQ(runc({"kill", id_, signal}).exit_code, 1) << signal;
  }
  EXPECT_EQ(status(), "running");
}

TEST_F(Lifecycle, KillWithoutASignalTerminates) {
  bundle_->script("trap 'exit 0' TERM; echo >/ready; while :; do sleep 0.01; done");
  const pid_t pid = run_detached();
  while (!testing::find_text(bundle_->rootfs() + "/ready")) sched_yield();
  EXPECT_EQ(runc({"kill", id_}).exit_code, 0);
  EXPECT_TRUE(testing::wait_for_end(pid, 5s));
}

TEST_F(Lifecycle, KillAllReachesEveryProcessOfAContainerWithoutItsOwnPids) {
  bundle_->no_name_space("pid");
  bundle_->script("sleep 1000 & echo >/ready; wait");
  const pid_t pid = run_detached();
  while (!testing::find_text(bundle_->rootfs() + "/ready")) sched_yield();
  const auto children = testing::descendants_of(pid);
  ASSERT_EQ(children.size(), 1U);
  EXPECT_EQ(runc({"kill", "--all", id_, "KILL"}).exit_code, 0);
  EXPECT_TRUE(testing::wait_for_end(pid, 5s));
  EXPECT_TRUE(testing::wait_for_end(children[0], 5s));
}

TEST_F(Lifecycle, DeleteForceKillsEveryProcessOfAContainerWithoutItsOwnPids) {
  bundle_->no_name_space("pid");
  bundle_->script("sleep 1000 & echo >/ready; wait");
  const pid_t pid = run_detached();
  while (!testing::find_text(bundle_->rootfs() + "/ready")) sched_yield();
  const auto children = testing::descendants_of(pid);
  ASSERT_EQ(children.size(), 1U);
  remove(id_);
  EXPECT_TRUE(testing::wait_for_end(children[0], 5s));
}

TEST_F(Lifecycle, RunWithKeepLeavesAStoppedContainer) {
  bundle_->script("exit 4");
  bundle_->write();
  EXPECT_EQ(runc({"run", "--keep", "--bundle", bundle_->dir(), id_}).exit_code, 4);
  EXPECT_EQ(status(), "stopped");
  EXPECT_EQ(runc({"delete", id_}).exit_code, 0);
  EXPECT_EQ(status(), "absent");
}

TEST_F(Lifecycle, DeleteRemovesCgroupsAndState) {
  bring_to("running");
  EXPECT_FALSE(cgroup_dirs(id_).empty());
  remove(id_);
  EXPECT_TRUE(cgroup_dirs(id_).empty());
  EXPECT_TRUE(states().empty());
}

TEST_F(Lifecycle, DeletingOneLeavesTheOther) {
  const pid_t pid = run_detached();
  ASSERT_GT(create_second(), 0);
  remove(id_);
  EXPECT_NE(testing::state_of(pid), 'S');
  EXPECT_EQ(testing::lines_of(runc({"list", "-q"}).out), std::vector<std::string>{other_});
}

TEST_F(Lifecycle, CommandsNeedNoPathAndNoHome) {
  ASSERT_GT(create(), 0);
  const testing::CommandOptions bare{.empty_env = true};
  EXPECT_EQ(runc({"start", id_}, bare).exit_code, 0);
  EXPECT_EQ(runc({"state", id_}, bare).exit_code, 0);
  EXPECT_EQ(runc({"kill", id_, "9"}, bare).exit_code, 0);
  EXPECT_EQ(runc({"delete", "--force", id_}, bare).exit_code, 0);
}

}  // namespace
}  // namespace minidocker::runtime
