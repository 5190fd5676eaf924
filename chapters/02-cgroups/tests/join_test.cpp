#include "minidocker/cgroups/join.hpp"

#include <cerrno>

#include <gtest/gtest.h>

#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::cgroups {
namespace {

TEST(JoinCgroups, WritesZeroIntoEachTasksFile) {
  const TempDir dir;
  const std::string first = dir / "a";
  const std::string second = dir / "b";
  testing::write_text(first, "");
  testing::write_text(second, "");
  const char* const tasks[] = {first.c_str(), second.c_str(), nullptr};
  const JoinCgroups step{tasks, "/web"};
  EXPECT_EQ("enter cgroup /web in 2 hierarchies", step.describe());
  testing::in_child([&] {
    ChildContext context;
    EXPECT_TRUE(step.run(context));
  });
  EXPECT_EQ("0", testing::read_text(first));
  EXPECT_EQ("0", testing::read_text(second));
}

TEST(JoinCgroups, TellsTheErrnoOfAGroupThatIsGone) {
  const char* const tasks[] = {"/nonexistent/tasks", nullptr};
  ChildContext context;
  EXPECT_EQ(ENOENT, (JoinCgroups{tasks, "/web"}.run(context).error));
}

TEST(JoinCgroups, TellsTheErrnoOfARefusedWrite) {
  const char* const tasks[] = {"/dev/full", nullptr};
  testing::in_child([&] {
    ChildContext context;
    EXPECT_EQ(ENOSPC, (JoinCgroups{tasks, "/web"}.run(context).error));
  });
}

}  // namespace
}  // namespace minidocker::cgroups
