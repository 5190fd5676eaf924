#include "mini_docker_fixture.hpp"

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

constexpr const char* kOverlayOnMnt =
    "mount -t tmpfs none /mnt && cd /mnt && mkdir l u w m && mount -t overlay none -o "
    "lowerdir=l,upperdir=u,workdir=w m";

TEST_F(PoorHostTest, OnAnOverlayNoOtherOverlayCanStand) {
  Words command =
      state().command({"--storage-driver", "overlay", "load", "-i", testing::path_of("busybox")});
  command[2] = "/mnt/m/state";
  expect_refused(call(kOverlayOnMnt, command), 1, "no other overlay can stand");
}

TEST_F(PoorHostTest, WhereNoOverlayCanStandContainersGetCopiesAndItIsTold) {
  Words load = state().command({"load", "-i", testing::path_of("busybox")});
  load[2] = "/mnt/m/state";
  std::string line = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";  // without fuse-overlayfs
  for (const std::string& word : load) line += " '" + word + "'";
  Words command = state().command({"run", "--rm", "busybox", "cat", "/etc/layer3"});
  command[2] = load[2];
  const CommandResult result = call(kOverlayOnMnt + (" && " + line), command);
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  EXPECT_NE(result.out.find("layer 3 was here\n"), std::string::npos) << result.out;
  const Words warnings = testing::lines_of(result.err);
  ASSERT_EQ(warnings.size(), 3U) << "once, by the first command: " << result.err;
  EXPECT_NE(warnings[0].find("overlay cannot work here: it lies on an overlay"), std::string::npos);
  EXPECT_NE(warnings[1].find("fuse-overlayfs is not in PATH"), std::string::npos);
  EXPECT_NE(warnings[2].find("each container gets a copy of its image"), std::string::npos);
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
