// An ordinary user's container.
#include <unistd.h>

#include <chrono>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "minidocker/spec/defaults.hpp"
#include "minidocker/spec/write.hpp"
#include "runc_fixture.hpp"

namespace minidocker::runtime {
namespace {

using nlohmann::json;
using testing::CommandResult;

class Rootless : public RuncTest {
 protected:
  void SetUp() override {
    MD_NEEDS("user", "userns");
    RuncTest::SetUp();
    if (bundle_ == nullptr) return;
    user_ = testing::unprivileged_user();
    bundle_->config() = json::parse(spec::write(spec::rootless_spec(user_.uid, user_.gid)));
    bundle_->config()["process"].erase("terminal");
    bundle_->config()["root"]["readonly"] = false;
    bundle_->command({"sleep", "1000"});
    bundle_->write();
    const std::string ids = fmt::format("{}:{}", user_.uid, user_.gid);
    testing::run_command({"chown", "-hR", ids, dir_.path()});
  }
  CommandResult run_as_user(const std::string& script) {
    bundle_->script(script);
    bundle_->write();
    return runc({"run", "--bundle", bundle_->dir(), id_}, {.user = user_});
  }

  testing::User user_{};
};

TEST_F(Rootless, TheProgramIsRootInsideAndTheUserOutside) {
  const CommandResult result = run_as_user("id -u; cat /proc/self/uid_map; touch /made");
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  const auto lines = testing::lines_of(result.out);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], "0");
  EXPECT_EQ(lines[1], fmt::format("{:>10} {:>10} {:>10}", 0, user_.uid, 1));
}

TEST_F(Rootless, DefaultDevicesWork) {
  const CommandResult result =
      run_as_user("echo x >/dev/null && head -c 3 /dev/zero | wc -c && ls /dev/pts");
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  EXPECT_EQ(result.out, "3\nptmx\n");
}

TEST_F(Rootless, HostNameMaskedAndReadOnlyPathsWork) {
  const CommandResult result = run_as_user("hostname; cat /proc/keys; touch /proc/sys/x");
  EXPECT_NE(result.exit_code, 0);
  EXPECT_EQ(result.out, "mini-runc\n") << result.in_words();
}

TEST_F(Rootless, CreateStartStateKillDeleteWork) {
  const testing::CommandOptions as_user{.user = user_};
  const CommandResult made = testing::run_command(
      {"setpriv", fmt::format("--reuid={}", user_.uid), fmt::format("--regid={}", user_.gid),
       "--clear-groups", "sh", "-c", "exec \"$@\" </dev/null >/dev/null", "sh", command_line({})[0],
       "--root", root_, "create", "--bundle", bundle_->dir(), id_});
  ASSERT_EQ(made.exit_code, 0) << made.in_words();
  EXPECT_EQ(runc({"start", id_}, as_user).exit_code, 0);
  const json now = json::parse(runc({"state", id_}, as_user).out);
  EXPECT_EQ(now.at("status"), "running");
  EXPECT_EQ(runc({"kill", id_, "KILL"}, as_user).exit_code, 0);
  ASSERT_TRUE(testing::wait_for_end(now.at("pid").get<pid_t>(), std::chrono::seconds(5)));
  EXPECT_EQ(runc({"delete", id_}, as_user).exit_code, 0);
}

TEST_F(Rootless, ALimitIsRefusedNamingDelegation) {
  bundle_->config()["linux"]["resources"]["memory"] = {{"limit", 67108864}};
  const CommandResult result = run_as_user("true");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("delegat"), std::string::npos) << result.err;
  EXPECT_TRUE(states().empty());
}

TEST_F(Rootless, WithoutAUserNamespaceItIsRefusedInWords) {
  bundle_->no_name_space("user");
  bundle_->config()["linux"].erase("uidMappings");
  bundle_->config()["linux"].erase("gidMappings");
  const CommandResult result = run_as_user("true");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("operation not permitted"), std::string::npos) << result.err;
  EXPECT_EQ(testing::lines_of(result.err).size(), 1U) << result.err;
}

}  // namespace
}  // namespace minidocker::runtime
