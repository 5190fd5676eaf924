// Mounts, devices, hidden paths and the root filesystem, seen from inside and from /proc.
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "minidocker/toolbox/files.hpp"
#include "runc_fixture.hpp"

namespace minidocker::runtime {
namespace {

using nlohmann::json;
using testing::CommandResult;

class Mounts : public RuncTest {};
class Devices : public RuncTest {};
class HiddenPaths : public RuncTest {};
class RootFilesystem : public RuncTest {};

// Field `index` of a line, counted from 0.
std::string lines_field(const std::string& line, int index) {
  std::istringstream words(line);
  std::string word;
  for (int i = 0; i <= index; ++i) words >> word;
  return word;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The line of /proc/PID/mountinfo for a mount point, the topmost if there are several.
std::string mount_line(pid_t pid, const std::string& target) {
  std::string found;
  for (const std::string& line : testing::mounts_of(pid)) {
    const std::string head = line.substr(0, line.find(" - "));
    if (lines_field(head, 4) == target) found = line;
  }
  return found;
}

TEST_F(Mounts, TheDefaultOnesAreThereInTheirOrder) {
  const pid_t pid = run_detached();
  const auto points = testing::mount_points_of(pid);
  const std::vector<std::string> wanted = {"/",        "/proc",       "/dev", "/dev/pts",
                                           "/dev/shm", "/dev/mqueue", "/sys", "/sys/fs/cgroup"};
  auto from = points.begin();
  for (const std::string& point : wanted) {
    const auto found = std::find(from, points.end(), point);
    ASSERT_NE(found, points.end()) << point;
    from = found;
  }
}

TEST_F(Mounts, NothingOfTheHostsTreeIsLeft) {
  const pid_t pid = run_detached();
  for (const std::string& point : testing::mount_points_of(pid)) {
    EXPECT_FALSE(point.starts_with(dir_.path())) << point;
  }
  EXPECT_NE(run_script("ls " + dir_.path()).exit_code, 0);
}

TEST_F(Mounts, FlagsAndDataOfATmpfsHold) {
  bundle_->mount("/scratch", "tmpfs", "tmpfs", {"nosuid", "noexec", "size=64k", "mode=700"});
  const pid_t pid = run_detached();
  const std::string line = mount_line(pid, "/scratch");
  EXPECT_TRUE(holds(line, " rw,nosuid,noexec,")) << line;
  EXPECT_TRUE(holds(line, "size=64k")) << line;
  EXPECT_TRUE(holds(line, "mode=700")) << line;
}

TEST_F(Mounts, HundredsOfThemTakeNoMoreDescriptorsThanThereAre) {
  for (int i = 0; i < 300; ++i) bundle_->mount(fmt::format("/m/{}", i), "tmpfs", "tmpfs", {});
  bundle_->config()["process"]["args"] = {"true"};
  bundle_->config()["process"].erase("rlimits");
  bundle_->write();
  std::vector<std::string> line = command_line({"run", "-b", bundle_->dir(), id_});
  line.insert(line.begin(), {"prlimit", "--nofile=250:250"});
  const CommandResult result = testing::run_command(line);
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
}

TEST_F(Mounts, InsideATmpfsOfTheSpecComeInAnyOrder) {
  bundle_->mount("/run", "tmpfs", "tmpfs", {"mode=755"});
  bundle_->mount("/run/a", "tmpfs", "first", {});
  bundle_->mount("/run/a", "tmpfs", "second", {});
  bundle_->mount("/run/b/c", "tmpfs", "deep", {});
  bundle_->mount("/run/b", "tmpfs", "cover", {});
  bundle_->mount("/run", "tmpfs", "all", {"mode=755"});
  bundle_->mount("/run/a", "tmpfs", "third", {});
  const pid_t pid = run_detached();
  EXPECT_TRUE(holds(mount_line(pid, "/run/a"), "third")) << mount_line(pid, "/run/a");
  EXPECT_TRUE(holds(mount_line(pid, "/run"), " all ")) << mount_line(pid, "/run");
}

TEST_F(Mounts, BelowALinkInTheImageLeadWhereItLeads) {
  ASSERT_EQ(0, ::mkdir((bundle_->rootfs() + "/real").c_str(), 0755));
  ASSERT_EQ(0, ::symlink("/real", (bundle_->rootfs() + "/link").c_str()));
  bundle_->mount("/link", "tmpfs", "tmpfs", {"mode=755"});
  bundle_->mount("/link/in", "tmpfs", "inner", {});
  const pid_t pid = run_detached();
  EXPECT_TRUE(holds(mount_line(pid, "/real/in"), "inner"));
}

TEST_F(Mounts, OfCgroupsTakeRecursiveWords) {
  MD_NEEDS("root", "cgroup1");
  for (json& mount : bundle_->config()["mounts"]) {
    if (mount["type"] == "cgroup")
      mount["options"] = {"nosuid", "noexec", "nodev", "rro", "noatime"};
  }
  const pid_t pid = run_detached();
  const std::string line = mount_line(pid, "/sys/fs/cgroup/pids");
  EXPECT_TRUE(holds(line, " ro,nosuid,nodev,noexec,noatime")) << line;
}

TEST_F(Mounts, OfTheContainerAreSeenOutsideOnlyWhereTheRootIsShared) {
  // In a mount namespace of its own, whose mounts are shared, stands "outside".
  bundle_->mount("/vol", "bind", dir_ / "vol", {"rbind", "rshared"});
  bundle_->config()["process"]["capabilities"]["bounding"] = {"CAP_SYS_ADMIN"};
  bundle_->config()["process"]["capabilities"]["effective"] = {"CAP_SYS_ADMIN"};
  bundle_->config()["process"]["capabilities"]["permitted"] = {"CAP_SYS_ADMIN"};
  bundle_->command({"mount", "-t", "tmpfs", "from-inside", "/vol/sub"});
  const auto seen_outside = [&] {
    bundle_->write();
    std::vector<std::string> line = command_line({"run", "-b", bundle_->dir(), id_});
    line.insert(line.begin(),
                {"unshare", "-m", "--propagation", "private", "sh", "-c",
                 fmt::format("d={}; mkdir -p $d && mount -t tmpfs vol $d && mount --make-shared $d "
                             "&& mkdir $d/sub && \"$@\" && grep -c from-inside /proc/self/mounts",
                             dir_ / "vol"),
                 "sh"});
    return testing::run_command(line);
  };
  bundle_->config()["linux"]["rootfsPropagation"] = "rshared";
  const CommandResult shared = seen_outside();
  EXPECT_EQ(shared.out, "1\n") << shared.in_words();
  bundle_->config()["linux"]["rootfsPropagation"] = "rslave";
  const CommandResult slave = seen_outside();
  EXPECT_EQ(slave.out, "0\n") << slave.in_words();
}

TEST_F(Devices, AreMadeWhereTheImageHasNoDirectoryForThem) {
  json kept = json::array();
  for (const json& mount : bundle_->config()["mounts"]) {
    if (!mount["destination"].get<std::string>().starts_with("/dev")) kept.push_back(mount);
  }
  bundle_->config()["mounts"] = kept;
  ::rmdir((bundle_->rootfs() + "/dev").c_str());
  EXPECT_EQ(output_of("stat -c '%t:%T' /dev/null"), "1:3");
}

TEST_F(Mounts, AReadOnlyTmpfsIsReadOnly) {
  bundle_->mount("/scratch", "tmpfs", "tmpfs", {"ro"});
  EXPECT_NE(run_script("touch /scratch/x").exit_code, 0);
}

TEST_F(Mounts, ABoundDirectoryIsSharedWithTheHost) {
  make_dirs(dir_ / "data");
  testing::write_text(dir_ / "data/in", "from the host");
  bundle_->mount("/mnt/data", "none", dir_ / "data", {"bind"});
  EXPECT_EQ(output_of("cat /mnt/data/in; echo back >/mnt/data/out"), "from the host");
  EXPECT_EQ(testing::read_text(dir_ / "data/out"), "back\n");
}

TEST_F(Mounts, AReadOnlyBindIsReadOnlyInsideOnly) {
  make_dirs(dir_ / "data");
  bundle_->mount("/data", "none", dir_ / "data", {"bind", "ro", "nosuid", "nodev"});
  const CommandResult result = run_script("touch /data/x");
  EXPECT_NE(result.exit_code, 0);
  EXPECT_TRUE(holds(result.err, "Read-only file system")) << result.err;
  testing::write_text(dir_ / "data/y", "the host may");
  const std::string line = mount_line(run_detached(), "/data");
  EXPECT_TRUE(holds(line, " ro,nosuid,nodev,")) << line;
}

TEST_F(Mounts, ABoundFileGetsItsMountPointMade) {
  testing::write_text(dir_ / "note", "hello");
  bundle_->mount("/etc/app/note", "none", dir_ / "note", {"bind", "ro"});
  EXPECT_EQ(output_of("cat /etc/app/note"), "hello");
}

TEST_F(Mounts, ARelativeSourceStartsAtTheBundle) {
  make_dirs(bundle_->dir() + "/extra");
  testing::write_text(bundle_->dir() + "/extra/file", "here");
  bundle_->mount("/extra", "none", "extra", {"bind"});
  EXPECT_EQ(output_of("cat /extra/file"), "here");
}

TEST_F(Mounts, ARecursiveBindBringsWhatIsMountedBelow) {
  bundle_->mount("/hostproc", "none", "/proc", {"rbind"});
  bundle_->mount("/hostsys", "none", "/sys", {"rbind"});
  const pid_t pid = run_detached();
  EXPECT_FALSE(mount_line(pid, "/hostproc").empty());
  EXPECT_FALSE(mount_line(pid, "/hostsys").empty());
  const std::size_t below = static_cast<std::size_t>(
      std::ranges::count_if(testing::mount_points_of(pid),
                            [](const std::string& p) { return p.starts_with("/hostsys/"); }));
  EXPECT_GT(below, 0U);
}

TEST_F(Mounts, RecursiveReadOnlyReachesWhatIsMountedBelow) {
  bundle_->mount("/hostsys", "none", "/sys", {"rbind", "rro"});
  const pid_t pid = run_detached();
  for (const std::string& line : testing::mounts_of(pid)) {
    if (holds(line, " /hostsys")) {
      EXPECT_TRUE(holds(line, " ro,")) << line;
    }
  }
}

TEST_F(Mounts, AMissingSourceIsNamed) {
  bundle_->mount("/data", "none", dir_ / "absent", {"bind"});
  bundle_->write();
  const CommandResult result = runc({"run", "--bundle", bundle_->dir(), id_});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(holds(result.err, dir_ / "absent")) << result.err;
  EXPECT_TRUE(holds(result.err, "no such file or directory")) << result.err;
}

TEST_F(Mounts, AnUnknownFilesystemIsNamed) {
  bundle_->mount("/data", "nosuchfs", "none", {});
  bundle_->write();
  const CommandResult result = runc({"run", "--bundle", bundle_->dir(), id_});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(holds(result.err, "nosuchfs")) << result.err;
  EXPECT_TRUE(holds(result.err, "no such device")) << result.err;
}

TEST_F(Mounts, ALinkInTheRootDoesNotLeadAMountOutside) {
  make_dirs(dir_ / "outside");
  ASSERT_EQ(::symlink((dir_ / "outside").c_str(), (bundle_->rootfs() + "/evil").c_str()), 0);
  ASSERT_EQ(::symlink("../../../../../../../..", (bundle_->rootfs() + "/up").c_str()), 0);
  bundle_->mount("/evil/sub", "tmpfs", "tmpfs", {});
  bundle_->mount("/up/climbed", "tmpfs", "tmpfs", {});
  (void)run_script("true");  // whether it is refused or kept inside is the runtime's choice
  EXPECT_TRUE(testing::files_below(dir_ / "outside").empty());
  EXPECT_FALSE(exists("/climbed"));
}

TEST_F(Mounts, ProcBehindALinkIsRefused) {
  ::rmdir((bundle_->rootfs() + "/proc").c_str());
  make_dirs(bundle_->rootfs() + "/x");
  ASSERT_EQ(::symlink("x", (bundle_->rootfs() + "/proc").c_str()), 0);
  EXPECT_EQ(run_script("true").exit_code, 1);
}

TEST_F(Mounts, ARelativeDestinationIsTakenAsBelowTheRoot) {
  bundle_->mount("scratch", "tmpfs", "tmpfs", {});
  EXPECT_EQ(output_of("grep -c ' /scratch ' /proc/mounts"), "1");
}

TEST_F(Mounts, PropagationWordsHold) {
  make_dirs(dir_ / "data");
  bundle_->mount("/data", "none", dir_ / "data", {"bind", "shared"});
  EXPECT_TRUE(holds(mount_line(run_detached(), "/data"), " shared:"));
}

// --- devices --------------------------------------------------------------------------------

TEST_F(Devices, TheDefaultNodesAreTheKernels) {
  EXPECT_EQ(output_of("cd /dev && stat -c '%n %a %t:%T' full null random tty urandom zero"),
            "full 666 1:7\nnull 666 1:3\nrandom 666 1:8\ntty 666 5:0\nurandom 666 1:9\n"
            "zero 666 1:5");
}

TEST_F(Devices, TheDefaultLinksLeadToProcAndPts) {
  EXPECT_EQ(output_of("cd /dev && for i in fd stdin stdout stderr ptmx; do readlink $i; done"),
            "/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx");
}

TEST_F(Devices, ThoseOfTheConfigurationAreMade) {
  (*bundle_)["linux"]["devices"] = {{{"path", "/dev/my/zero"},
                                     {"type", "c"},
                                     {"major", 1},
                                     {"minor", 5},
                                     {"fileMode", 0644},
                                     {"uid", 3},
                                     {"gid", 4}},
                                    {{"path", "/dev/pipe"}, {"type", "p"}, {"fileMode", 0600}}};
  EXPECT_EQ(output_of("stat -c '%F %a %t:%T %u:%g' /dev/my/zero; stat -c '%F %a' /dev/pipe; "
                      "head -c 3 /dev/my/zero | wc -c"),
            "character special file 644 1:5 3:4\nfifo 600\n3");
}

TEST_F(Devices, InAUserNamespaceTheyAreTheHostsBound) {
  bundle_->map_ids();
  EXPECT_EQ(output_of("echo x >/dev/null; head -c 2 /dev/zero | wc -c"), "2");
}

// --- hidden paths ---------------------------------------------------------------------------

TEST_F(HiddenPaths, AMaskedFileIsEmptyAndAMaskedDirectoryToo) {
  make_dirs(bundle_->rootfs() + "/secret");
  testing::write_text(bundle_->rootfs() + "/secret/key", "k");
  testing::write_text(bundle_->rootfs() + "/password", "p");
  (*bundle_)["linux"]["maskedPaths"] = {"/secret", "/password", "/not/there"};
  EXPECT_EQ(output_of("ls /secret; cat /password; ls -d /not 2>/dev/null || echo absent"),
            "absent");
}

TEST_F(HiddenPaths, AMaskCannotBeWritten) {
  make_dirs(bundle_->rootfs() + "/secret");
  (*bundle_)["linux"]["maskedPaths"] = {"/secret"};
  EXPECT_NE(run_script("touch /secret/x").exit_code, 0);
}

TEST_F(HiddenPaths, ReadOnlyPathsCanBeReadButNotWritten) {
  make_dirs(bundle_->rootfs() + "/static");
  testing::write_text(bundle_->rootfs() + "/static/page", "p");
  (*bundle_)["linux"]["readonlyPaths"] = {"/static", "/proc/sys", "/not/there"};
  const CommandResult result =
      run_script("cat /static/page; touch /static/x || echo x >/proc/sys/kernel/domainname");
  EXPECT_NE(result.exit_code, 0);
  EXPECT_EQ(result.out, "p");
  EXPECT_EQ(testing::lines_of(result.err).size(), 2U) << result.err;
}

TEST_F(HiddenPaths, ReadOnlyProcKeepsItsOtherFlags) {
  const pid_t pid = run_detached();
  for (const std::string& line : testing::mounts_of(pid)) {
    if (holds(line, " /proc/sys ")) {
      EXPECT_TRUE(holds(line, " ro,")) << line;
      return;
    }
  }
  FAIL() << "/proc/sys is not mounted on itself";
}

// --- the root -------------------------------------------------------------------------------

TEST_F(RootFilesystem, AReadOnlyRootTakesNoFiles) {
  (*bundle_)["root"]["readonly"] = true;
  const CommandResult result = run_script("touch /x");
  EXPECT_NE(result.exit_code, 0);
  EXPECT_TRUE(holds(result.err, "Read-only file system")) << result.err;
}

TEST_F(RootFilesystem, AWritableRootKeepsWhatIsWritten) {
  EXPECT_EQ(output_of("echo kept >/x"), "");
  EXPECT_EQ(testing::read_text(bundle_->rootfs() + "/x"), "kept\n");
}

TEST_F(RootFilesystem, AnAbsolutePathIsTakenAsItIs) {
  (*bundle_)["root"]["path"] = bundle_->rootfs();
  EXPECT_EQ(output_of("ls -d /bin"), "/bin");
}

TEST_F(RootFilesystem, TheHostSeesNoneOfItsMounts) {
  const auto before = testing::mounts_of(getpid());
  ASSERT_GT(run_detached(), 0);
  EXPECT_EQ(testing::mounts_of(getpid()), before);
}

TEST_F(RootFilesystem, ItsPropagationIsTheConfigurations) {
  (*bundle_)["linux"]["rootfsPropagation"] = "shared";
  const pid_t pid = run_detached();
  EXPECT_TRUE(holds(mount_line(pid, "/"), " shared:")) << testing::mounts_of(pid).front();
}

TEST_F(RootFilesystem, WithoutPivotItIsTheSameContainer) {
  bundle_->script("ls -d /bin /proc/1 && mount | wc -l");
  bundle_->write();
  const CommandResult result = runc({"run", "--no-pivot", "--bundle", bundle_->dir(), id_});
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  EXPECT_TRUE(result.out.starts_with("/bin\n/proc/1\n")) << result.out;
}

TEST_F(RootFilesystem, AMissingOneIsNamed) {
  (*bundle_)["root"]["path"] = "absent";
  bundle_->write();
  const CommandResult result = runc({"run", "--bundle", bundle_->dir(), id_});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(holds(result.err, "absent")) << result.err;
  EXPECT_TRUE(states().empty());
}

}  // namespace
}  // namespace minidocker::runtime
