// What others leave behind, and many commands at once.
#include <fcntl.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <list>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/unique_fd.hpp"
#include "runc_fixture.hpp"

namespace minidocker::runtime {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::CommandResult;
using testing::RunningCommand;

class Robustness : public RuncTest {
 protected:
  std::string state_file() const { return root_ + "/" + id_ + "/state.json"; }
  // How many of `count` runs of the same command at once succeeded.
  int successes(const std::vector<std::string>& args, int count) {
    std::list<RunningCommand> running;
    for (int i = 0; i < count; ++i) running.emplace_back(command_line(args));
    int succeeded = 0;
    for (RunningCommand& command : running) {
      const CommandResult result = command.wait();
      if (result.exit_code == 0) ++succeeded;
      told_ += result.err;
    }
    return succeeded;
  }
  // A state without a cgroup, as on a host that lets us make none; `before` puts it back.
  std::string forget_cgroup() {
    const std::string before = testing::read_text(state_file());
    json without = json::parse(before);
    without["cgroup"] = "";
    testing::write_text(state_file(), without.dump());
    return before;
  }
  std::string told_;
};

TEST_F(Robustness, ListSkipsWhatCannotBeAContainer) {
  ASSERT_GT(run_detached(), 0);
  testing::write_text(root_ + "/README", "of somebody");
  make_dirs(root_ + "/no id", 0755);
  const CommandResult result = runc({"list", "-q"});
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  EXPECT_EQ(testing::lines_of(result.out), std::vector<std::string>{id_});
  for (const char* name : {"/README", "/no id"}) remove_tree(root_ + name);
}

TEST_F(Robustness, AStateThatIsNoneOfOursIsMarkedAndRefused) {
  const pid_t pid = run_detached();
  for (const char* text : {"", "{}", "[]", R"({"id": "x"})",
                           "\x7f"
                           "ELF"}) {
    testing::write_text(state_file(), text);
    const CommandResult list = runc({"list"});
    EXPECT_EQ(list.exit_code, 0) << list.in_words();
    EXPECT_THAT(list.out, ::testing::HasSubstr(" broken "));
    for (const auto& command : {std::vector<std::string>{"state", id_},
                                {"start", id_},
                                {"kill", id_, "KILL"},
                                {"delete", id_}}) {
      const CommandResult result = runc(command);
      EXPECT_EQ(result.exit_code, 1) << command[0];
      EXPECT_THAT(result.err, ::testing::HasSubstr("hint: `delete --force")) << command[0];
    }
    EXPECT_TRUE(exists(fmt::format("/proc/{}", pid)));
  }
}

TEST_F(Robustness, DeleteForceRemovesAContainerWhoseStateIsBroken) {
  const pid_t pid = run_detached();
  testing::write_text(state_file(), "");
  remove(id_);
  EXPECT_TRUE(testing::wait_for_end(pid, 5s));
  EXPECT_TRUE(states().empty());
  EXPECT_TRUE(cgroup_dirs(id_).empty());
}

TEST_F(Robustness, OfManyStartsAtOnceExactlyOneSucceeds) {
  for (int round = 0; round < 5; ++round) {
    ASSERT_GT(create(), 0);
    EXPECT_EQ(successes({"start", id_}, 8), 1) << told_;
    EXPECT_EQ(status(), "running");
    remove(id_);
  }
}

TEST_F(Robustness, DeletesAtOnceAllSucceed) {
  for (int round = 0; round < 5; ++round) {
    ASSERT_GT(run_detached(), 0);
    EXPECT_EQ(successes({"delete", "--force", id_}, 8), 8) << told_;
    EXPECT_TRUE(states().empty());
  }
}

// What a start does first; the name of the FIFO is left.
TEST_F(Robustness, AStartThatWasKilledHalfwayHasStartedTheContainer) {
  bundle_->script("echo >/ran; exec sleep 1000");
  ASSERT_GT(create(), 0);
  const std::string path = root_ + "/" + id_ + "/exec.fifo";
  {
    const UniqueFd fifo(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::write(fifo.get(), "0", 1), 1);
  }
  while (!testing::find_text(bundle_->rootfs() + "/ran")) sched_yield();
  EXPECT_EQ(status(), "running");
  const CommandResult again = runc({"start", id_});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, ::testing::HasSubstr("cannot start an already running container"));
}

TEST_F(Robustness, KillAllWithoutAGroupEndsThePidNamespace) {
  const pid_t pid = run_detached();
  const std::string before = forget_cgroup();
  const CommandResult result = runc({"kill", "--all", id_, "KILL"});
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  EXPECT_TRUE(testing::wait_for_end(pid, 5s));
  testing::write_text(state_file(), before);
}

TEST_F(Robustness, KillAllSaysThatItKnowsNobody) {
  bundle_->no_name_space("pid");
  const pid_t pid = run_detached();
  const std::string before = forget_cgroup();
  const CommandResult result = runc({"kill", "--all", id_, "KILL"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, ::testing::HasSubstr("neither a cgroup nor a PID namespace"));
  EXPECT_TRUE(exists(fmt::format("/proc/{}", pid)));
  testing::write_text(state_file(), before);
}

TEST_F(Robustness, DeletingAnEndedContainerSparesWhoHasItsGroupNow) {
  MD_NEEDS("cgroup1");
  (*bundle_)["linux"]["cgroupsPath"] = "/mini-docker/" + id_;
  bundle_->command({"true"});
  bundle_->write();
  ASSERT_EQ(runc({"run", "--keep", "--bundle", bundle_->dir(), id_}).exit_code, 0);
  bundle_->command({"sleep", "1000"});
  const pid_t stranger = run_detached(other_, *bundle_);
  ASSERT_GT(stranger, 0);

  const CommandResult result = runc({"delete", id_});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, ::testing::HasSubstr("container's cgroup is not empty"));
  EXPECT_THAT(result.err, ::testing::HasSubstr(std::to_string(stranger)));
  remove(id_);
  EXPECT_EQ(testing::state_of(stranger), 'S') << "it is no process of the deleted container";
}

}  // namespace
}  // namespace minidocker::runtime
