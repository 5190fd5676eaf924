#include "minidocker/unionfs/detached.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include <fmt/format.h>

#include "layers.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/child_steps.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/mountinfo.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/started_child.hpp"
#include "steps.hpp"

namespace minidocker::unionfs {
namespace {

using minidocker::testing::find_text;
using minidocker::testing::in_sandbox;
using minidocker::testing::read_text;
using minidocker::testing::write_text;
using ::testing::HasSubstr;
using unionfs::testing::as_root_and_as_user;
using unionfs::testing::container_root;
using unionfs::testing::error_of;
using unionfs::testing::kMerged;
using unionfs::testing::Mounted;
using unionfs::testing::succeeds;

std::string below(const UniqueFd& mount, const std::string& path) {
  return std::string(FdPath(mount.get()).c_str()) + "/" + path;
}

// A user namespace in which `count` ids from `inside` on are those from `outside` on.
UniqueFd user_namespace(unsigned inside, unsigned outside, unsigned count) {
  ChildPlan plan;
  plan.add(Sync{SyncPoint::id_maps, "wait"});
  StartedChild child = StartedChild::start(plan, {.flags = CLONE_NEWUSER});
  child.wait_for(SyncPoint::id_maps);
  const std::string proc = fmt::format("/proc/{}/", child.process().pid());
  const std::string map = fmt::format("{} {} {}", inside, outside, count);
  write_control(proc + "uid_map", map);
  write_control(proc + "gid_map", map);
  return sys::open((proc + "ns/user").c_str(), O_RDONLY).or_throw(proc);
}

uid_t owner_of(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_uid;
}

TEST(ClonedMount, IsSeenNowhereAndGoesWithItsDescriptor) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_dirs("/tmp/src");
    write_text("/tmp/src/file", "content");
    const std::size_t mounts = read_mountinfo().size();
    const UniqueFd cloned = clone_mount("/tmp/src", Recursion::top);
    EXPECT_EQ(read_text(below(cloned, "file")), "content");
    EXPECT_EQ(read_mountinfo().size(), mounts);
    EXPECT_THROW((void)clone_mount("/tmp/none", Recursion::top), SystemError);
  });
}

TEST(MappedMount, ShowsFilesToBelongToSomebodyElseAndWritesThemBack) {
  MD_NEEDS("root", "userns");
  in_sandbox([] {
    make_dirs("/tmp/src");
    write_text("/tmp/src/of-root", "");
    write_text("/tmp/src/of-nobody", "");
    ASSERT_EQ(::chown("/tmp/src/of-nobody", 99, 99), 0);
    const UniqueFd cloned = clone_mount("/tmp/src", Recursion::top);
    map_ids(cloned.get(), user_namespace(0, 1000, 10).get(), Recursion::top, "/tmp/src");
    EXPECT_EQ(owner_of(below(cloned, "of-root")), 1000U);
    EXPECT_EQ(owner_of(below(cloned, "of-nobody")), 65534U);
    ASSERT_EQ(::chown(below(cloned, "of-root").c_str(), 1005, 1005), 0);
    EXPECT_EQ(owner_of("/tmp/src/of-root"), 5U);
    EXPECT_EQ(::open(below(cloned, "new").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600), -1);
    EXPECT_EQ(errno, EOVERFLOW);  // we are user 0, who is nobody on this mount
  });
}

TEST(MappedMount, IsAttachedByABindWithItsFlags) {
  MD_NEEDS("root", "userns");
  in_sandbox([] {
    make_dirs("/tmp/src");
    write_text("/tmp/src/file", "");
    const UniqueFd cloned = clone_mount("/tmp/src", Recursion::top);
    map_ids(cloned.get(), user_namespace(0, 1000, 10).get(), Recursion::top, "/tmp/src");
    const int root = container_root();
    const int tree = cloned.get();
    BindMount step{&root, "/tmp/src", "/data"};
    step.attributes = to_attributes(MS_RDONLY, 0);
    step.tree = &tree;
    EXPECT_EQ(step.describe(), "bind /tmp/src to /data (ro,ids mapped)");
    ASSERT_TRUE(succeeds(step));
    EXPECT_EQ(owner_of("/tmp/root/data/file"), 1000U);
    EXPECT_EQ(::unlink("/tmp/root/data/file"), -1);
    EXPECT_EQ(errno, EROFS);
  });
}

TEST(MappedMount, SaysWhoMayMapAndWhat) {
  MD_NEEDS("root", "userns");
  in_sandbox([] {
    const UniqueFd ids = user_namespace(0, 1000, 10);
    const UniqueFd proc = clone_mount("/proc", Recursion::top);
    try {
      map_ids(proc.get(), ids.get(), Recursion::top, "/proc");
      ADD_FAILURE() << "proc maps ids";
    } catch (const SystemError& error) {
      EXPECT_THAT(error.what(), HasSubstr("the filesystem of the source, or one below it, cannot"));
    }
    const UniqueFd mapped = clone_mount("/tmp", Recursion::top);
    map_ids(mapped.get(), ids.get(), Recursion::top, "/tmp");
    EXPECT_THROW(map_ids(mapped.get(), ids.get(), Recursion::top, "/tmp"), SystemError);
  });
}

TEST(DetachedOverlay, IsReadAndWrittenWithoutBeingMountedAnywhere) {
  MD_NEEDS("root", "user", "userns", "overlay");
  as_root_and_as_user([] {
    for (const char* dir : {"low", "top", "upper", "work"}) make_dirs(std::string("/tmp/l/") + dir);
    write_text("/tmp/l/low/file", "low");
    const std::size_t mounts = read_mountinfo().size();
    {
      const UniqueFd overlay =
          make_detached_overlay({{"/tmp/l/top", "/tmp/l/low"}, "/tmp/l/upper", "/tmp/l/work"});
      EXPECT_EQ(read_mountinfo().size(), mounts);
      EXPECT_EQ(read_text(below(overlay, "file")), "low");
      write_text(below(overlay, "file"), "changed");
    }
    EXPECT_EQ(read_text("/tmp/l/upper/file"), "changed");
  });
}

TEST(DetachedOverlay, TakesHundredsOfLayers) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    OverlayLayers layers;
    for (int i = 0; i < 300; ++i) {
      layers.lowers.push_back(fmt::format("/tmp/{:064}/{}", 7, i));
      make_dirs(layers.lowers.back());
      write_text(fmt::format("{}/file-{}", layers.lowers.back(), i), "");
    }
    const UniqueFd overlay = make_detached_overlay(layers);
    EXPECT_TRUE(find_text(below(overlay, "file-0")));
    EXPECT_TRUE(find_text(below(overlay, "file-299")));
  });
}

TEST(DetachedOverlay, OfNothingOrOfWhatIsMissingIsAnError) {
  EXPECT_THROW((void)make_detached_overlay({}), Error);
  MD_NEEDS("root", "overlay");
  in_sandbox(
      [] { EXPECT_THROW((void)make_detached_overlay({{"/no/a", "/no/b"}, {}, {}}), SystemError); });
}

// --- what kernels before this one have not ------------------------------------------------------

bool kernel_has(int major, int minor) {
  struct utsname names{};
  int is_major = 0;
  int is_minor = 0;
  EXPECT_EQ(::uname(&names), 0);
  EXPECT_EQ(std::sscanf(names.release, "%d.%d", &is_major, &is_minor), 2) << names.release;
  return std::pair(is_major, is_minor) >= std::pair(major, minor);
}

TEST(OldKernel, DetachesNoOverlayAndIsNamed) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    for (const char* dir : {"/tmp/low", "/tmp/top"}) make_dirs(dir);
    try {
      (void)make_detached_overlay({{"/tmp/top", "/tmp/low"}, {}, {}});
      EXPECT_TRUE(kernel_has(6, 8));
    } catch (const SystemError& error) {
      EXPECT_FALSE(kernel_has(6, 8)) << error.what();
      EXPECT_EQ(error.code(), EINVAL);
      EXPECT_THAT(error.what(), HasSubstr("it takes Linux 6.8"));
    }
  });
}

TEST(OldKernel, MapsNoIdsOfATmpfsAndIsNamed) {
  MD_NEEDS("root", "userns");
  in_sandbox([] {
    const UniqueFd cloned = clone_mount("/tmp", Recursion::top);
    try {
      map_ids(cloned.get(), user_namespace(0, 1000, 10).get(), Recursion::top, "/tmp");
      EXPECT_TRUE(kernel_has(6, 3));
    } catch (const SystemError& error) {
      EXPECT_FALSE(kernel_has(6, 3)) << error.what();
      EXPECT_EQ(error.code(), EINVAL);
      EXPECT_THAT(error.what(), HasSubstr("the filesystem of the source, or one below it, cannot"));
    }
  });
}

TEST(OldKernel, KeepsNoUserAttributesOnATmpfs) {
  MD_NEEDS("root");
  in_sandbox([] { EXPECT_EQ(has_user_xattrs("/tmp"), kernel_has(6, 6)); });
}

TEST(OldKernel, TakesAPageOfLayersAndNoMore) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    OverlayLayers layers;
    for (int i = 0; i < 120; ++i) {
      layers.lowers.push_back(fmt::format("/tmp/l/{:064}", i));
      make_dirs(layers.lowers.back());
    }
    make_dirs(kMerged);
    ChildPlan plan;
    EXPECT_EQ(error_of(make_mount_overlay(plan, layers, kMerged)), kernel_has(6, 8) ? 0 : EINVAL);
    layers.lowers.resize(50);
    EXPECT_TRUE(succeeds(make_mount_overlay(plan, layers, kMerged))) << "of a shorter list all do";
  });
}

// What a layer from elsewhere could bring along to lead the kernel astray.
TEST(HostileLayer, CannotRedirectADirectory) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    make_dirs("/tmp/l/low/secret");
    make_dirs("/tmp/l/top/public");
    write_text("/tmp/l/low/secret/key", "x");
    ASSERT_EQ(::setxattr("/tmp/l/top/public", "user.overlay.redirect", "/secret", 7, 0), 0);
    const Mounted mounted({"/tmp/l/top", "/tmp/l/low"}, "/tmp/l/upper");
    EXPECT_FALSE(find_text("/tmp/merged/public/key"));
    EXPECT_EQ(::open("/tmp/merged/public", O_RDONLY | O_CLOEXEC), -1);
    EXPECT_EQ(errno, EPERM);
  });
}

TEST(HostileLayer, CannotBorrowTheContentOfAnotherFile) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    make_dirs("/tmp/l/low");
    make_dirs("/tmp/l/top");
    write_text("/tmp/l/low/shadow", "secret");
    write_text("/tmp/l/top/public", "");
    ASSERT_EQ(::setxattr("/tmp/l/top/public", "user.overlay.metacopy", "", 0, 0), 0);
    ASSERT_EQ(::setxattr("/tmp/l/top/public", "user.overlay.redirect", "/shadow", 7, 0), 0);
    const Mounted mounted({"/tmp/l/top", "/tmp/l/low"}, "/tmp/l/upper");
    EXPECT_NE(find_text("/tmp/merged/public").value_or(""), "secret");
  });
}

}  // namespace
}  // namespace minidocker::unionfs
