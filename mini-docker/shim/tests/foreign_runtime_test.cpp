#include "foreign_runtime.hpp"

#include <gtest/gtest.h>

namespace minidocker::shim {
namespace {

TEST(ForeignRuntimeLog, TheLastErrorCounts) {
  EXPECT_EQ(last_error("{\"level\":\"warning\",\"msg\":\"w\"}\n"
                       "{\"level\":\"error\",\"msg\":\"first\"}\n"
                       "{\"msg\":\"crun writes no level\",\"time\":\"t\"}\n"
                       "{\"level\":\"info\",\"msg\":\"later\"}\n"),
            "crun writes no level");
}

TEST(ForeignRuntimeLog, TextIsTakenAsItIs) {
  EXPECT_EQ(last_error("cannot do that\n"), "cannot do that");
  EXPECT_EQ(last_error(""), "");
}

TEST(ForeignRuntimeLog, WordsGiveDockersExitCodes) {
  EXPECT_EQ(exit_code_of("exec: \"x\": executable file not found in $PATH"), 127);
  EXPECT_EQ(exit_code_of("executable file `x` not found in $PATH: No such file or directory"), 127);
  EXPECT_EQ(exit_code_of("exec /etc: permission denied"), 126);
  EXPECT_EQ(exit_code_of("cgroup: device busy"), 125);
}

}  // namespace
}  // namespace minidocker::shim
