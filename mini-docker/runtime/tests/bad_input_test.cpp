// What is wrong with a bundle or a command line: exit code 1, one line that says what, nothing
// left behind (the fixture looks).
#include <sys/stat.h>

#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "runc_fixture.hpp"

namespace minidocker::runtime {
namespace {

using nlohmann::json;
using testing::CommandResult;

class BadInput : public RuncTest {
 protected:
  void expect_refused(const CommandResult& result, const std::string& words) {
    EXPECT_EQ(result.exit_code, 1) << result.in_words();
    EXPECT_NE(result.err.find(words), std::string::npos) << words << " is not in " << result.err;
    EXPECT_EQ(testing::lines_of(result.err).size(), 1U) << result.err;
    EXPECT_TRUE(states().empty());
    EXPECT_TRUE(cgroup_dirs(id_).empty());
  }
  CommandResult run() {
    bundle_->write();
    return runc({"run", "--bundle", bundle_->dir(), id_});
  }
  CommandResult create_only() {
    bundle_->write();
    return runc({"create", "--bundle", bundle_->dir(), id_});
  }
};

TEST_F(BadInput, AMissingProgramIsToldByCreateAlready) {
  bundle_->command({"no-such-program"});
  expect_refused(create_only(), "executable file not found in $PATH");
  expect_refused(run(), "executable file not found in $PATH");
}

TEST_F(BadInput, AMissingProgramWithAPathIsNamed) {
  bundle_->command({"/no/such/program"});
  expect_refused(create_only(), "/no/such/program");
  expect_refused(run(), "no such file or directory");
}

TEST_F(BadInput, AProgramThatMayNotBeExecutedIsNamed) {
  testing::write_text(bundle_->rootfs() + "/plain", "text");
  bundle_->command({"/plain"});
  expect_refused(run(), "permission denied");
}

TEST_F(BadInput, ADirectoryIsNoProgram) {
  bundle_->command({"/bin"});
  const CommandResult result = run();
  EXPECT_EQ(result.exit_code, 1) << result.in_words();
  EXPECT_TRUE(states().empty());
}

TEST_F(BadInput, AFileThatIsNoProgramIsNamed) {
  testing::write_text(bundle_->rootfs() + "/odd", "no magic here");
  ASSERT_EQ(::chmod((bundle_->rootfs() + "/odd").c_str(), 0755), 0);
  bundle_->command({"/odd"});
  expect_refused(run(), "exec format error");
}

// create has ended when it is tried, and start cannot know why the wait was over.
TEST_F(BadInput, AFileThatIsNoProgramIsToldToTheProgramsStandardErrorAfterStart) {
  testing::write_text(bundle_->rootfs() + "/odd", "no magic here");
  ASSERT_EQ(::chmod((bundle_->rootfs() + "/odd").c_str(), 0755), 0);
  bundle_->command({"/odd"});
  bundle_->write();
  std::vector<std::string> argv = {"sh", "-c", "exec 2>\"$1\"; shift; exec \"$@\"", "sh",
                                   dir_ / "err"};
  for (const std::string& word : command_line({"create", "--bundle", bundle_->dir(), id_})) {
    argv.push_back(word);
  }
  EXPECT_EQ(testing::run_command(argv).exit_code, 0);
  EXPECT_EQ(runc({"start", id_}).exit_code, 0);
  while (status() != "stopped") sched_yield();
  EXPECT_EQ(testing::read_text(dir_ / "err"), "exec: \"/odd\": exec format error (ENOEXEC)\n");
}

TEST_F(BadInput, AMissingBundleAndAMissingConfigurationAreNamed) {
  expect_refused(runc({"run", "--bundle", dir_ / "absent", id_}), "absent");
  expect_refused(runc({"run", "--bundle", bundle_->dir(), id_}), "config.json");
}

TEST_F(BadInput, AConfigurationThatIsNoJsonIsToldWithItsPlace) {
  testing::write_text(bundle_->dir() + "/config.json", "{\n  \"ociVersion\": }");
  expect_refused(runc({"run", "--bundle", bundle_->dir(), id_}), "line 2, column");
}

TEST_F(BadInput, EachWrongMemberIsToldWithItsPlace) {
  const json original = bundle_->config();
  const struct {
    const char* pointer;
    json value;
    const char* words;
  } kCases[] = {
      {"/ociVersion", "3.0.0", "/ociVersion: "},
      {"/linux/resources/memory",
       {{"limit", "64m"}},
       "/linux/resources/memory/limit: expected an integer"},
      {"/linux/resources/cpu", {{"quota", 5}}, "/linux/resources/cpu/quota: "},
      {"/process/cwd", "tmp", "/process/cwd: "},
      {"/process/args", json::array(), "/process/args: "},
      {"/process/oomScoreAdj", 5000, "/process/oomScoreAdj: "},
      {"/process/rlimits/0/type", "RLIMIT_FOO", "/process/rlimits/0/type: "},
      {"/linux/namespaces/0/type", "pids", "/linux/namespaces/0/type: "},
      {"/linux/namespaces/0/type", "uts", "/linux/namespaces/3/type: "},
      {"/linux/uidMappings",
       {{{"containerID", 0}, {"hostID", 0}, {"size", 1}}},
       "/linux/uidMappings: "},
      {"/linux/maskedPaths/0", "proc/acpi", "/linux/maskedPaths/0: "},
      {"/mounts/1/destination", "/", "/mounts/1/destination: "},
      {"/mounts/1/destination", "/proc/sys", "/mounts/1/destination: "},
      {"/mounts/1/type", "", "/mounts/1/type: "},
      {"/hooks", {{"prestart", {{{"path", "/bin/true"}}}}}, "/hooks/prestart: not supported yet"},
      {"/linux/seccomp",
       {{"defaultAction", "SCMP_ACT_ALLOW"}},
       "/linux/seccomp: not supported yet"},
      {"/linux/sysctl", {{"net.core.somaxconn", "1"}}, "/linux/sysctl: not supported yet"},
      {"/process/apparmorProfile", "p", "/process/apparmorProfile: not supported yet"},
  };
  for (const auto& wrong : kCases) {
    bundle_->config() = original;
    bundle_->config()[json::json_pointer(wrong.pointer)] = wrong.value;
    expect_refused(create_only(), wrong.words);
  }
}

TEST_F(BadInput, ANamespaceThatIsNotThereIsNamed) {
  bundle_->name_space("network", "/proc/1/ns/no-such");
  expect_refused(run(), "/proc/1/ns/no-such");
  expect_refused(run(), "config.json: /linux/namespaces/4/path: ");
}

TEST_F(BadInput, ARootThatIsNoDirectoryIsToldWithItsPlace) {
  (*bundle_)["root"]["path"] = "absent";
  expect_refused(run(), "config.json: /root/path: ");
  expect_refused(run(), "no such file or directory");
  testing::write_text(bundle_->dir() + "/file", "f");
  (*bundle_)["root"]["path"] = "file";
  expect_refused(run(), "not a directory");
}

TEST_F(BadInput, AMisspeltOptionOfABindIsRefusedWithItsPlace) {
  bundle_->mount("/mnt", "none", bundle_->dir(), {"rbind", "readonly"});
  expect_refused(run(), "/mounts/7/options/1: ");
}

TEST_F(BadInput, AWorkingDirectoryThatIsAFileIsNamed) {
  testing::write_text(bundle_->rootfs() + "/file", "f");
  (*bundle_)["process"]["cwd"] = "/file";
  expect_refused(run(), "/file");
}

TEST_F(BadInput, AWorkingDirectoryOutsideThroughADescriptorIsRefused) {
  for (int fd = 3; fd < 12; ++fd) {
    (*bundle_)["process"]["cwd"] = fmt::format("/proc/self/fd/{}", fd);
    const CommandResult result = run();
    EXPECT_EQ(result.exit_code, 1) << fd << ": " << result.in_words();
  }
}

TEST_F(BadInput, AHardLimitAboveOursIsNamed) {
  (*bundle_)["process"]["rlimits"] = {
      {{"type", "RLIMIT_NOFILE"}, {"soft", 1}, {"hard", 1ULL << 40U}}};
  expect_refused(run(), "RLIMIT_NOFILE");
}

TEST_F(BadInput, UnknownCommandsOptionsAndMissingIdsAreRefused) {
  for (const auto& args : {std::vector<std::string>{"frobnicate"},
                           {"run", "--frobnicate", id_},
                           {"run"},
                           {"state"},
                           {"kill"},
                           {"start", id_, "more"},
                           {"list", "--format", "yaml"}}) {
    const CommandResult result = runc(args);
    EXPECT_NE(result.exit_code, 0) << args[0];
    EXPECT_TRUE(states().empty());
  }
}

TEST_F(BadInput, CommandsThatAreNotThereYetAreRefusedByName) {
  for (const char* name : {"exec", "ps", "checkpoint", "restore", "features"}) {
    expect_refused(runc({name, id_}), std::string(name) + " is not supported yet");
  }
}

}  // namespace
}  // namespace minidocker::runtime
