// How writes are made, on plain directories: what the kernel says to them is tested elsewhere.
#include "write_controls.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::cgroups {
namespace {

using ::testing::HasSubstr;
using testing::read_text;
using testing::write_text;

class Writing : public ::testing::Test {
 protected:
  Writing() { ::mkdir((tree_ / "g").c_str(), 0755); }
  Location location(Mode mode) { return {mode, {{"memory", tree_.path(), "/g"}}}; }
  std::string refusal(Mode mode, const ControlWrite& write) {
    try {
      write_controls(location(mode), {write});
    } catch (const Error& error) {
      EXPECT_EQ(ErrorKind::unavailable, error.kind());
      return error.what();
    }
    return "";
  }
  TempDir tree_;
};

TEST_F(Writing, PutsEachValueIntoItsFile) {
  write_text(tree_ / "g/memory.max", "");
  write_controls(location(Mode::v2), {{"memory", "memory.max", "4096", "memory limit"}});
  EXPECT_EQ("4096", read_text(tree_ / "g/memory.max"));
}

TEST_F(Writing, MissingControllerIsNamed) {
  const std::string text = refusal(Mode::v1, {"pids", "pids.max", "1", "limit of processes"});
  EXPECT_THAT(text, HasSubstr("limit of processes: this host has no pids controller"));
}

TEST_F(Writing, MissingFileTellsOfDelegationOnV2AndOfTheKernelOnV1) {
  const ControlWrite write{"memory", "memory.max", "1", "memory limit"};
  EXPECT_THAT(refusal(Mode::v2, write), HasSubstr("cgroup.subtree_control"));
  EXPECT_THAT(refusal(Mode::v1, write), HasSubstr("booted"));
}

TEST_F(Writing, OptionalFileMayBeMissing) {
  EXPECT_NO_THROW(
      write_controls(location(Mode::v1), {{"memory", "memory.max", "1", "swap limit", 0, true}}));
}

TEST_F(Writing, OtherFailureNamesFileAndValue) {
  ::mkdir((tree_ / "g/memory.max").c_str(), 0755);
  try {
    write_controls(location(Mode::v2), {{"memory", "memory.max", "77", "memory limit"}});
    FAIL() << "taken";
  } catch (const SystemError& error) {
    EXPECT_EQ(EISDIR, error.code());
    EXPECT_THAT(error.what(), HasSubstr("memory limit: memory.max, \"77\""));
  }
}

TEST_F(Writing, FileThatTheKernelLacksIsNotSoughtAbove) {
  write_text(tree_ / "g/cgroup.controllers", "memory\n");
  EXPECT_THAT(refusal(Mode::v2, {"memory", "memory.zswap.max", "1", "cgroup file"}),
              HasSubstr("the memory controller of this kernel has no such file"));
  EXPECT_THAT(refusal(Mode::v2, {"cgroup", "cgroup.none", "1", "cgroup file"}),
              HasSubstr("this kernel has no such file"));
}

TEST_F(Writing, SecondFileIsWrittenWhereThereIsNoFirst) {
  ControlWrite write{"memory", "io.bfq.weight", "500", "I/O weight"};
  write.other_file = "io.weight";
  write.other_value = "4950";
  write_text(tree_ / "g/io.weight", "");
  write_controls(location(Mode::v2), {write});
  EXPECT_EQ("4950", read_text(tree_ / "g/io.weight"));
  write_text(tree_ / "g/io.bfq.weight", "");
  write_controls(location(Mode::v2), {write});
  EXPECT_EQ("500", read_text(tree_ / "g/io.bfq.weight"));
}

TEST_F(Writing, UpdateThatFailsTakesBackWhatWasWritten) {
  write_text(tree_ / "g/memory.low", "11\n");
  write_text(tree_ / "g/memory.max", "22\n");
  ::mkdir((tree_ / "g/memory.high").c_str(), 0755);
  const std::vector<ControlWrite> writes{{"memory", "memory.low", "100", "reservation"},
                                         {"memory", "memory.max", "200", "memory limit"},
                                         {"memory", "memory.high", "300", "cgroup file"}};
  EXPECT_THROW(update_controls(location(Mode::v2), writes), SystemError);
  EXPECT_EQ("11\n", read_text(tree_ / "g/memory.low").substr(0, 3));
  EXPECT_EQ("22\n", read_text(tree_ / "g/memory.max").substr(0, 3));
  EXPECT_THROW(write_controls(location(Mode::v2), writes), SystemError);
  EXPECT_EQ("100", read_text(tree_ / "g/memory.low").substr(0, 3));
}

TEST(Undo, IsWhatTheFileHeld) {
  EXPECT_EQ("max 100000\n", undo_of({"cpu", "cpu.max", "1 2", ""}, "max 100000\n"));
  EXPECT_EQ("\n", undo_of({"cpuset", "cpuset.cpus", "0", ""}, "\n"));
  EXPECT_EQ("default 100\n", undo_of({"io", "io.weight", "5", ""}, "default 100\n8:0 50\n"));
  EXPECT_EQ("0", undo_of({"memory", "memory.oom_control", "1", ""},
                         "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"));
}

TEST(Undo, OfALineOfADeviceIsThatLineOrNone) {
  ControlWrite write{"io", "io.max", "8:0 rbps=1", ""};
  write.lift = "8:0 rbps=max";
  EXPECT_EQ("8:0 rbps=5 wbps=max", undo_of(write, "8:16 rbps=1 wbps=max\n8:0 rbps=5 wbps=max\n"));
  EXPECT_EQ("8:0 rbps=max", undo_of(write, "8:16 rbps=1 wbps=max\n"));
  EXPECT_EQ("8:0 rbps=max", undo_of(write, ""));
}

TEST(Hint, TellsWhatTheErrnoHides) {
  EXPECT_THAT(hint_for({"memory", "memory.limit_in_bytes", "1", ""}, EBUSY), HasSubstr("in use"));
  EXPECT_THAT(hint_for({"io", "io.max", "1", ""}, ENODEV), HasSubstr("partition"));
  EXPECT_THAT(hint_for({"cpu", "cpu.rt_runtime_us", "1", ""}, EINVAL), HasSubstr("realtime"));
  EXPECT_THAT(hint_for({"pids", "pids.max", "1", ""}, EROFS), HasSubstr("read-only"));
  EXPECT_EQ("", hint_for({"pids", "pids.max", "1", ""}, EINVAL));
}

}  // namespace
}  // namespace minidocker::cgroups
