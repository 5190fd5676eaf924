#include "minidocker/security/no_new_privs.hpp"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include <gtest/gtest.h>

#include "minidocker/testing/leak_check.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/testing/sandbox.hpp"

namespace minidocker::security {
namespace {

using testing::run_command;

TEST(NoNewPrivs, SetuidProgramGainsNothing) {
  MD_NEEDS("root", "user");
  const testing::LeakCheck leaks({.cgroups = {}});
  testing::in_sandbox([] {
    // Not nosuid, as the sandbox's own may be.
    ASSERT_EQ(0, ::mount("tmpfs", "/tmp", "tmpfs", 0, "mode=755"));
    ASSERT_EQ(0, run_command({"cp", "/usr/bin/id", "/tmp/id"}).exit_code);
    ASSERT_EQ(0, ::chmod("/tmp/id", 04755));
    const testing::User user = testing::unprivileged_user();
    EXPECT_EQ("0\n", run_command({"/tmp/id", "-u"}, {.user = user}).out);

    ChildContext context;
    ASSERT_TRUE(SetNoNewPrivs{}.run(context));
    EXPECT_EQ("1", testing::status_field(::getpid(), "NoNewPrivs"));
    EXPECT_EQ(std::to_string(user.uid) + "\n", run_command({"/tmp/id", "-u"}, {.user = user}).out);
  });
}

TEST(NoNewPrivs, SaysWhatItDoes) {
  EXPECT_EQ("promise never to gain privileges", SetNoNewPrivs{}.describe());
}

}  // namespace
}  // namespace minidocker::security
