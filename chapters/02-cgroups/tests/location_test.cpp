#include "minidocker/cgroups/location.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/temp_dir.hpp"
#include "samples.hpp"

namespace minidocker::cgroups {
namespace {

using testing::write_text;

Layout v1_layout() {
  return {Mode::v1,
          {{"cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct", "/own", false},
           {"memory", "/sys/fs/cgroup/memory", "/", false}}};
}

ErrorKind kind_of(const Layout& layout, std::string_view path) {
  try {
    (void)locate(layout, path);
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::internal;
}

TEST(Location, OfAnAbsolutePathStartsAtEachMountsRoot) {
  MD_NEEDS("root");
  const Location location = locate(v1_layout(), "/mini-docker//web/");
  const std::vector<Directory> expected{
      {"cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct", "/mini-docker/web"},
      {"memory", "/sys/fs/cgroup/memory", "/mini-docker/web"}};
  EXPECT_EQ(expected, location.directories);
  EXPECT_EQ("/sys/fs/cgroup/memory/mini-docker/web", location.directories[1].path());
}

TEST(Location, OfARelativePathStartsAtOurOwnGroup) {
  MD_NEEDS("root");
  const Location location = locate(v1_layout(), "web");
  EXPECT_EQ("/own/web", location.directories[0].group);
  EXPECT_EQ("/web", location.directories[1].group);
}

TEST(Location, FindsTheDirectoryOfAController) {
  MD_NEEDS("root");
  const Location location = locate(v1_layout(), "/web");
  EXPECT_EQ("cpu,cpuacct", location.find("cpuacct")->controllers);
  EXPECT_EQ(nullptr, location.find("pids"));
  EXPECT_EQ(nullptr, location.find("cpu,cpuacct"));
}

TEST(Location, SurvivesItsText) {
  MD_NEEDS("root");
  const Location location = locate(v1_layout(), "/web: 1");
  EXPECT_EQ(location, Location::from_text(location.to_text()));
  EXPECT_EQ(Location{}, Location::from_text(Location{}.to_text()));
  for (const Manager manager : {Manager::nobody, Manager::system, Manager::user}) {
    const Location scope{Mode::v2, {{"", "/sys/fs/cgroup", "/x.slice/y.scope"}}, manager};
    EXPECT_EQ(scope, Location::from_text(scope.to_text()));
  }
}

TEST(Location, TextThatIsNoneIsRefused) {
  for (const char* text :
       {"", "v1", "v1\n", "v3\n\t/m\t/g\n", "none\n\t/m\t/g\n", "v2\n/m\t/g\n", "v2\n\t/m\t/g",
        "v2\n\t/m\t/../g\n", "v2\tnobody\n\t/m\t/g\n", "v2 system\n\t/m\t/g\n"}) {
    EXPECT_THROW((void)Location::from_text(text), Error) << text;
  }
}

TEST(Location, PathsThatLeaveTheHierarchyOrGarbleTextAreRefused) {
  const std::string long_name(256, 'x');
  for (const std::string& path :
       {std::string(""), std::string("/"), std::string("//."), std::string("a/../b"),
        std::string(".."), std::string("a\nb"), std::string("a\tb"), long_name}) {
    EXPECT_EQ(ErrorKind::invalid_argument, kind_of(v1_layout(), path)) << path;
  }
}

TEST(Location, WithoutHierarchiesIsUnavailable) {
  EXPECT_EQ(ErrorKind::unavailable, kind_of({}, "/web"));
  EXPECT_EQ("no cgroup hierarchy is mounted", why_not({})->brief);
}

TEST(Location, OnAReadOnlyMountIsRefusedEvenForRoot) {
  Layout layout = v1_layout();
  layout.hierarchies[1].read_only = true;
  EXPECT_EQ(ErrorKind::permission, kind_of(layout, "/web"));
  EXPECT_EQ("cgroups are mounted read-only", std::get<Reason>(place(layout, "/web", 0)).brief);
}

// A tree of plain directories stands in for a hierarchy: what is decided here are permissions and
// the text of cgroup.controllers.
class FakeTree : public ::testing::Test {
 protected:
  void make(const std::string& group, mode_t mode, const std::string& controllers) {
    const std::string path = tree_.path() + group;
    ::mkdir(path.c_str(), 0755);
    write_text(path + "/cgroup.controllers", controllers);
    ::chmod(path.c_str(), mode);
  }
  Layout layout(Mode mode, const std::string& own) {
    return {mode, {{mode == Mode::v2 ? "" : "memory", tree_.path(), own, false}}};
  }
  FakeTree() { ::chmod(tree_.path().c_str(), 0755); }
  TempDir tree_;
};

constexpr const char* kAll = "cpuset cpu io memory pids\n";

TEST_F(FakeTree, RootOfAV2HierarchyIsTakenIfItHasTheControllers) {
  MD_NEEDS("root");
  make("", 0755, kAll);
  EXPECT_EQ("/web", locate(layout(Mode::v2, "/own"), "/web").directories[0].group);
}

TEST_F(FakeTree, RelativePathInV2IsBelowTheParentOfOurGroup) {
  MD_NEEDS("root");
  make("/slice", 0755, kAll);
  make("/slice/own", 0755, kAll);
  EXPECT_EQ("/slice/web", locate(layout(Mode::v2, "/slice/own"), "web").directories[0].group);
}

TEST_F(FakeTree, V2RootWithoutControllersFallsBackToWhereTheyAre) {
  MD_NEEDS("root");
  make("", 0755, "hugetlb\n");
  make("/slice", 0755, "memory\n");
  make("/slice/own", 0755, kAll);
  EXPECT_EQ("/slice/own/web", locate(layout(Mode::v2, "/slice/own"), "/web").directories[0].group);
  make("/slice", 0755, kAll);
  EXPECT_EQ("/slice/web", locate(layout(Mode::v2, "/slice/own"), "/web").directories[0].group);
}

TEST_F(FakeTree, V2WithoutControllersAnywhereIsTheFirstPlaceThatMayBeWritten) {
  MD_NEEDS("root");
  make("", 0755, "hugetlb\n");
  EXPECT_EQ("/web", locate(layout(Mode::v2, "/"), "/web").directories[0].group);
}

TEST_F(FakeTree, UserGoesToTheDelegatedGroup) {
  MD_NEEDS("root", "user");
  make("", 0755, kAll);
  make("/slice", 0777, kAll);
  make("/slice/own", 0755, kAll);
  const Layout v2 = layout(Mode::v2, "/slice/own");
  const Layout v1 = layout(Mode::v1, "/slice");
  testing::in_sandbox(
      [&] {
        EXPECT_EQ("/slice/web", locate(v2, "/web").directories[0].group);
        EXPECT_EQ("/slice/web", locate(v1, "/web").directories[0].group);
        EXPECT_FALSE(why_not(v1));
      },
      {.flags = 0, .as_user = true});
}

TEST_F(FakeTree, UserWithoutDelegationIsToldSo) {
  MD_NEEDS("root", "user");
  make("", 0755, kAll);
  make("/own", 0755, kAll);
  const Layout v2 = layout(Mode::v2, "/own");
  testing::in_sandbox(
      [&] {
        ASSERT_TRUE(why_not(v2));
        EXPECT_EQ("no delegated cgroup", why_not(v2)->brief);
        EXPECT_EQ(ErrorKind::permission, kind_of(v2, "/web"));
        try {
          refuse(*why_not(v2), "a memory limit");
        } catch (const Error& error) {
          const std::string text = error.what();
          EXPECT_TRUE(text.starts_with("a memory limit needs a cgroup")) << text;
          EXPECT_NE(std::string::npos, text.find("no delegated cgroup")) << text;
          EXPECT_NE(std::string::npos, text.find("Delegate=yes")) << text;
        }
      },
      {.flags = 0, .as_user = true});
}

}  // namespace
}  // namespace minidocker::cgroups
