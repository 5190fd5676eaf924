#include "mini_docker_fixture.hpp"

#include <string>

namespace minidocker::system_test {
namespace {

/// Hosts that lack something: one clear line, docker's exit code, and nothing left behind.
class PoorHostTest : public MiniDockerTest {
 protected:
  /// `mini-docker args...` after `preparation`, in a mount namespace of its own.
  [[nodiscard]] static CommandResult call(const std::string& preparation, const Words& command) {
    Words words{"unshare", "-m", "sh", "-c", preparation + " && exec \"$@\"", "sh"};
    words.insert(words.end(), command.begin(), command.end());
    return testing::run_command(words);
  }
};

TEST_F(PoorHostTest, WithoutCgroupsALimitIsRefused) {
  const std::string none = "umount -R /sys/fs/cgroup";
  expect_refused(call(none, state().command({"run", "--rm", "-m", "64m", "busybox", "true"})), 125,
                 "--memory needs a cgroup that may be written: no cgroup hierarchy is mounted");
}

TEST_F(PoorHostTest, WithoutCgroupsDeviceRulesCannotHoldEither) {
  const std::string none = "umount -R /sys/fs/cgroup";
  expect_refused(call(none, state().command({"run", "--rm", "busybox", "true"})), 125,
                 "needs a cgroup that may be written: no cgroup hierarchy is mounted");
}

// Whatever the driver: an overlay takes no whiteouts, so not even layers can be kept in one.
TEST_F(PoorHostTest, OnAnOverlayNoStateCanBe) {
  const std::string overlay =
      "mount -t tmpfs none /mnt && cd /mnt && mkdir l u w m && mount -t overlay none -o "
      "lowerdir=l,upperdir=u,workdir=w m";
  for (const char* driver : {"overlay", "vfs"}) {
    Words command =
        state().command({"--storage-driver", driver, "load", "-i", testing::path_of("busybox")});
    command[2] = "/mnt/m/state";
    expect_refused(call(overlay, command), 1, "neither layers with whiteouts can be kept");
  }
}

TEST_F(PoorHostTest, AKernelWithoutOverlayGivesContainersCopiesAndItIsToldOnce) {
  MD_NEEDS("strace");
  // Of those that try a driver the second mount is that of an overlay.
  Words first{
      testing::path_of("strace"),        "-f", "-qq", "-o", "/dev/null", "-e", "trace=mount", "-e",
      "inject=mount:error=ENODEV:when=2"};
  const State mine(false);
  ASSERT_EQ(testing::run_command({"rm", mine.dir() + "/state/engine.db"}).exit_code, 0);
  const Words ps = mine.command({"ps"});
  first.insert(first.end(), ps.begin(), ps.end());
  const CommandResult told =
      testing::run_command(first, {.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}});
  EXPECT_EQ(told.exit_code, 0) << told.in_words();
  const Words warnings = testing::lines_of(told.err);
  ASSERT_EQ(warnings.size(), 3U) << told.err;
  EXPECT_NE(warnings[0].find("storage driver overlay cannot work here: mount("), std::string::npos)
      << told.err;
  EXPECT_NE(warnings[1].find("fuse-overlayfs is not in PATH"), std::string::npos) << told.err;
  EXPECT_NE(warnings[2].find("each container gets a copy of its image"), std::string::npos);
  const CommandResult run = mine.call({"run", "--rm", "busybox", "cat", "/etc/layer3"});
  EXPECT_EQ(run.out, "layer 3 was here\n") << run.in_words();
  EXPECT_EQ(run.err, "");
}

TEST_F(PoorHostTest, ATemporaryFilesystemWithoutUserAttributesIsNoPlaceForState) {
  Words command = state().command({"ps"});
  command[2] = "/mnt/state";
  expect_refused(call("mount -t ramfs none /mnt", command), 1, "keeps no user attributes");
}

TEST_F(PoorHostTest, AnOrdinaryUserNeedsUserNamespaces) {
  MD_NEEDS("user");
  const testing::User user = testing::unprivileged_user();
  const State mine(true);
  std::string line;
  for (const std::string& word : mine.command({"run", "--rm", "busybox", "true"})) {
    line += "'" + word + "' ";
  }
  // The limit holds in a user namespace whose owner sets it; its ids are ours.
  testing::RunningCommand command(
      {"unshare", "-U", "sh", "-c", "echo ready; read go; exec sh -c \"$0\"",
       "echo 0 > /proc/sys/user/max_user_namespaces; exec setpriv --reuid " +
           std::to_string(user.uid) + " --regid " + std::to_string(user.gid) + " --clear-groups " +
           line});
  ASSERT_TRUE(command.read_until("ready")) << command.err();
  for (const char* map : {"/uid_map", "/gid_map"}) {
    testing::write_text("/proc/" + std::to_string(command.pid()) + map, "0 0 65536");
  }
  command.write("\n");
  expect_refused(command.wait(), 125, "user namespace");
  EXPECT_EQ(testing::files_below(mine.dir() + "/state/containers"), Words{});
}

}  // namespace
}  // namespace minidocker::system_test
