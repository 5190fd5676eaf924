#include "minidocker/unionfs/overlay.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/mountinfo.hpp"
#include "minidocker/unionfs/upper_lease.hpp"
#include "minidocker/unionfs/whiteout.hpp"
#include "steps.hpp"

namespace minidocker::unionfs {
namespace {

using minidocker::testing::find_text;
using minidocker::testing::in_sandbox;
using minidocker::testing::read_text;
using minidocker::testing::write_text;
using ::testing::HasSubstr;
using unionfs::testing::as_root_and_as_user;
using unionfs::testing::error_of;
using unionfs::testing::in_user_namespace;
using unionfs::testing::succeeds;

// Two layers with a file each, in directories below `base`.
OverlayLayers make_layers(const std::string& base) {
  for (const char* dir : {"low", "top", "upper", "work"}) make_dirs(base + "/" + dir);
  write_text(base + "/low/from-low", "low");
  write_text(base + "/low/both", "low");
  write_text(base + "/top/both", "top");
  make_dirs("/tmp/merged");
  return {{base + "/top", base + "/low"}, base + "/upper", base + "/work"};
}

std::string options_of_merged() {
  const std::vector<MountEntry> mounts = read_mountinfo();
  const MountEntry* entry = find_mount(mounts, "/tmp/merged");
  return entry == nullptr || entry->type != "overlay" ? "" : entry->super_options;
}

TEST(MountOverlay, ShowsLayersAsOneTreeAndWritesIntoTheUpperOne) {
  MD_NEEDS("root", "user", "userns", "overlay");
  as_root_and_as_user([] {
    ChildPlan plan;
    const OverlayLayers layers = make_layers("/tmp/l");
    ASSERT_TRUE(succeeds(make_mount_overlay(plan, layers, "/tmp/merged")));
    EXPECT_EQ(read_text("/tmp/merged/from-low"), "low");
    EXPECT_EQ(read_text("/tmp/merged/both"), "top");
    write_text("/tmp/merged/both", "changed");
    EXPECT_EQ(read_text("/tmp/l/upper/both"), "changed");
    EXPECT_EQ(read_text("/tmp/l/top/both"), "top");
    EXPECT_THAT(options_of_merged(), HasSubstr("userxattr"));
  });
}

TEST(MountOverlay, RecordsWhatIsDeletedAsAWhiteoutInTheUpperDirectory) {
  MD_NEEDS("root", "user", "userns", "overlay");
  as_root_and_as_user([] {
    ChildPlan plan;
    ASSERT_TRUE(succeeds(make_mount_overlay(plan, make_layers("/tmp/l"), "/tmp/merged")));
    ASSERT_EQ(::unlink("/tmp/merged/from-low"), 0);
    struct stat status{};
    ASSERT_EQ(::lstat("/tmp/l/upper/from-low", &status), 0);
    EXPECT_TRUE(is_whiteout(status));
  });
}

TEST(MountOverlay, IsReadOnlyWithoutAnUpperDirectory) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    ChildPlan plan;
    OverlayLayers layers = make_layers("/tmp/l");
    layers.upper.clear();
    layers.work.clear();
    ASSERT_TRUE(succeeds(make_mount_overlay(plan, layers, "/tmp/merged")));
    EXPECT_EQ(::open("/tmp/merged/new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600), -1);
    EXPECT_EQ(errno, EROFS);
  });
}

TEST(MountOverlay, TellsTheKernelThatTheUpperLayerMayBeLost) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    ChildPlan plan;
    OverlayLayers layers = make_layers("/tmp/l");
    layers.sync = UpperSync::never;
    ASSERT_TRUE(succeeds(make_mount_overlay(plan, layers, "/tmp/merged")));
    EXPECT_THAT(options_of_merged(), HasSubstr("volatile"));
  });
}

// `count` layers with names as long as digests; each holds its number.
OverlayLayers make_many_layers(std::size_t count, const std::string& base) {
  OverlayLayers layers{{}, base + "/upper", base + "/work", UpperSync::never};
  make_dirs(layers.upper);
  make_dirs(layers.work);
  make_dirs("/tmp/merged");
  for (std::size_t i = 0; i < count; ++i) {
    layers.lowers.push_back(fmt::format("{}/sha256/{:064x}", base, i));
    make_dirs(layers.lowers.back());
    write_text(fmt::format("{}/file-{}", layers.lowers.back(), i), "");
    write_text(layers.lowers.back() + "/number", std::to_string(i));
  }
  return layers;
}

struct NamedForm {
  OverlayForm form;
  std::size_t layers;
  const char* name;
};

class EachOverlayForm : public ::testing::TestWithParam<NamedForm> {};

INSTANTIATE_TEST_SUITE_P(MountOverlay, EachOverlayForm,
                         ::testing::Values(NamedForm{OverlayForm::absolute, 2, "absolute"},
                                           NamedForm{OverlayForm::relative, 50, "relative"},
                                           NamedForm{OverlayForm::appended, 120, "appended"}),
                         [](const auto& test) { return test.param.name; });

TEST_P(EachOverlayForm, TakesNamesWithSeparatorsInThem) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    ChildPlan plan;
    const std::string base = R"(/tmp/a:b,c\d\\e)";
    const OverlayLayers layers = make_many_layers(GetParam().layers, base);
    ASSERT_EQ(plan_overlay(layers).form, GetParam().form);
    ASSERT_TRUE(succeeds(make_mount_overlay(plan, layers, "/tmp/merged")));
    EXPECT_TRUE(find_text("/tmp/merged/file-1"));
    write_text("/tmp/merged/new", "x");
    EXPECT_EQ(find_text(base + "/upper/new"), "x");
  });
}

TEST(UserXattrs, AreMissedBeforeADirectoryCannotBeRemoved) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    EXPECT_TRUE(has_user_xattrs("/tmp"));
    EXPECT_NO_THROW(require_user_xattrs("/tmp"));
    make_dirs("/tmp/ram");
    ASSERT_EQ(::mount("ramfs", "/tmp/ram", "ramfs", 0, nullptr), 0);
    EXPECT_FALSE(has_user_xattrs("/tmp/ram"));
    try {
      require_user_xattrs("/tmp/ram");
      ADD_FAILURE() << "taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::unavailable);
      EXPECT_THAT(error.what(), HasSubstr("\"/tmp/ram\": its filesystem keeps no user attributes"));
    }
    // What would go wrong otherwise, and only then.
    ChildPlan plan;
    OverlayLayers layers = make_layers("/tmp/l");
    make_dirs("/tmp/l/low/dir");
    write_text("/tmp/l/low/dir/file", "");
    layers.upper = "/tmp/ram/upper";
    layers.work = "/tmp/ram/work";
    make_dirs(layers.upper);
    make_dirs(layers.work);
    ASSERT_TRUE(succeeds(make_mount_overlay(plan, layers, "/tmp/merged")));
    EXPECT_EQ(::unlink("/tmp/merged/dir/file"), 0);
    EXPECT_EQ(::rmdir("/tmp/merged/dir"), -1);
    EXPECT_EQ(errno, EIO);
  });
}

TEST(UserXattrs, OfADirectoryThatIsNoneAreAnError) {
  EXPECT_THROW((void)has_user_xattrs("/nowhere"), SystemError);
}

TEST(MountOverlay, StacksMoreLayersThanAbsoluteNamesHaveRoomFor) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    ChildPlan plan;
    const OverlayLayers layers = make_many_layers(50, "/tmp/" + std::string(60, 'd'));
    ASSERT_EQ(plan_overlay(layers).form, OverlayForm::relative);
    const std::string before = get_current_dir_name();
    ASSERT_TRUE(succeeds(make_mount_overlay(plan, layers, "/tmp/merged")));
    EXPECT_EQ(read_text("/tmp/merged/number"), "0");
    EXPECT_TRUE(find_text("/tmp/merged/file-49"));
    EXPECT_EQ(std::string(get_current_dir_name()), before);
  });
}

TEST(MountOverlay, AppendsLayersOneByOneWhereOptionsHaveNoRoom) {
  MD_NEEDS("root", "user", "userns", "overlay");
  as_root_and_as_user([] {
    ChildPlan plan;
    const OverlayLayers layers = make_many_layers(120, "/tmp/l");
    ASSERT_EQ(plan_overlay(layers).form, OverlayForm::appended);
    ASSERT_TRUE(succeeds(make_mount_overlay(plan, layers, "/tmp/merged")));
    EXPECT_EQ(read_text("/tmp/merged/number"), "0");
    EXPECT_TRUE(find_text("/tmp/merged/file-119"));
    EXPECT_THAT(options_of_merged(), HasSubstr("userxattr"));
  });
}

TEST(MountOverlay, GivesDirectoriesWithLongNamesByDescriptorWhenAppending) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    ChildPlan plan;
    const std::string base = "/tmp/" + std::string(150, 'a') + "/" + std::string(150, 'b');
    ASSERT_TRUE(succeeds(make_mount_overlay(plan, make_many_layers(70, base), "/tmp/merged")));
    write_text("/tmp/merged/new", "x");
    EXPECT_EQ(read_text(base + "/upper/new"), "x");
  });
}

TEST(MountOverlay, TakesPathsAsLongAsTheKernelDoes) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    ChildPlan plan;
    std::string base = "/tmp";
    for (int i = 0; i < 15; ++i) base += "/" + std::string(250, 'd');
    OverlayLayers layers = make_many_layers(2, base);
    ASSERT_GT(layers.lowers.front().size(), 3800U);
    ASSERT_TRUE(succeeds(make_mount_overlay(plan, layers, "/tmp/merged")));
    write_text("/tmp/merged/new", "x");
    EXPECT_EQ(find_text(base + "/upper/new"), "x");
    for (std::string& lower : layers.lowers) lower.insert(base.size(), 400, '/');  // above PATH_MAX
    EXPECT_EQ(error_of(make_mount_overlay(plan, layers, "/tmp/merged")), ENAMETOOLONG);
  });
}

TEST(MountOverlay, AnswersWhichCallFailed) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    ChildPlan plan;
    OverlayLayers layers = make_layers("/tmp/l");
    EXPECT_EQ(error_of(make_mount_overlay(plan, layers, "/tmp/nowhere")), ENOENT);
    layers.lowers.emplace_back("/tmp/nowhere");
    EXPECT_EQ(error_of(make_mount_overlay(plan, layers, "/tmp/merged")), ENOENT);

    OverlayLayers many = make_many_layers(120, "/tmp/m");
    many.lowers.emplace_back("/tmp/m/sha256/nowhere");
    EXPECT_EQ(error_of(make_mount_overlay(plan, many, "/tmp/merged")), ENOENT);
    many.lowers.pop_back();
    many.upper = "/tmp/nowhere";
    EXPECT_EQ(error_of(make_mount_overlay(plan, many, "/tmp/merged")), ENOENT);
    many.lowers.emplace_back("/tmp/nowhere/below");
    ASSERT_EQ(plan_overlay(many).directory, "/tmp");
    many.lowers.assign(200, "/tmp/nowhere/" + std::string(64, 'x'));
    EXPECT_EQ(error_of(make_mount_overlay(plan, many, "/tmp/merged")), ENOENT);
  });
}

TEST(MountOverlay, RefusesAnUpperDirectoryOnAnotherOverlay) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    ChildPlan plan;
    ASSERT_TRUE(succeeds(make_mount_overlay(plan, make_layers("/tmp/l"), "/tmp/merged")));
    make_dirs("/tmp/merged/upper");
    make_dirs("/tmp/merged/work");
    make_dirs("/tmp/second");
    write_text("/tmp/merged/upper/file", "kept");
    write_text("/tmp/second/file", "kept");
    const OverlayLayers layers{{"/tmp/l/low"}, "/tmp/merged/upper", "/tmp/merged/work"};
    EXPECT_EQ(error_of(make_mount_overlay(plan, layers, "/tmp/second")), EINVAL);
    EXPECT_EQ(find_text("/tmp/merged/upper/file"), "kept");
    EXPECT_EQ(find_text("/tmp/second/file"), "kept") << "nothing is mounted there";
  });
}

TEST(UpperLease, IsOneOverlaysAtATimeAndEndsWithItsHolder) {
  MD_NEEDS("root", "user", "userns", "overlay");
  as_root_and_as_user([] {
    make_dirs("/tmp/upper");
    {
      const UpperLease lease = UpperLease::take("/tmp/upper");
      try {
        (void)UpperLease::take("/tmp/upper");
        ADD_FAILURE() << "taken twice";
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::conflict);
        EXPECT_THAT(error.what(), HasSubstr("\"/tmp/upper\": another overlay writes to it"));
      }
    }
    minidocker::testing::in_child([] {
      // Ends with nobody's destructor, as one that is killed.
      static const UpperLease kHeld = UpperLease::take("/tmp/upper");
    });
    EXPECT_NO_THROW((void)UpperLease::take("/tmp/upper"));
    EXPECT_THROW((void)UpperLease::take("/tmp/nowhere"), SystemError);
  });
}

// What the kernel lets happen: a file made through one overlay is never seen through the other.
TEST(UpperLease, IsNeededAsTheKernelMountsTwice) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    ChildPlan plan;
    const OverlayLayers layers = make_layers("/tmp/l");
    ASSERT_TRUE(succeeds(make_mount_overlay(plan, layers, "/tmp/merged")));
    make_dirs("/tmp/second");
    ASSERT_TRUE(succeeds(make_mount_overlay(plan, layers, "/tmp/second")));
    EXPECT_FALSE(find_text("/tmp/second/new"));
    write_text("/tmp/merged/new", "x");
    EXPECT_FALSE(find_text("/tmp/second/new"));
  });
}

TEST(Whiteout, HidesTheNameAndOpaqueTheWholeDirectory) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    ChildPlan plan;
    const OverlayLayers layers = make_layers("/tmp/l");
    make_dirs("/tmp/l/low/dir");
    write_text("/tmp/l/low/dir/hidden", "x");
    make_dirs("/tmp/l/top/dir");
    const UniqueFd top = sys::open("/tmp/l/top", O_RDONLY | O_DIRECTORY).or_throw();
    const UniqueFd dir = sys::open("/tmp/l/top/dir", O_RDONLY | O_DIRECTORY).or_throw();
    EXPECT_FALSE(is_opaque(dir.get()).or_throw());
    ASSERT_TRUE(make_whiteout(top.get(), "from-low").ok());
    ASSERT_TRUE(mark_opaque(dir.get()).ok());
    EXPECT_TRUE(is_opaque(dir.get()).or_throw());
    EXPECT_EQ(make_whiteout(top.get(), "both").error(), EEXIST);
    ASSERT_TRUE(succeeds(make_mount_overlay(plan, layers, "/tmp/merged")));
    EXPECT_FALSE(find_text("/tmp/merged/from-low"));
    EXPECT_FALSE(find_text("/tmp/merged/dir/hidden"));
  });
}

TEST(Whiteout, NeedsNoPrivilege) {
  MD_NEEDS("root", "user", "userns");
  const auto make_one = [] {
    const std::string dir = fmt::format("/tmp/mini-docker-whiteout-{}", ::getpid());
    make_dirs(dir);
    const UniqueFd fd = sys::open(dir.c_str(), O_RDONLY | O_DIRECTORY).or_throw();
    EXPECT_EQ(make_whiteout(fd.get(), "gone").error(), 0);
    EXPECT_TRUE(is_whiteout(sys::fstatat(fd.get(), "gone", AT_SYMLINK_NOFOLLOW).or_throw()));
    remove_tree(dir);
  };
  in_sandbox(make_one, {.flags = 0, .as_user = true});
  in_user_namespace(make_one);
}

TEST(Opaque, IsAnErrorToAskAClosedDescriptor) { EXPECT_EQ(is_opaque(-1).error(), EBADF); }

TEST(Opaque, NeverHoldsWhereThereAreNoAttributes) {
  const UniqueFd proc = sys::open("/proc/self", O_RDONLY | O_DIRECTORY).or_throw();
  EXPECT_FALSE(is_opaque(proc.get()).or_throw());
}

}  // namespace
}  // namespace minidocker::unionfs
