#include <sys/stat.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "mini_docker_fixture.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::system_test {
namespace {

class RunFlagTest : public MiniDockerTest {};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(RunFlagTest, PlainRunIsPidOneOnARootOfItsOwn) {
  const std::string out =
      output({}, "echo $$; cat /etc/layer3; ls /usr/share/old-notes 2>&1; ls -d /.dockerenv");
  EXPECT_TRUE(contains(out, "1\nlayer 3 was here\n")) << out;
  EXPECT_TRUE(contains(out, "No such file")) << "a whiteout hides it: " << out;
  EXPECT_TRUE(contains(out, "/.dockerenv\n"));
}

TEST_F(RunFlagTest, RmLeavesNothingAndItsAbsenceKeepsTheContainer) {
  const CommandResult kept = docker({"run", "--name", "kept", "busybox", "true"});
  EXPECT_EQ(kept.exit_code, 0) << kept.in_words();
  EXPECT_EQ(ids().size(), 1U);
  EXPECT_TRUE(contains(docker({"ps", "-a"}).out, "Exited (0)"));
  EXPECT_EQ(docker({"rm", "kept"}).out, "kept\n");
}

TEST_F(RunFlagTest, OfAnOptionBeforeTheCommandTheLastOneCounts) {
  const TempDir dir(MD_BINARY_DIR);
  EXPECT_EQ(docker({"--root", "/proc/nowhere", "--root", dir / "state", "images", "-q"}).out, "");
  EXPECT_EQ(docker({"--root", dir / "state", "--root", "/proc/nowhere", "images"}).exit_code, 1);
}

TEST_F(RunFlagTest, InteractivePassesStandardInput) {
  EXPECT_EQ(run({"-i"}, "cat", {.input = "hello"}).out, "hello");
}

TEST_F(RunFlagTest, WithoutInteractiveStandardInputIsEmpty) {
  EXPECT_EQ(run({}, "cat; echo end", {.input = "hello"}).out, "end\n");
}

TEST_F(RunFlagTest, StandardOutputAndErrorStayApart) {
  const CommandResult result = run({}, "echo out; echo err >&2");
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
}

TEST_F(RunFlagTest, HostnameIsSetEverywhere) {
  EXPECT_EQ(output({"-h", "box"}, "hostname; cat /etc/hostname; echo $HOSTNAME"),
            "box\nbox\nbox\n");
}

TEST_F(RunFlagTest, TheHostsNameIsThatOfWhoSharesItsNetworkOrUtsNamespace) {
  const std::string host = testing::read_text("/proc/sys/kernel/hostname");
  for (const char* flag : {"--network", "--uts"}) {
    EXPECT_EQ(output({flag, "host"}, "hostname; cat /etc/hostname"), host + host) << flag;
  }
  EXPECT_EQ(output({"--network", "host", "-h", "box"}, "hostname"), "box\n");
}

TEST_F(RunFlagTest, AnEmptyNameHostnameUserOrDirectoryIsNone) {
  const std::string out =
      output({"--name", "", "-h", "", "-u", "", "-w", ""}, "hostname; echo $HOSTNAME; pwd; id -u");
  const Words lines = testing::lines_of(out);
  ASSERT_EQ(lines.size(), 4U) << out;
  EXPECT_EQ(lines[0].size(), 12U) << out;
  EXPECT_EQ(lines[1], lines[0]);
  EXPECT_EQ(lines[2], "/");
  EXPECT_EQ(lines[3], "0");
}

TEST_F(RunFlagTest, FilesThatEveryContainerHasAreAsDockerMakesThem) {
  EXPECT_EQ(output({}, "readlink /etc/mtab; stat -c %a /.dockerenv / /etc"),
            "/proc/mounts\n755\n755\n755\n");
}

TEST_F(RunFlagTest, TheCallersUmaskIsNotTheContainers) {
  std::string line = "umask 077; ";
  for (const std::string& word : state().command({"run", "--rm", "-u", "1000", "busybox", "sh",
                                                  "-c", "cd / && cat /etc/hostname && umask"})) {
    line += "'" + word + "' ";
  }
  const CommandResult result = testing::run_command({"sh", "-c", line});
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  EXPECT_TRUE(contains(result.out, "\n0022\n")) << result.in_words();
}

TEST_F(RunFlagTest, AClosedStandardStreamIsTheNullDevice) {
  for (const char* closed : {"<&-", ">&-", "2>&-", "<&- >&- 2>&-"}) {
    const TempDir dir;
    std::string line;
    for (const std::string& word :
         state().command({"run", "--rm", "-i", "-v", dir.path() + ":/d", "busybox", "sh", "-c",
                          "cat > /d/in; echo out; echo err >&2; echo done > /d/end"})) {
      line += "'" + word + "' ";
    }
    const CommandResult result = testing::run_command({"sh", "-c", line + closed});
    EXPECT_EQ(result.exit_code, 0) << closed << result.in_words();
    EXPECT_EQ(read_file(dir / "in"), "") << closed;
    EXPECT_EQ(read_file(dir / "end"), "done\n") << closed;
  }
}

TEST_F(RunFlagTest, WithoutAHostnameItIsTheShortId) {
  const std::string out = output({}, "hostname");
  EXPECT_EQ(out.size(), 13U) << out;
}

TEST_F(RunFlagTest, EnvironmentComesFromFilesThenFlags) {
  const TempDir dir;
  write_atomically(dir / "env", "A=file\nB=file\n");
  EXPECT_EQ(output({"--env-file", dir / "env", "-e", "B=flag"}, "echo $A $B $HOME"),
            "file flag /root\n");
}

TEST_F(RunFlagTest, ANameAloneTakesItsValueFromTheCallersEnvironment) {
  const CommandResult result =
      run({"-e", "MD_GIVEN", "-e", "MD_MISSING"}, "echo $MD_GIVEN; echo ${MD_MISSING-none}",
          {.env = {"MD_GIVEN=yes"}});
  EXPECT_EQ(result.out, "yes\nnone\n") << result.in_words();
}

TEST_F(RunFlagTest, WorkingDirectoryIsMadeIfMissing) {
  EXPECT_EQ(output({"-w", "/new/dir"}, "pwd"), "/new/dir\n");
}

TEST_F(RunFlagTest, UsersAreNamesOrNumbersOfTheImage) {
  EXPECT_EQ(output({"-u", "user"}, "id -u; id -g; echo $HOME; grep CapEff /proc/self/status"),
            "1000\n1000\n/home/user\nCapEff:\t0000000000000000\n");
  EXPECT_EQ(output({"-u", "7:8"}, "id -u; id -g"), "7\n8\n");
}

TEST_F(RunFlagTest, VolumesBindDirectoriesAndFiles) {
  const TempDir dir;
  write_atomically(dir / "file", "from outside\n");
  EXPECT_EQ(
      output({"-v", dir.path() + ":/data", "-v", dir / "file" + std::string(":/etc/one:ro")},
             "cat /data/file /etc/one; echo inside > /data/new; echo x 2>/dev/null > /etc/one "
             "|| echo refused"),
      "from outside\nfrom outside\nrefused\n");
  EXPECT_EQ(read_file(dir / "new"), "inside\n");
}

TEST_F(RunFlagTest, AMissingVolumeSourceIsMadeAMissingMountSourceRefused) {
  const TempDir dir;
  EXPECT_EQ(output({"-v", dir / "made" + std::string(":/m")}, "ls -d /m"), "/m\n");
  EXPECT_TRUE(exists(dir / "made"));
  expect_refused(run({"--mount", "type=bind,dst=/m,src=" + (dir / "none")}, "true"), 125,
                 "bind source path does not exist: " + (dir / "none"));
}

TEST_F(RunFlagTest, MountAndTmpfsMakeFreshFilesystems) {
  const std::string out =
      output({"--tmpfs", "/t:size=1m", "--mount", "type=tmpfs,dst=/m,tmpfs-mode=700"},
             "grep -E ' /(t|m) ' /proc/mounts; stat -c %a /m");
  EXPECT_TRUE(contains(out, "/t tmpfs rw,nosuid,nodev,noexec")) << out;
  EXPECT_TRUE(contains(out, "size=1024k")) << out;
  EXPECT_TRUE(contains(out, "700\n")) << out;
}

TEST_F(RunFlagTest, ReadOnlyRefusesWritesButNotInTmpfs) {
  EXPECT_EQ(output({"--read-only", "--tmpfs", "/t"},
                   "echo x 2>/dev/null > /file || echo refused; echo x > /t/file && echo written"),
            "refused\nwritten\n");
}

const Words& limits() {
  static const Words flags{"-m", "64m", "--cpus", "0.5", "--pids-limit", "32"};
  return flags;
}

TEST_F(RunFlagTest, LimitsStandInTheContainersGroup) {
  MD_NEEDS("cgroup1");
  EXPECT_EQ(output(limits(),
                   "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us "
                   "pids/pids.max"),
            "67108864\n50000\n32\n");
}

TEST_F(RunFlagTest, LimitsStandInTheContainersGroupOfTheUnifiedHierarchy) {
  MD_NEEDS("cgroup2");
  EXPECT_EQ(output(limits(), "cd /sys/fs/cgroup; cat memory.max cpu.max pids.max"),
            "67108864\n50000 100000\n32\n");
}

TEST_F(RunFlagTest, AMemoryHogIsKilledAndTheCodeSaysSo) {
  const CommandResult result =
      run({"-m", "16m"}, "exec dd if=/dev/zero of=/dev/null bs=64M count=1");
  EXPECT_EQ(result.exit_code, 137) << result.in_words();
}

TEST_F(RunFlagTest, UlimitsHold) {
  EXPECT_EQ(output({"--ulimit", "nofile=100:200"}, "ulimit -n; ulimit -Hn"), "100\n200\n");
}

TEST_F(RunFlagTest, CapabilitiesAreDockersPlusAndMinus) {
  const std::string eff = "grep CapEff /proc/self/status";
  EXPECT_EQ(output({}, eff), "CapEff:\t00000000a80425fb\n");
  EXPECT_EQ(output({"--cap-drop", "ALL", "--cap-add", "NET_ADMIN"}, eff),
            "CapEff:\t0000000000001000\n");
  EXPECT_EQ(output({"--cap-drop", "mknod"}, eff), "CapEff:\t00000000a00425fb\n");
}

TEST_F(RunFlagTest, NoNewPrivilegesIsSet) {
  EXPECT_EQ(output({"--security-opt", "no-new-privileges"}, "grep NoNewPrivs /proc/self/status"),
            "NoNewPrivs:\t1\n");
}

TEST_F(RunFlagTest, PrivilegedMasksNothing) {
  const std::string out =
      output({"--privileged"}, "grep -c ' /proc/sys ' /proc/mounts; grep ' /sys ' /proc/mounts");
  EXPECT_TRUE(contains(out, "0\n")) << out;
  EXPECT_TRUE(contains(out, "sysfs rw")) << out;
}

TEST_F(RunFlagTest, WithoutItProcIsMasked) {
  EXPECT_EQ(output({},
                   "wc -c < /proc/keys; echo x 2>/dev/null > /proc/sys/kernel/hostname || "
                   "echo refused"),
            "0\nrefused\n");
}

TEST_F(RunFlagTest, HostModesShareTheNamespace) {
  for (const auto& [flag, name] :
       {std::pair{"--pid", "pid"}, {"--ipc", "ipc"}, {"--uts", "uts"}, {"--network", "net"}}) {
    const std::string link = std::string("/proc/self/ns/") + name;
    EXPECT_EQ(output({flag, "host"}, "readlink " + link), testing::link_target(link) + "\n");
    EXPECT_NE(output({}, "readlink " + link), testing::link_target(link) + "\n");
  }
}

TEST_F(RunFlagTest, NetworkNoneHasOnlyLoAndItIsUp) {
  EXPECT_EQ(output({"--network", "none"},
                   "ls /sys/class/net; cat /sys/class/net/lo/flags; head -1 /etc/hosts"),
            "lo\n0x9\n127.0.0.1\tlocalhost\n");
}

TEST_F(RunFlagTest, InitIsPidOneAndReaps) {
  const std::string out = output({"--init"}, "tr '\\0' ' ' < /proc/1/cmdline; echo; echo $$");
  EXPECT_TRUE(out.starts_with("/sbin/docker-init -- sh -c")) << out;
  EXPECT_FALSE(contains(out, "\n1\n")) << out;
}

TEST_F(RunFlagTest, EntrypointReplacesTheImages) {
  const CommandResult result = docker({"run", "--rm", "--entrypoint", "echo", "busybox", "a", "b"});
  EXPECT_EQ(result.out, "a b\n") << result.in_words();
}

TEST_F(RunFlagTest, AnEmptyEntrypointLeavesTheCommandAlone) {
  const CommandResult result =
      docker({"run", "--rm", "--entrypoint", "", "busybox", "echo", "a", "b"});
  EXPECT_EQ(result.out, "a b\n") << result.in_words();
}

TEST_F(RunFlagTest, IpcNoneHasNoSharedMemory) {
  EXPECT_EQ(output({"--ipc", "none"}, "grep -c ' /dev/shm ' /proc/mounts || test $? = 1"), "0\n");
}

TEST_F(RunFlagTest, LargeOutputArrivesWhole) {
  const TempDir dir;
  const Words words =
      state().command({"run", "--rm", "busybox", "sh", "-c", "head -c 3000000 /dev/zero"});
  std::string line;
  for (const std::string& word : words) line += "'" + word + "' ";
  const CommandResult result =
      testing::run_command({"sh", "-c", line + "> " + (dir / "file") + "; " + line + "| wc -c"});
  EXPECT_EQ(result.out, "3000000\n") << result.in_words();
  EXPECT_EQ(read_file(dir / "file").size(), 3'000'000U);
}

TEST_F(RunFlagTest, TheUsersFileKeepsItsOwner) {
  const TempDir dir;
  std::string line;
  for (const std::string& word :
       state().command({"run", "--rm", "-u", "1000", "busybox", "id", "-u"})) {
    line += "'" + word + "' ";
  }
  static_cast<void>(testing::run_command({"sh", "-c", line + "> " + (dir / "file")}));
  struct stat status{};
  ASSERT_EQ(::stat((dir / "file").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 0U);
  EXPECT_EQ(read_file(dir / "file"), "1000\n");
}

}  // namespace
}  // namespace minidocker::system_test
