#include "group_files.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::cgroups {
namespace {

using testing::write_text;

TEST(GroupFiles, WordsAreWholeWords) {
  EXPECT_TRUE(holds_word("cpuset cpu io\n", "cpu"));
  EXPECT_TRUE(holds_word("cpuset cpu io\n", "io"));
  EXPECT_FALSE(holds_word("cpuset io\n", "cpu"));
  EXPECT_FALSE(holds_word("", "cpu"));
}

TEST(GroupFiles, PidsAreOneALine) {
  EXPECT_EQ((std::vector<pid_t>{1, 22, 0}), parse_pids("1\n22\n0\n"));
  EXPECT_EQ((std::vector<pid_t>{7}), parse_pids("junk\n7"));
  EXPECT_TRUE(parse_pids("").empty());
}

TEST(GroupFiles, LongListsOfPidsAreCutInErrors) {
  EXPECT_EQ("", pids_in_words({}));
  EXPECT_EQ("7, 8", pids_in_words({7, 8}));
  EXPECT_EQ("1, 2, 3, 4, 5, 6, 7, 8, ...", pids_in_words({1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(GroupFiles, AncestorsBeginAtTheMount) {
  EXPECT_EQ((std::vector<std::string>{"/m", "/m/a", "/m/a/b"}), ancestors({"", "/m", "/a/b/c"}));
  EXPECT_EQ((std::vector<std::string>{"/m"}), ancestors({"", "/m", "/a"}));
}

TEST(GroupFiles, ProcessesOfSubgroupsCountToo) {
  const TempDir tree;
  ::mkdir((tree / "sub").c_str(), 0755);
  write_text(tree / "cgroup.procs", "1\n");
  write_text(tree / "sub" + "/cgroup.procs", "2\n3\n");
  EXPECT_EQ((std::vector<pid_t>{1, 2, 3}), processes_in(tree.path()));
  EXPECT_EQ((std::vector<std::string>{"sub"}), subgroups(tree.path()));
}

TEST(GroupFiles, OfAGroupThatIsGoneNothingIsLeft) {
  const TempDir tree;
  EXPECT_TRUE(processes_in(tree / "gone").empty());
  EXPECT_TRUE(subgroups(tree / "gone").empty());
  EXPECT_EQ(std::nullopt, read_control(tree / "gone"));
}

TEST(GroupFiles, LongerThanAPageIsReadWhole) {
  const TempDir tree;
  const std::string text(10'000, 'x');
  write_text(tree / "long", text);
  EXPECT_EQ(text, read_control(tree / "long"));
}

TEST(GroupFiles, GroupThatIsNotEmptyIsRefusedWithItsProcesses) {
  const TempDir tree;
  ::mkdir((tree / "g").c_str(), 0755);
  write_text(tree / "g" + "/cgroup.procs", "41\n42\n");
  try {
    require_empty({"", tree.path(), "/g"});
    FAIL() << "taken";
  } catch (const Error& error) {
    EXPECT_EQ(ErrorKind::conflict, error.kind());
    EXPECT_NE(nullptr, strstr(error.what(), "container's cgroup is not empty")) << error.what();
    EXPECT_NE(nullptr, strstr(error.what(), "41, 42")) << error.what();
  }
}

}  // namespace
}  // namespace minidocker::cgroups
