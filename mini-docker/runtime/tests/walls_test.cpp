// What must not come through: the caller's state, the host's tree, our own binary. Each test is an
// attack, or a careless caller, seen from outside.
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "runc_fixture.hpp"

namespace minidocker::runtime {
namespace {

using nlohmann::json;
using testing::CommandResult;

class Walls : public RuncTest {
 protected:
  // mini-runc run, started by a shell that does `before` first.
  CommandResult run_after(const std::string& before) {
    bundle_->write();
    std::string line = before + "; exec";
    for (const std::string& word : command_line({"run", "-b", bundle_->dir(), id_})) {
      line += " '" + word + "'";
    }
    return testing::run_command({"bash", "-c", line});
  }

  void as_user(unsigned uid) {
    bundle_->config()["process"]["user"] = {{"uid", uid}, {"gid", uid}};
  }
};

TEST_F(Walls, ADirectoryThatLeaksInIsNoWayOut) {
  MD_NEEDS("root");
  // CVE-2024-21626: /bin/true of the host, by way of a descriptor of the host's root.
  bundle_->command({"/proc/self/fd/199/../bin/true"});
  const CommandResult result = run_after("exec 199</usr");
  EXPECT_EQ(result.exit_code, 1) << result.in_words();
  EXPECT_NE(result.err.find("no such file or directory"), std::string::npos) << result.in_words();
}

TEST_F(Walls, ADirectoryOfTheHostIsNoWorkingDirectory) {
  MD_NEEDS("root");
  for (int fd = 3; fd < 20; ++fd) {
    bundle_->config()["process"]["cwd"] = fmt::format("/proc/self/fd/{}", fd);
    bundle_->script("pwd; ls");
    const CommandResult result = run_after("exec 19</etc");
    EXPECT_EQ(result.out.find("passwd-"), std::string::npos) << fd << result.in_words();
  }
}

TEST_F(Walls, SignalsThatTheCallerIgnoresOrBlocksAreNotInherited) {
  MD_NEEDS("root");
  bundle_->command({"grep", "-E", "^Sig(Ign|Blk)", "/proc/self/status"});  // a shell ignores some
  bundle_->write();
  std::vector<std::string> line = command_line({"run", "-b", bundle_->dir(), id_});
  line.insert(line.begin(),
              {"env", "--ignore-signal=HUP,INT,QUIT,TERM,PIPE,CHLD,USR1", "--block-signal=USR2"});
  const CommandResult result = testing::run_command(line);
  EXPECT_EQ(result.out, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n")
      << result.in_words();
}

TEST_F(Walls, TheCallersUmaskShapesNothing) {
  MD_NEEDS("root");
  bundle_->mount("/new/dir", "tmpfs", "tmpfs", {"mode=755"});
  bundle_->config()["process"]["cwd"] = "/made/cwd";
  bundle_->script("stat -c %a /new /made /dev/null; umask");
  EXPECT_EQ(run_after("umask 077").out, "755\n755\n666\n0022\n");
}

TEST_F(Walls, StandardStreamsCanBeOpenedAnewByTheUser) {
  MD_NEEDS("root");
  as_user(1000);
  bundle_->script("echo out >/dev/stdout; echo err >/dev/stderr");
  const CommandResult result = run_script("echo out >/dev/stdout; echo err >/dev/stderr");
  EXPECT_EQ(result.out, "out\n") << result.in_words();
  EXPECT_EQ(result.err, "err\n") << result.in_words();
}

TEST_F(Walls, AMissingWorkingDirectoryIsMadeInAReadOnlyRoot) {
  MD_NEEDS("root");
  bundle_->config()["root"]["readonly"] = true;
  bundle_->config()["process"]["cwd"] = "/nope/x";
  EXPECT_EQ(output_of("pwd"), "/nope/x");
}

TEST_F(Walls, AWorkingDirectoryOfRootsIsEnteredForAUser) {
  MD_NEEDS("root");
  ASSERT_EQ(::mkdir((bundle_->rootfs() + "/roots").c_str(), 0700), 0);
  as_user(1000);
  bundle_->config()["process"]["cwd"] = "/roots";
  EXPECT_EQ(output_of("pwd"), "/roots");
}

TEST_F(Walls, AProcessThatWaitsForStartIsClosedToOthersWithItsPrivileges) {
  MD_NEEDS("root");
  as_user(1000);
  bundle_->config()["process"].erase("capabilities");
  const pid_t waiting = create();
  ASSERT_GT(waiting, 0);
  // CVE-2019-5736 begins with opening this.
  const CommandResult result = testing::run_command(
      {"setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "--inh-caps=-all",
       "--bounding-set=-all", "cat", fmt::format("/proc/{}/exe", waiting)});
  EXPECT_NE(result.exit_code, 0);
  EXPECT_NE(result.err.find("Permission denied"), std::string::npos) << result.in_words();
}

TEST_F(Walls, AJoinedMountNamespaceIsRefused) {
  MD_NEEDS("root");
  bundle_->name_space("mount", "/proc/self/ns/mnt");
  const CommandResult result = run_script("true");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("joins a mount namespace"), std::string::npos) << result.in_words();
}

TEST_F(Walls, DeviceRulesThatCannotBeSetAreRefused) {
  MD_NEEDS("root");
  bundle_->script("true");
  bundle_->write();
  std::vector<std::string> line = command_line({"run", "-b", bundle_->dir(), id_});
  line.insert(line.begin(), {"unshare", "-m", "sh", "-c",
                             "for m in $(awk '$3 ~ /^cgroup/ {print $2}' /proc/mounts); do "
                             "mount -o remount,bind,ro $m; done; exec \"$@\"",
                             "sh"});
  const CommandResult result = testing::run_command(line);
  EXPECT_EQ(result.exit_code, 1) << result.in_words();
  EXPECT_NE(result.err.find("/linux/resources/devices"), std::string::npos) << result.in_words();
  EXPECT_NE(result.err.find("read-only"), std::string::npos) << result.in_words();
}

TEST_F(Walls, DeviceRulesHoldInAUserNamespaceOfRoots) {
  MD_NEEDS("root", "cgroup1");
  bundle_->map_ids();
  const pid_t pid = run_detached();
  ASSERT_GT(pid, 0);
  std::string rules;
  for (const std::string& dir : cgroup_dirs(id_)) {
    if (dir.find("/devices/") != std::string::npos)
      rules = testing::read_text(dir + "/devices.list");
  }
  EXPECT_NE(rules.find("c 1:3 rwm"), std::string::npos) << rules;
  EXPECT_EQ(rules.find("a *:* rwm"), std::string::npos) << rules;
}

}  // namespace
}  // namespace minidocker::runtime
