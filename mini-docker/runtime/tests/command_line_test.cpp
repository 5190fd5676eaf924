// The command line as callers of runc write it, and how they are told of errors.
#include <sys/socket.h>

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "fd_listener.hpp"
#include "runc_fixture.hpp"

namespace minidocker::runtime {
namespace {

using nlohmann::json;
using testing::CommandResult;

class CommandLine : public RuncTest {
 protected:
  // What stands in the log after a command that fails: one JSON value.
  json logged(std::vector<std::string> args) {
    std::vector<std::string> whole = {"--log", dir_ / "log", "--log-format", "json"};
    whole.insert(whole.end(), args.begin(), args.end());
    const CommandResult result = runc(whole);
    EXPECT_EQ(result.exit_code, 1) << result.in_words();
    const json line = json::parse(testing::read_text(dir_ / "log"));
    EXPECT_EQ(line.at("level"), "error");
    EXPECT_EQ(line.at("msg").get<std::string>() + "\n", result.err);
    return line;
  }
  std::string told_by_debug(const std::vector<std::string>& globals) {
    (*bundle_)["process"]["capabilities"]["bounding"].push_back("CAP_FLY");
    bundle_->command({"true"});
    bundle_->write();
    std::vector<std::string> args = globals;
    args.insert(args.end(), {"run", "--bundle", bundle_->dir(), id_});
    const CommandResult result = runc(args);
    EXPECT_EQ(result.exit_code, 0) << result.in_words();
    return result.err;
  }
};

TEST_F(CommandLine, ErrorsGoToTheLogAsOneJsonValueAndToStandardError) {
  const CommandResult result = runc({"--log", dir_ / "log", "--log-format", "json", "state", id_});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(result.err.starts_with("container does not exist")) << result.err;
  const json line = json::parse(testing::read_text(dir_ / "log"));
  EXPECT_EQ(line.at("level"), "error");
  EXPECT_EQ(line.at("msg").get<std::string>() + "\n", result.err);
  EXPECT_TRUE(line.contains("time"));
}

TEST_F(CommandLine, TheLogOfACreationHoldsNothingButTheOneError) {
  bundle_->command({"no-such-program"});
  (*bundle_)["process"]["capabilities"]["bounding"].push_back("CAP_UNKNOWN");
  bundle_->write();
  const CommandResult result = runc(
      {"--log", dir_ / "log", "--log-format", "json", "create", "--bundle", bundle_->dir(), id_});
  EXPECT_EQ(result.exit_code, 1);
  const json line = json::parse(testing::read_text(dir_ / "log"));
  EXPECT_EQ(line.at("level"), "error");
}

TEST_F(CommandLine, AnErrorInItGoesToTheLogToo) {
  EXPECT_THAT(logged({"run", "--frobnicate", id_}).at("msg"), ::testing::HasSubstr("frobnicate"));
}

TEST_F(CommandLine, AnUnknownGlobalOptionGoesToTheLogToo) {
  EXPECT_THAT(logged({"--frobnicate", "list"}).at("msg"), ::testing::HasSubstr("frobnicate"));
}

TEST_F(CommandLine, WithoutALogTheJsonLineGoesToStandardError) {
  const CommandResult result = runc({"--log-format=json", "run", "--frobnicate", id_});
  EXPECT_EQ(json::parse(result.err).at("level"), "error");
}

TEST_F(CommandLine, AnUnknownFormatOfTheLogIsRefused) {
  const CommandResult result = runc({"--log-format", "yaml", "list"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, ::testing::HasSubstr("text or json"));
}

TEST_F(CommandLine, TheNarrationMayBeAskedForAfterOtherOptions) {
  EXPECT_THAT(runc({"--explain", "list"}).err, ::testing::HasSubstr("newfstatat("));
}

TEST_F(CommandLine, GoWritesALetterAndItsValueWithAnEqualsSign) {
  bundle_->command({"true"});
  bundle_->write();
  const CommandResult result = runc({"run", "-b=" + bundle_->dir(), id_});
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
}

TEST_F(CommandLine, ACgroupManagerThatIsNotThereIsRefusedByName) {
  const CommandResult result = runc({"--cgroup-manager", "disabled", "list"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, ::testing::HasSubstr("--cgroup-manager disabled is not supported yet"));
  EXPECT_EQ(runc({"--cgroup-manager=cgroupfs", "list"}).exit_code, 0);
  EXPECT_EQ(runc({"--cgroup-manager", "systemd", "list"}).exit_code, 0);
}

TEST_F(CommandLine, TheVersionIsInLinesThatEnginesRead) {
  const auto lines = testing::lines_of(runc({"--version"}).out);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_THAT(lines[0], ::testing::MatchesRegex("runc version [0-9]+\\.[0-9]+\\.[0-9]+"));
  EXPECT_THAT(lines[1], ::testing::StartsWith("commit: "));
  EXPECT_THAT(lines[2], ::testing::MatchesRegex("spec: [0-9]+\\.[0-9]+\\.[0-9]+"));
}

TEST_F(CommandLine, ThePidfdSocketGetsThePidfd) {
  FdListener listener(dir_ / "pidfd");
  bundle_->write();
  testing::RunningCommand create(
      command_line({"create", "--pidfd-socket", dir_ / "pidfd", "--bundle", bundle_->dir(), id_}));
  std::string payload;
  const UniqueFd pidfd = listener.receive(payload);
  ASSERT_TRUE(pidfd);
  EXPECT_EQ(payload, "standard");
  EXPECT_EQ(create.wait().exit_code, 0);
  const std::string info = testing::read_text(fmt::format("/proc/self/fdinfo/{}", pidfd.get()));
  EXPECT_THAT(info,
              ::testing::HasSubstr(fmt::format("\nPid:\t{}\n", state().at("pid").get<pid_t>())));
}

TEST_F(CommandLine, WarningsAreToldToWhoAsksForThem) {
  EXPECT_EQ(told_by_debug({}), "");
  EXPECT_THAT(told_by_debug({"--debug"}), ::testing::HasSubstr("CAP_FLY"));
  EXPECT_EQ(told_by_debug({"--debug", "--log", dir_ / "log"}), "");
  EXPECT_THAT(testing::read_text(dir_ / "log"), ::testing::HasSubstr("level=warning"));
}

TEST_F(CommandLine, ACallerThatIgnoresItsChildrenGetsTheExitCode) {
  bundle_->command({"sh", "-c", "exit 7"});
  bundle_->write();
  std::vector<std::string> argv = {"sh", "-c", "trap '' CHLD; exec \"$@\"", "sh"};
  for (const std::string& word : command_line({"run", "--bundle", bundle_->dir(), id_})) {
    argv.push_back(word);
  }
  const CommandResult result = testing::run_command(argv);
  EXPECT_EQ(result.exit_code, 7) << result.in_words();
}

}  // namespace
}  // namespace minidocker::runtime
