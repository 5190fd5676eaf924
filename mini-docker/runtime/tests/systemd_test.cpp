// Containers in scopes of systemd, as engines on systemd hosts want them.
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "minidocker/spec/defaults.hpp"
#include "minidocker/spec/write.hpp"
#include "runc_fixture.hpp"

namespace minidocker::runtime {
namespace {

using nlohmann::json;
using testing::CommandResult;
using testing::run_command;

std::string trimmed(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

/// What --systemd-cgroup does, for root and for an ordinary user alike.
class ScopeTest : public RuncTest {
 protected:
  [[nodiscard]] std::vector<std::string> scoped(std::vector<std::string> args) const {
    args.insert(args.begin(), "--systemd-cgroup");
    return args;
  }
  pid_t run_in_scope() {
    bundle_->write();
    const std::string file = dir_.path() + "/pid";
    // Nobody is left who would hold our pipes open.
    const std::vector<std::string> line =
        command_line(scoped({"run", "-d", "--bundle", bundle_->dir(), "--pid-file", file, id_}));
    std::vector<std::string> command{"sh", "-c", "exec \"$@\" </dev/null >/dev/null", "sh"};
    command.insert(command.end(), line.begin(), line.end());
    const CommandResult result = run_command(command);
    EXPECT_EQ(0, result.exit_code) << result.in_words();
    return result.exit_code == 0 ? std::stoi(testing::read_text(file)) : 0;
  }
  CommandResult run_script_in_scope(const std::string& script) {
    bundle_->script(script);
    bundle_->write();
    return runc(scoped({"run", "--bundle", bundle_->dir(), id_}));
  }
  static std::string group_of(pid_t pid) { return testing::cgroups_of(pid)[""]; }
  static std::string group_file(pid_t pid, const std::string& name) {
    return trimmed(testing::read_text("/sys/fs/cgroup" + group_of(pid) + "/" + name));
  }
  [[nodiscard]] std::string unit() const { return "mini-docker-" + id_ + ".scope"; }
  std::string property(const std::string& name) const {
    std::vector<std::string> command{"systemctl", "show", "--value", "-p", name, unit()};
    if (::geteuid() != 0) command.insert(command.begin() + 1, "--user");
    return trimmed(run_command(command).out);
  }
};

class SystemdContainer : public ScopeTest {
 protected:
  void SetUp() override {
    MD_NEEDS("root", "systemd", "cgroup2");
    ScopeTest::SetUp();
  }
};

TEST_F(SystemdContainer, LivesInAScopeOfTheSystemSlice) {
  (*bundle_)["linux"]["resources"]["memory"] = {{"limit", 67108864}};
  (*bundle_)["linux"]["resources"]["pids"] = {{"limit", 20}};
  const pid_t pid = run_in_scope();
  ASSERT_GT(pid, 0);
  EXPECT_EQ("/system.slice/" + unit(), group_of(pid));
  EXPECT_EQ("67108864", group_file(pid, "memory.max"));
  EXPECT_EQ("20", group_file(pid, "pids.max"));
  EXPECT_EQ("67108864", property("MemoryMax"));
  EXPECT_EQ("active", property("ActiveState"));
  remove(id_);
  EXPECT_NE("loaded", property("LoadState")) << property("ActiveState");
  EXPECT_NE(0, ::access(("/sys/fs/cgroup/system.slice/" + unit()).c_str(), F_OK));
}

TEST_F(SystemdContainer, IsNamedAsEnginesNameIt) {
  (*bundle_)["linux"]["cgroupsPath"] = "mini-test.slice:docker:" + other_;
  const pid_t pid = run_in_scope();
  ASSERT_GT(pid, 0);
  EXPECT_EQ("/mini.slice/mini-test.slice/docker-" + other_ + ".scope", group_of(pid));
}

TEST_F(SystemdContainer, SeesItsScopeAsTheRootOfItsTree) {
  bundle_->name_space("cgroup");
  const CommandResult result = run_script_in_scope("cat /proc/self/cgroup");
  EXPECT_EQ("0::/\n", result.out) << result.in_words();
}

TEST_F(SystemdContainer, ForegroundOneLeavesNothing) {
  const CommandResult result = run_script_in_scope("exit 7");
  EXPECT_EQ(7, result.exit_code) << result.in_words();
  EXPECT_NE("loaded", property("LoadState"));
  EXPECT_TRUE(states().empty());
}

TEST_F(SystemdContainer, MemoryHogIsKilledAtTheLimit) {
  (*bundle_)["linux"]["resources"]["memory"] = {{"limit", 16777216}, {"swap", 16777216}};
  bundle_->mount("/scratch", "tmpfs", "tmpfs", {});
  EXPECT_EQ(137, run_script_in_scope("head -c 64m /dev/zero >/scratch/x").exit_code);
}

TEST_F(SystemdContainer, ForksFailAtThePidsLimit) {
  (*bundle_)["linux"]["resources"]["pids"] = {{"limit", 5}};
  const CommandResult result =
      run_script_in_scope("for i in 1 2 3 4 5 6 7 8; do sleep 100 & done; echo unreached");
  EXPECT_NE("unreached\n", result.out) << result.in_words();
}

TEST_F(SystemdContainer, CreateStartKillDeleteWork) {
  bundle_->write();
  const std::vector<std::string> line =
      command_line(scoped({"create", "--bundle", bundle_->dir(), id_}));
  std::vector<std::string> command{"sh", "-c", "exec \"$@\" </dev/null >/dev/null", "sh"};
  command.insert(command.end(), line.begin(), line.end());
  const CommandResult made = run_command(command);
  ASSERT_EQ(0, made.exit_code) << made.in_words();
  EXPECT_EQ(0, runc({"start", id_}).exit_code);
  EXPECT_EQ("running", status());
  const auto pid = state().at("pid").get<pid_t>();
  EXPECT_EQ(0, runc({"kill", id_, "KILL"}).exit_code);
  ASSERT_TRUE(testing::wait_for_end(pid, std::chrono::seconds(5)));
  EXPECT_EQ(0, runc({"delete", id_}).exit_code);
  EXPECT_NE("loaded", property("LoadState"));
}

TEST_F(SystemdContainer, UpdateIsKnownToSystemd) {
  (*bundle_)["linux"]["resources"]["pids"] = {{"limit", 20}};
  const pid_t pid = run_in_scope();
  ASSERT_GT(pid, 0);
  const CommandResult result = runc({"update", "--pids-limit", "30", id_});
  EXPECT_EQ(0, result.exit_code) << result.in_words();
  EXPECT_EQ(0, run_command({"systemctl", "daemon-reload"}).exit_code);
  EXPECT_EQ("30", group_file(pid, "pids.max"));
  EXPECT_EQ("30", property("TasksMax"));
}

TEST_F(SystemdContainer, SharingThePidNamespaceStillFindsItsHelper) {
  bundle_->no_name_space("pid");
  const CommandResult result = run_script_in_scope("echo here");
  EXPECT_EQ("here\n", result.out) << result.in_words();
}

TEST_F(SystemdContainer, RuntimeKilledAtAnyOfItsMessagesLeavesNoScope) {
  MD_NEEDS("strace");
  bundle_->script("true");
  bundle_->write();
  const std::vector<std::string> line =
      command_line(scoped({"run", "--bundle", bundle_->dir(), id_}));
  int kills = 0;
  for (bool survived = false; !survived; ++kills) {
    ASSERT_LT(kills, 60) << "it never comes to its end";
    std::vector<std::string> command{
        "strace", "-qq",
        "-o",     "/dev/null",
        "-e",     fmt::format("inject=sendmsg,recvmsg,poll:signal=KILL:when={}", kills + 1)};
    command.insert(command.end(), line.begin(), line.end());
    survived = run_command(command).exit_code == 0;
    if (survived) break;
    EXPECT_EQ(0, runc({"delete", "--force", id_}).exit_code) << kills;
    EXPECT_NE("active", property("ActiveState")) << kills;
  }
  EXPECT_GE(kills, 3);
}

TEST_F(ScopeTest, PathOfTheOtherDriverIsRefused) {
  MD_NEEDS("root");
  (*bundle_)["linux"]["cgroupsPath"] = "/mini-docker/" + id_;
  const CommandResult result = run_script_in_scope("true");
  EXPECT_EQ(1, result.exit_code);
  EXPECT_NE(std::string::npos, result.err.find("SLICE:PREFIX:NAME")) << result.err;
  EXPECT_TRUE(states().empty());
}

TEST_F(ScopeTest, IsRefusedByNameOnAHostWithV1) {
  MD_NEEDS("root", "cgroup1");
  const CommandResult result = run_script_in_scope("true");
  EXPECT_EQ(1, result.exit_code);
  EXPECT_NE(std::string::npos, result.err.find("the systemd driver needs cgroup v2 alone"))
      << result.err;
  EXPECT_TRUE(states().empty());
}

/// The same for an ordinary user, in a login session.
class DelegatedContainer : public ScopeTest {
 protected:
  void SetUp() override {
    MD_NEEDS("delegated", "userns", "busybox");
    bundle_ = std::make_unique<Bundle>(dir_.path() + "/bundle");
    bundle_->config() = json::parse(spec::write(spec::rootless_spec(::geteuid(), ::getegid())));
    bundle_->config()["process"].erase("terminal");
    bundle_->config()["root"]["readonly"] = false;
    bundle_->command({"sleep", "1000"});
  }
};

TEST_F(DelegatedContainer, LivesInAScopeOfTheUsersOwn) {
  (*bundle_)["linux"]["resources"]["memory"] = {{"limit", 67108864}};
  (*bundle_)["linux"]["resources"]["pids"] = {{"limit", 20}};
  const pid_t pid = run_in_scope();
  ASSERT_GT(pid, 0);
  EXPECT_EQ(fmt::format("/user.slice/user-{0}.slice/user@{0}.service/user.slice/{1}", ::geteuid(),
                        unit()),
            group_of(pid));
  EXPECT_EQ("67108864", group_file(pid, "memory.max"));
  EXPECT_EQ("20", group_file(pid, "pids.max"));
  remove(id_);
  EXPECT_NE("loaded", property("LoadState"));
}

TEST_F(DelegatedContainer, ForksFailAtThePidsLimit) {
  (*bundle_)["linux"]["resources"]["pids"] = {{"limit", 5}};
  const CommandResult result =
      run_script_in_scope("for i in 1 2 3 4 5 6 7 8; do sleep 100 & done; echo unreached");
  EXPECT_NE("unreached\n", result.out) << result.in_words();
}

TEST_F(DelegatedContainer, ControllerThatIsNotDelegatedIsRefusedWithItsRemedy) {
  (*bundle_)["linux"]["resources"]["cpu"] = {{"cpus", "0"}};
  const CommandResult result = run_script_in_scope("true");
  EXPECT_EQ(1, result.exit_code);
  EXPECT_NE(std::string::npos, result.err.find("delegate.conf")) << result.err;
}

}  // namespace
}  // namespace minidocker::runtime
