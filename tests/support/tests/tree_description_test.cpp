#include "minidocker/testing/tree_description.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"

namespace minidocker::testing {
namespace {

using Paths = std::vector<std::string>;

void set_time(const std::string& path, long nanoseconds) {
  const struct timespec times[2] = {{1, nanoseconds}, {1, nanoseconds}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW), 0) << path;
}

void make_tree(const std::string& dir) {
  std::filesystem::create_directory(dir);
  write_text(dir + "/a", "same");
  write_text(dir + "/b", "same");
  ASSERT_EQ(::link((dir + "/a").c_str(), (dir + "/c").c_str()), 0);
  ASSERT_EQ(::symlink("a", (dir + "/link").c_str()), 0);
}

void settle(const std::string& dir) {
  for (const char* name : {"/a", "/b", "/c", "/link", "/."}) set_time(dir + name, 5);
}

/// What differs once `change` has been done to one of two equal trees.
Paths paths_after(const std::function<void(const std::string&)>& change) {
  std::filesystem::remove_all("/tmp/one");
  std::filesystem::remove_all("/tmp/two");
  make_tree("/tmp/one");
  make_tree("/tmp/two");
  settle("/tmp/one");
  settle("/tmp/two");
  change("/tmp/two");
  return differing_paths(describe_tree("/tmp/one"), describe_tree("/tmp/two"));
}

TEST(TreeDescription, TellsWhateverAnArchiveCouldLose) {
  in_sandbox([] {
    EXPECT_EQ(paths_after([](const std::string&) {}), Paths{});
    EXPECT_EQ(paths_after([](const std::string& dir) { set_time(dir + "/b", 6); }), Paths{"b"});
    EXPECT_EQ(paths_after([](const std::string& dir) { ::chmod((dir + "/b").c_str(), 04644); }),
              Paths{"b"});
    EXPECT_EQ(paths_after([](const std::string& dir) {
                write_text(dir + "/b", "SAME");
                settle(dir);
              }),
              Paths{"b"});
    EXPECT_EQ(paths_after([](const std::string& dir) {
                ::unlink((dir + "/link").c_str());
                EXPECT_EQ(::symlink("b", (dir + "/link").c_str()), 0);
                settle(dir);
              }),
              Paths{"link"});
    // As many names, of another file.
    EXPECT_EQ(paths_after([](const std::string& dir) {
                ::unlink((dir + "/c").c_str());
                EXPECT_EQ(::link((dir + "/b").c_str(), (dir + "/c").c_str()), 0);
                settle(dir);
              }),
              (Paths{"a", "b", "c"}));
  });
}

TEST(TreeDescription, NamesWhatOnlyOneHas) {
  const TreeDescription ours{{".", "x"}, {"a", "y"}};
  const TreeDescription theirs{{".", "x"}, {"b", "z"}};
  EXPECT_EQ(differing_paths(ours, theirs), (Paths{"a", "b"}));
  EXPECT_EQ(differences(ours, theirs), "\nours   a: y\ntheirs b: z");
}

}  // namespace
}  // namespace minidocker::testing
