#include "minidocker/toolbox/sys/confine.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <unistd.h>

#include <cerrno>

#include <gtest/gtest.h>

#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "recorded.hpp"

namespace minidocker {
namespace {

using testing::in_child;

TEST(SysConfine, ARulesetIsMadeFilledAndPutInForce) {
  if (!sys::landlock_abi()) GTEST_SKIP() << "a kernel without Landlock";
  in_child([] {
    const UniqueFd root = sys::open("/", O_PATH).or_throw("/");
    const UniqueFd rules =
        sys::landlock_create_ruleset({LANDLOCK_ACCESS_FS_EXECUTE, 0}).or_throw("rules");
    EXPECT_TRUE(sys::landlock_add_path(rules.get(), root.get(), LANDLOCK_ACCESS_FS_EXECUTE).ok());
    EXPECT_EQ(EINVAL, sys::landlock_add_path(rules.get(), root.get(), 1U << 2).error());
    EXPECT_TRUE(sys::set_no_new_privs().ok());
    EXPECT_TRUE(sys::landlock_restrict_self(rules.get()).ok());
  });
}

TEST(SysConfine, CallsAreToldByTheirKernelNames) {
  in_child([] {
    ASSERT_TRUE(sys::set_no_new_privs().ok());
    EXPECT_EQ(
        "landlock_create_ruleset(NULL, 0, \"LANDLOCK_CREATE_RULESET_VERSION\")\n"
        "landlock_create_ruleset({handled_access_fs=0x8000000000000000, scoped=0x0}) = EINVAL\n"
        "landlock_add_rule(-1, \"LANDLOCK_RULE_PATH_BENEATH\", {allowed_access=0x1, parent_fd=-1})"
        " = EBADF\n"
        "landlock_restrict_self(-1) = EBADF\n"
        "seccomp(\"SECCOMP_SET_MODE_FILTER\", {len=0}) = EINVAL",
        recorded([] {
          (void)sys::landlock_abi();
          (void)sys::landlock_create_ruleset({std::uint64_t{1} << 63, 0});
          (void)sys::landlock_add_path(-1, -1, 1);
          (void)sys::landlock_restrict_self(-1);
          (void)sys::seccomp_filter({});
        }));
  });
}

TEST(SysConfine, AFilterDecidesAboutCalls) {
  in_child([] {
    const struct sock_filter allow_all[] = {
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    ASSERT_TRUE(sys::set_no_new_privs().ok());
    EXPECT_TRUE(sys::seccomp_filter(allow_all).ok());
    EXPECT_EQ("2", testing::status_field(::getpid(), "Seccomp"));
  });
}

}  // namespace
}  // namespace minidocker
