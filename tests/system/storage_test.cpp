#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "mini_docker_fixture.hpp"

namespace minidocker::system_test {
namespace {

/// Containers whose root is not the kernel's overlay.
class StorageTest : public MiniDockerTest {
 protected:
  void TearDown() override {
    const CommandResult result = run_with("overlay", {"--rm"}, "true");
    EXPECT_EQ(result.exit_code, 0) << "recovers, if there is something: " << result.in_words();
    MiniDockerTest::TearDown();
  }
  [[nodiscard]] const State& state() const override {
    static const State own(false);
    return own;
  }
  /// Where the program fuse-overlayfs can be found.
  static CommandOptions with_fuse() {
    const std::string program = testing::path_of("fuse-overlayfs");
    CommandOptions options;
    options.env.push_back("PATH=" + std::filesystem::path(program).parent_path().string() + ":" +
                          std::getenv("PATH"));
    return options;
  }
  [[nodiscard]] CommandResult run_with(const std::string& driver, const Words& flags,
                                       const std::string& script) const {
    Words words{"--storage-driver", driver, "run"};
    words.insert(words.end(), flags.begin(), flags.end());
    words.insert(words.end(), {"busybox", "sh", "-c", script});
    return docker(words, with_fuse());
  }
  [[nodiscard]] Words sleeper(const std::string& driver) const {
    return state().command({"--storage-driver", driver, "run", "--rm", "busybox", "sh", "-c",
                            "sleep 1000 & echo ready; wait"});
  }
  /// Where a container has what it wrote.
  [[nodiscard]] std::string place(const std::string& directory) const {
    return state().dir() + "/state/containers/" + ids().at(0) + "/" + directory;
  }
  static std::vector<pid_t> descendants_named(pid_t of, const std::string& name) {
    std::vector<pid_t> found;
    for (const pid_t pid : testing::descendants_of(of)) {
      if (testing::find_text("/proc/" + std::to_string(pid) + "/comm") == name + "\n") {
        found.push_back(pid);
      }
    }
    return found;
  }
};

constexpr const char* kRootType = "grep ' / ' /proc/mounts | cut -d' ' -f3";
constexpr const char* kWork = "cat /etc/layer3; rm -r /etc/layer3; echo mine > /etc/mine; sync";

TEST_F(StorageTest, ACopyIsMadeAtCreationAndGoesWithItsContainer) {
  const CommandResult made = run_with("vfs", {"--name", "copied"}, kWork);
  EXPECT_EQ(made.out, "layer 3 was here\n") << made.in_words();
  EXPECT_EQ(made.err, "");
  EXPECT_EQ(testing::read_text(place("rootfs") + "/etc/mine"), "mine\n");
  EXPECT_FALSE(testing::find_text(place("rootfs") + "/etc/layer3"));
  EXPECT_TRUE(testing::find_text(place("rootfs") + "/.dockerenv"));
  EXPECT_EQ(run({}, "cat /etc/layer3").out, "layer 3 was here\n") << "nobody else's has changed";
  EXPECT_EQ(docker({"rm", "copied"}).exit_code, 0);
}

TEST_F(StorageTest, AServedOverlayKeepsWhatWasWritten) {
  MD_NEEDS("fuse-overlayfs");
  const CommandResult made =
      run_with("fuse-overlayfs", {"--name", "served"}, std::string(kRootType) + "; " + kWork);
  EXPECT_EQ(made.out, "fuse.fuse-overlayfs\nlayer 3 was here\n") << made.in_words();
  EXPECT_EQ(testing::read_text(place("upper") + "/etc/mine"), "mine\n");
  EXPECT_EQ(docker({"rm", "served"}, with_fuse()).exit_code, 0);
}

TEST_F(StorageTest, TheServerIsNoProcessOfTheContainer) {
  MD_NEEDS("fuse-overlayfs");
  EXPECT_EQ(run_with("fuse-overlayfs", {"--rm"}, "echo /proc/[0-9]*").out, "/proc/1\n");
  EXPECT_EQ(run_with("fuse-overlayfs", {"--rm", "--pid", "host"}, "kill -0 1").exit_code, 0);
}

TEST_F(StorageTest, UsersOwnTheirFilesAndMayNotReadThoseOfOthers) {
  MD_NEEDS("fuse-overlayfs");
  for (const char* driver : {"vfs", "fuse-overlayfs"}) {
    const CommandResult made = run_with(driver, {"--rm", "-u", "1000:1000"},
                                        "touch /tmp/x; stat -c '%u %g' /tmp/x; cat /etc/shadow");
    EXPECT_TRUE(made.out.starts_with("1000 1000\n")) << driver << made.in_words();
    EXPECT_NE(made.exit_code, 0) << driver << made.in_words();
  }
}

TEST_F(StorageTest, AKilledShimTakesTheServerWithIt) {
  MD_NEEDS("fuse-overlayfs");
  testing::RunningCommand command(sleeper("fuse-overlayfs"), with_fuse());
  ASSERT_TRUE(command.read_until("ready")) << command.err();
  const std::vector<pid_t> servers = descendants_named(command.pid(), "fuse-overlayfs");
  const std::vector<pid_t> shims = descendants_named(command.pid(), "mini-shim");
  ASSERT_EQ(servers.size(), 1U);
  ASSERT_EQ(shims.size(), 1U);
  ASSERT_EQ(::kill(shims[0], SIGKILL), 0);
  expect_refused(command.wait(), 125, "shim died");
  EXPECT_TRUE(testing::wait_for_end(servers[0], std::chrono::seconds(5)));
}

TEST_F(StorageTest, AKilledClientTakesTheServerWithIt) {
  MD_NEEDS("fuse-overlayfs");
  testing::RunningCommand command(sleeper("fuse-overlayfs"), with_fuse());
  ASSERT_TRUE(command.read_until("ready")) << command.err();
  const std::vector<pid_t> servers = descendants_named(command.pid(), "fuse-overlayfs");
  const std::vector<pid_t> shims = descendants_named(command.pid(), "mini-shim");
  ASSERT_EQ(servers.size(), 1U);
  command.signal(SIGKILL);
  static_cast<void>(command.wait());
  EXPECT_TRUE(testing::wait_for_end(servers[0], std::chrono::seconds(5)));
  EXPECT_TRUE(testing::wait_for_end(shims.at(0), std::chrono::seconds(5)));
}

TEST_F(StorageTest, AContainerWhoseServerIsKilledFindsNothingAndLeavesNothing) {
  MD_NEEDS("fuse-overlayfs");
  testing::RunningCommand command(
      state().command({"--storage-driver", "fuse-overlayfs", "run", "--rm", "-i", "busybox", "sh",
                       "-c", "echo ready; read go; ls /etc 2>/dev/null && exit 0; exit 3"}),
      with_fuse());
  ASSERT_TRUE(command.read_until("ready")) << command.err();
  for (const pid_t server : descendants_named(command.pid(), "fuse-overlayfs")) {
    ASSERT_EQ(::kill(server, SIGKILL), 0);
    ASSERT_TRUE(testing::wait_for_end(server, std::chrono::seconds(5)));
  }
  command.write("\n");
  EXPECT_NE(command.wait().exit_code, 0);
}

TEST_F(StorageTest, TheStateRemembersTheDriverAndEachContainerItsOwn) {
  const CommandResult made = run_with("vfs", {"--name", "first"}, kRootType);
  EXPECT_NE(made.out, "overlay\n");
  EXPECT_EQ(run({}, kRootType).out, made.out) << "it need not be named again";
  EXPECT_EQ(run_with("overlay2", {"--rm"}, kRootType).out, "overlay\n") << "docker's name for it";
  EXPECT_EQ(run({}, kRootType).out, "overlay\n");
  expect_refused(docker({"diff", "first"}), 1, "made with storage driver vfs");
  EXPECT_EQ(docker({"rm", "first"}).exit_code, 0) << "whatever the driver is now";
}

TEST_F(StorageTest, AnUnknownDriverIsRefusedByName) {
  const std::string words = "unknown storage driver: \"zfs\"; there are overlay, fuse-overlayfs";
  expect_refused(docker({"--storage-driver", "zfs", "run", "busybox", "true"}), 125, words);
  expect_refused(docker({"ps"}, {.env = {"MINI_DOCKER_STORAGE_DRIVER=zfs"}}), 1, words);
}

TEST_F(StorageTest, AFlagCountsMoreThanTheEnvironment) {
  EXPECT_EQ(docker({"--storage-driver", "overlay", "run", "--rm", "busybox", "sh", "-c", kRootType},
                   {.env = {"MINI_DOCKER_STORAGE_DRIVER=vfs"}})
                .out,
            "overlay\n");
}

TEST_F(StorageTest, ADriverThatCannotWorkIsRefusedWithTheReason) {
  expect_refused(docker({"--storage-driver", "fuse-overlayfs", "ps"}, {.env = {"PATH=/nowhere"}}),
                 1, "the program fuse-overlayfs is not in PATH");
  EXPECT_EQ(run({}, kRootType).out, "overlay\n") << "the one before stays";
}

TEST_F(StorageTest, AnotherRuntimeFindsTheRootReady) {
  MD_NEEDS("crun", "fuse-overlayfs");
  for (const char* driver : {"vfs", "fuse-overlayfs"}) {
    EXPECT_EQ(
        run_with(driver, {"--rm", "--runtime", testing::path_of("crun")}, "cat /etc/layer3").out,
        "layer 3 was here\n")
        << driver;
  }
}

TEST_F(StorageTest, AnOrdinaryUsersContainerCanHaveACopyButNoServer) {
  MD_NEEDS("user", "userns");
  const State mine(true);
  const CommandResult copied = mine.call(
      {"--storage-driver", "vfs", "run", "--rm", "busybox", "sh", "-c", "cat /etc/layer3; id -u"});
  EXPECT_EQ(copied.out, "layer 3 was here\n0\n") << copied.in_words();
  EXPECT_EQ(testing::files_below(mine.dir() + "/state/containers"), Words{});
  expect_refused(
      mine.call({"--storage-driver", "fuse-overlayfs", "run", "--rm", "busybox", "true"}), 125,
      "it serves containers of root only");
}

TEST_F(StorageTest, ADiskThatIsFullEndsACopyAndKeepsNothingOfIt) {
  Words words{"unshare",
              "-m",
              "sh",
              "-c",
              "mount -t tmpfs -o size=16m none /mnt && \"$@\" load -i \"$0\" >/dev/null && "
              "dd if=/dev/zero of=/mnt/fill bs=64k 2>/dev/null; truncate -s -512k /mnt/fill; "
              "\"$@\" run --rm busybox true; echo code $?; ls /mnt/state/containers | wc -l",
              testing::path_of("busybox")};
  Words command = state().command({"--storage-driver", "vfs"});
  command[2] = "/mnt/state";
  words.insert(words.end(), command.begin(), command.end());
  const CommandResult full = testing::run_command(words);
  EXPECT_EQ(full.out, "code 125\n0\n") << full.in_words();
  EXPECT_NE(full.err.find("no space left on device (ENOSPC)"), std::string::npos) << full.err;
}

TEST_F(StorageTest, WhatAKilledTrialLeftIsRemoved) {
  const std::string left = state().dir() + "/state/probe/lower";
  ASSERT_EQ(testing::run_command({"mkdir", "-p", left}).exit_code, 0);
  EXPECT_EQ(run({}, "true").exit_code, 0);
  EXPECT_EQ(testing::run_command({"test", "-e", state().dir() + "/state/probe"}).exit_code, 1);
}

}  // namespace
}  // namespace minidocker::system_test
