// Kernel filesystems, device nodes and links in a root that an image has had its hands on.

#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "minidocker/namespaces/devices.hpp"
#include "minidocker/namespaces/filesystems.hpp"
#include "minidocker/namespaces/root.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/mountinfo.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "steps.hpp"

namespace minidocker::namespaces {
namespace {

using minidocker::testing::in_sandbox;
using minidocker::testing::mount_points_of;
using namespaces::testing::as_user;
using namespaces::testing::error_of;
using namespaces::testing::succeeds;
using ::testing::Contains;
using ::testing::Not;

/// A directory to fill, opened as a container's root is.
class Root {
 public:
  Root() {
    make_dirs("/tmp/root");
    const StepResult opened = namespaces::testing::run_here(OpenRoot{"/tmp/root", &fd_});
    EXPECT_TRUE(opened);
  }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;
  ~Root() { ::close(fd_); }
  const int* slot() const { return &fd_; }

 private:
  int fd_ = -1;
};

MountFilesystem tmpfs(const Root& root, const char* destination) {
  return {root.slot(), destination, "tmpfs", "tmpfs", 0, nullptr};
}

void link(const char* target, const char* path) {
  sys::symlinkat(target, AT_FDCWD, path).or_throw(path);
}

TEST(MountFilesystem, ComesWithItsFlagsAndOptions) {
  MD_NEEDS("root");
  in_sandbox([] {
    const Root root;
    make_dirs("/tmp/root/dev");
    EXPECT_TRUE(succeeds(MountFilesystem{root.slot(), "/dev", "tmpfs", "our-dev",
                                         MS_NOSUID | MS_NOEXEC, "mode=755,size=64k"}));
    const std::vector<MountEntry> mounts = read_mountinfo();
    const MountEntry* const entry = find_mount(mounts, "/tmp/root/dev");
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(entry->target, "/tmp/root/dev");
    EXPECT_EQ(entry->source, "our-dev");
    EXPECT_TRUE(entry->has_option("nosuid") && entry->has_option("noexec"));
    EXPECT_THAT(entry->super_options, ::testing::HasSubstr("size=64k"));
  });
}

TEST(MountFilesystem, MakesTheDirectoriesThatAreMissing) {
  MD_NEEDS("root");
  in_sandbox([] {
    const Root root;
    for (const char* path : {"one", "/two", "/three/deep/er", "/two/more"}) {
      EXPECT_TRUE(succeeds(tmpfs(root, path))) << path;
    }
    EXPECT_THAT(mount_points_of(::getpid()),
                ::testing::IsSupersetOf({"/tmp/root/one", "/tmp/root/two", "/tmp/root/two/more",
                                         "/tmp/root/three/deep/er"}));
    struct stat made = {};
    ASSERT_EQ(::stat("/tmp/root/three/deep", &made), 0);
    EXPECT_EQ(made.st_mode & 07777U, 0755U);
  });
}

TEST(MountFilesystem, LinksInTheImageStayInsideTheRoot) {
  MD_NEEDS("root");
  in_sandbox([] {
    const Root root;
    make_dirs("/tmp/outside");
    make_dirs("/tmp/root/inside");
    link("/../../../../tmp/outside", "/tmp/root/climb");
    link("/inside", "/tmp/root/ok");
    EXPECT_TRUE(succeeds(tmpfs(root, "/ok")));
    EXPECT_TRUE(succeeds(tmpfs(root, "/climb")));
    const std::vector<std::string> mounts = mount_points_of(::getpid());
    EXPECT_THAT(mounts, Contains("/tmp/root/inside"));
    EXPECT_THAT(mounts, Contains("/tmp/root/tmp/outside"));
    EXPECT_THAT(mounts, Not(Contains("/tmp/outside")));
  });
}

TEST(MountFilesystem, ProcAndSysfsWantRealDirectories) {
  MD_NEEDS("root");
  in_sandbox([] {
    const Root root;
    make_dirs("/tmp/root/elsewhere");
    link("elsewhere", "/tmp/root/proc");
    link("elsewhere", "/tmp/root/sys");
    EXPECT_EQ(error_of(MountFilesystem{root.slot(), "/proc", "proc", "proc", 0, nullptr}), ELOOP);
    EXPECT_EQ(error_of(MountFilesystem{root.slot(), "/sys", "sysfs", "sysfs", 0, nullptr}), ELOOP);
    EXPECT_THAT(mount_points_of(::getpid()), Not(Contains("/tmp/root/elsewhere")));
  });
}

TEST(MountFilesystem, ALinkThatLeadsIntoProcIsRefused) {
  MD_NEEDS("root");
  in_sandbox([] {
    const Root root;
    ASSERT_TRUE(succeeds(MountFilesystem{root.slot(), "/proc", "proc", "proc", 0, nullptr}));
    link("/proc/sys", "/tmp/root/innocent");
    EXPECT_EQ(error_of(tmpfs(root, "/innocent")), EPERM);
  });
}

TEST(MountFilesystem, AFileIsNoMountPointForAFilesystem) {
  MD_NEEDS("root");
  in_sandbox([] {
    const Root root;
    minidocker::testing::write_text("/tmp/root/file", "");
    EXPECT_EQ(error_of(tmpfs(root, "/file")), ENOTDIR);
    EXPECT_EQ(error_of(tmpfs(root, "/file/below")), ENOTDIR);
    const std::string longest = "/x/" + std::string(PATH_MAX, 'y') + "/z";
    EXPECT_EQ(error_of(tmpfs(root, longest.c_str())), ENAMETOOLONG);
  });
}

TEST(MountFilesystem, TheSameOneTwiceInOnePlaceIsEBUSY) {
  MD_NEEDS("root");
  in_sandbox([] {
    const Root root;
    // All sysfs of a network namespace are one; each proc is one of its own since Linux 5.8.
    const MountFilesystem sysfs{root.slot(), "/sys", "sysfs", "sysfs", 0, nullptr};
    EXPECT_TRUE(succeeds(sysfs));
    EXPECT_EQ(error_of(sysfs), EBUSY);
  });
}

TEST(MountFilesystem, OneThatTheKernelDoesNotHaveIsENODEV) {
  MD_NEEDS("root");
  in_sandbox([] {
    const Root root;
    EXPECT_EQ(error_of(MountFilesystem{root.slot(), "/x", "nosuchfs", "x", 0, nullptr}), ENODEV);
  });
}

TEST(MountFilesystem, AnOptionThatItDoesNotKnowIsEINVAL) {
  MD_NEEDS("root");
  in_sandbox([] {
    const Root root;
    EXPECT_EQ(error_of(MountFilesystem{root.slot(), "/x", "tmpfs", "x", 0, "nosuchoption"}),
              EINVAL);
  });
}

TEST(MountFilesystem, InAUserNamespaceSysfsNeedsANetworkNamespaceOfIt) {
  MD_NEEDS("user", "userns");
  const auto mount_sysfs = [] {
    const Root root;
    return error_of(MountFilesystem{root.slot(), "/sys", "sysfs", "sysfs", 0, nullptr});
  };
  as_user([&] {
    in_sandbox([&] { EXPECT_EQ(mount_sysfs(), EPERM); }, {.flags = CLONE_NEWNS});
    in_sandbox([&] { EXPECT_EQ(mount_sysfs(), 0); }, {.flags = CLONE_NEWNS | CLONE_NEWNET});
  });
}

TEST(MountFilesystem, InAUserNamespaceDevptsTakesMappedGroupsOnly) {
  MD_NEEDS("user", "userns");
  as_user([] {
    in_sandbox(
        [] {
          const Root root;
          EXPECT_EQ(error_of(MountFilesystem{root.slot(), "/pts", "devpts", "devpts", 0,
                                             "newinstance,gid=5"}),
                    EINVAL);
          EXPECT_EQ(error_of(MountFilesystem{root.slot(), "/pts", "devpts", "devpts", 0,
                                             "newinstance,gid=0"}),
                    0);
        },
        {.flags = CLONE_NEWNS});
  });
}

struct stat status_of_mount(const std::string& path) {
  struct stat status = {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status;
}

TEST(OpenTmpfs, IsWhatOthersAreMountedIntoByName) {
  MD_NEEDS("root");
  in_sandbox([] {
    const Root root;
    ASSERT_TRUE(succeeds(tmpfs(root, "/dev")));
    OpenedTmpfs dev;
    ASSERT_TRUE(succeeds(OpenTmpfs{root.slot(), "/dev", &dev}));
    EXPECT_TRUE(dev.plain);
    EXPECT_TRUE(succeeds(
        MountFilesystem{root.slot(), "/dev/shm", "tmpfs", "our-shm", MS_NODEV, "mode=1777", &dev}));
    EXPECT_EQ(status_of_mount("/tmp/root/dev/shm").st_mode & 07777U, 01777U);
    const std::vector<MountEntry> mounts = read_mountinfo();
    const MountEntry* const entry = find_mount(mounts, "/tmp/root/dev/shm");
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(entry->source, "our-shm");
    // A name that is taken is looked up, as where there is no such tmpfs.
    EXPECT_TRUE(
        succeeds(MountFilesystem{root.slot(), "/dev/shm", "tmpfs", "second", 0, nullptr, &dev}));
    EXPECT_EQ(find_mount(read_mountinfo(), "/tmp/root/dev/shm")->source, "second");
    ::close(dev.dir);
  });
}

TEST(OpenTmpfs, BehindALinkIsOpenedButNotTrusted) {
  MD_NEEDS("root");
  in_sandbox([] {
    const Root root;
    make_dirs("/tmp/root/real");
    link("/real", "/tmp/root/link");
    ASSERT_TRUE(succeeds(tmpfs(root, "/link")));
    OpenedTmpfs opened;
    ASSERT_TRUE(succeeds(OpenTmpfs{root.slot(), "/link", &opened}));
    EXPECT_FALSE(opened.plain);
    EXPECT_TRUE(
        succeeds(MountFilesystem{root.slot(), "/link/in", "tmpfs", "inner", 0, nullptr, &opened}));
    const std::vector<MountEntry> mounts = read_mountinfo();
    const MountEntry* const entry = find_mount(mounts, "/tmp/root/real/in");
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(entry->source, "inner");
    ::close(opened.dir);
  });
}

/// A fresh /dev, as run_in_namespaces() makes it.
class Dev : public Root {
 public:
  Dev() {
    EXPECT_TRUE(succeeds(SetUmask{0}));
    EXPECT_TRUE(
        succeeds(MountFilesystem{slot(), "/dev", "tmpfs", "tmpfs", MS_STRICTATIME, "mode=755"}));
    EXPECT_TRUE(succeeds(OpenDir{slot(), "/dev", &dev_}));
  }
  ~Dev() { ::close(dev_); }
  const int* dev() const { return &dev_; }

 private:
  int dev_ = -1;
};

struct stat stat_of(const char* path) {
  struct stat status = {};
  EXPECT_EQ(::lstat(path, &status), 0) << path;
  return status;
}

TEST(Devices, TheDefaultOnesWork) {
  MD_NEEDS("root");
  in_sandbox([] {
    const Dev dev;
    for (const DefaultDevice& device : default_devices()) {
      EXPECT_TRUE(succeeds(MakeDevice{dev.dev(), device.name, device.mode,
                                      makedev(device.major, device.minor), 0, 0}));
    }
    const struct stat null = stat_of("/tmp/root/dev/null");
    EXPECT_EQ(null.st_mode, static_cast<mode_t>(S_IFCHR | 0666));
    EXPECT_EQ(null.st_rdev, makedev(1, 3));
    const UniqueFd full = sys::open("/tmp/root/dev/full", O_WRONLY).or_throw();
    EXPECT_EQ(sys::write(full.get(), "x", 1).error(), ENOSPC);
  });
}

TEST(Devices, MayLieDeeperAndBelongToSomebody) {
  MD_NEEDS("root");
  in_sandbox([] {
    const Dev dev;
    EXPECT_TRUE(
        succeeds(MakeDevice{dev.dev(), "net/a/tun", S_IFCHR | 0600, makedev(10, 200), 7, 8}));
    const struct stat tun = stat_of("/tmp/root/dev/net/a/tun");
    EXPECT_EQ(tun.st_uid, 7U);
    EXPECT_EQ(tun.st_gid, 8U);
    EXPECT_TRUE(succeeds(MakeDevice{dev.dev(), "fifo", S_IFIFO | 0600, 0, 0, 0}));
    EXPECT_TRUE(S_ISFIFO(stat_of("/tmp/root/dev/fifo").st_mode));
  });
}

TEST(Devices, ANodeThatIsThereIsTakenIfItIsTheSame) {
  MD_NEEDS("root");
  in_sandbox([] {
    const Dev dev;
    const MakeDevice null{dev.dev(), "null", S_IFCHR | 0666, makedev(1, 3), 0, 0};
    EXPECT_TRUE(succeeds(null));
    EXPECT_TRUE(succeeds(null));
    EXPECT_EQ(error_of(MakeDevice{dev.dev(), "null", S_IFCHR | 0666, makedev(1, 5), 0, 0}), EEXIST);
    EXPECT_EQ(error_of(MakeDevice{dev.dev(), "null", S_IFIFO | 0666, 0, 0, 0}), EEXIST);
  });
}

TEST(Devices, ALinkOfTheImageLeadsNoNodeOutOfTheRoot) {
  MD_NEEDS("root");
  in_sandbox([] {
    const Root root;
    make_dirs("/tmp/outside");
    link("../../../tmp/outside", "/tmp/root/dev");
    int dev = -1;
    ASSERT_TRUE(succeeds(tmpfs(root, "/tmp/outside")));
    ASSERT_TRUE(succeeds(OpenDir{root.slot(), "/dev", &dev}));
    EXPECT_TRUE(succeeds(MakeDevice{&dev, "null", S_IFCHR | 0666, makedev(1, 3), 0, 0}));
    EXPECT_FALSE(exists("/tmp/outside/null"));
    EXPECT_TRUE(exists("/tmp/root/tmp/outside/null"));
    ::close(dev);
  });
}

TEST(Devices, ImpossibleNamesAndPlacesAreRefused) {
  MD_NEEDS("root");
  in_sandbox([] {
    const Dev dev;
    minidocker::testing::write_text("/tmp/root/dev/file", "");
    const auto error = [&dev](const char* name) {
      return error_of(MakeDevice{dev.dev(), name, S_IFCHR | 0600, makedev(1, 3), 0, 0});
    };
    EXPECT_EQ(error("file/null"), ENOTDIR);
    EXPECT_EQ(error("net/.."), EINVAL);
    EXPECT_EQ(error((std::string(PATH_MAX, 'x') + "/y").c_str()), ENAMETOOLONG);
    int none = -1;
    EXPECT_EQ(error_of(OpenDir{dev.slot(), "/dev/file", &none}), ENOTDIR);
  });
}

TEST(Devices, ADirectoryForThemThatIsMissingIsMade) {
  MD_NEEDS("root");
  in_sandbox([] {
    const Dev dev;
    int made = -1;
    EXPECT_TRUE(succeeds(OpenDir{dev.slot(), "/missing/dev", &made}));
    EXPECT_EQ(minidocker::testing::open_fds(::getpid())[made], "/tmp/root/missing/dev");
  });
}

TEST(Devices, InAUserNamespaceTheyAreBoundInsteadOfMade) {
  MD_NEEDS("user", "userns");
  as_user([] {
    in_sandbox(
        [] {
          const Dev dev;
          const MakeDevice made{dev.dev(), "zero", S_IFCHR | 0666, makedev(1, 5), 0, 0};
          EXPECT_EQ(error_of(made), EPERM);
          EXPECT_TRUE(succeeds(BindDevice{"/dev/null", dev.dev(), "null"}));
          EXPECT_EQ(stat_of("/tmp/root/dev/null").st_rdev, makedev(1, 3));
          const UniqueFd null = sys::open("/tmp/root/dev/null", O_WRONLY).or_throw();
          EXPECT_TRUE(sys::write(null.get(), "x", 1).ok());
          EXPECT_EQ(error_of(BindDevice{"/dev/missing", dev.dev(), "missing"}), ENOENT);
        },
        {.flags = CLONE_NEWNS});
  });
}

TEST(Links, AreMadeOnceAndWhatIsThereStays) {
  MD_NEEDS("root");
  in_sandbox([] {
    const Dev dev;
    EXPECT_TRUE(succeeds(MakeSymlink{dev.dev(), "fd", "/proc/self/fd"}));
    EXPECT_TRUE(succeeds(MakeSymlink{dev.dev(), "fd", "/elsewhere"}));
    EXPECT_EQ(minidocker::testing::link_target("/tmp/root/dev/fd"), "/proc/self/fd");
    EXPECT_EQ(error_of(MakeSymlink{dev.dev(), "missing/fd", "/x"}), ENOENT);
  });
}

}  // namespace
}  // namespace minidocker::namespaces
