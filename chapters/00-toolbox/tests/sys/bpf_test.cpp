#include "minidocker/toolbox/sys/bpf.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "recorded.hpp"

namespace minidocker {
namespace {

constexpr int kNoFd = 999'999;

/// `r0 = 1; exit`: allows every device.
constexpr std::array<struct bpf_insn, 2> kAllowAll{{
    {BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1},
    {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
}};

TEST(SysBpf, AProgramIsLoadedAndFoundNowhereBeforeItIsAttached) {
  MD_NEEDS("root", "cgroup2");
  const UniqueFd program = sys::bpf_load_cgroup_device(kAllowAll, "toolbox_test").or_throw("load");
  EXPECT_TRUE(testing::is_close_on_exec(::getpid(), program.get()));
  const UniqueFd group = sys::open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY).or_throw("group");
  EXPECT_EQ(ENOENT, sys::bpf_detach_device(group.get(), program.get()).error());
  EXPECT_TRUE(sys::bpf_attached_devices(group.get()).ok());
}

TEST(SysBpf, AProgramWithoutAnEndIsRefused) {
  MD_NEEDS("root");
  const int error =
      sys::bpf_load_cgroup_device(std::span(kAllowAll).first(1), "toolbox_test").error();
  // EINVAL of the verifier; EPERM where this host keeps bpf(2) to itself.
  EXPECT_TRUE(error == EINVAL || error == EPERM) << error;
}

TEST(SysBpf, CallsAreToldByTheirCommands) {
  MD_NEEDS("root");
  const std::string told = recorded([] {
    (void)sys::bpf_load_cgroup_device({}, "a-name-longer-than-fifteen");
    (void)sys::bpf_attach_device(kNoFd, kNoFd);
    (void)sys::bpf_detach_device(kNoFd, kNoFd);
    (void)sys::bpf_attached_devices(kNoFd);
    (void)sys::bpf_program_by_id(0xffffffff);
  });
  const auto lines = testing::lines_of(told);
  ASSERT_EQ(5U, lines.size()) << told;
  EXPECT_EQ(0U, lines[0].find("bpf(\"BPF_PROG_LOAD\", {prog_type=\"BPF_PROG_TYPE_CGROUP_DEVICE\", "
                              "insn_cnt=0, prog_name=\"a-name-longer-t\"}) = E"))
      << lines[0];
  const std::string target = fmt::format("{{target_fd={}, ", kNoFd);
  EXPECT_EQ(0U, lines[1].find("bpf(\"BPF_PROG_ATTACH\", " + target)) << lines[1];
  EXPECT_EQ(0U, lines[2].find("bpf(\"BPF_PROG_DETACH\", " + target)) << lines[2];
  EXPECT_EQ(0U, lines[3].find("bpf(\"BPF_PROG_QUERY\", " + target)) << lines[3];
  EXPECT_EQ(0U, lines[4].find("bpf(\"BPF_PROG_GET_FD_BY_ID\", {prog_id=4294967295}) = E"))
      << lines[4];
}

TEST(SysBpf, WithoutPrivilegesNothingIsLoaded) {
  MD_NEEDS("user");
  testing::in_sandbox(
      [] { EXPECT_EQ(EPERM, sys::bpf_load_cgroup_device(kAllowAll, "toolbox_test").error()); },
      {.flags = 0, .as_user = true});
}

TEST(SysBpf, ProgramKnowsItsName) {
  MD_NEEDS("root");
  const UniqueFd program = sys::bpf_load_cgroup_device(kAllowAll, "toolbox_test").or_throw("load");
  EXPECT_STREQ("toolbox_test", sys::bpf_program_name(program.get()).or_throw("name").data());
  EXPECT_FALSE(sys::bpf_program_name(kNoFd));
}

TEST(SysBpf, ProgramThatIsNotAttachedCannotBeReplaced) {
  MD_NEEDS("root", "cgroup2");
  const UniqueFd program = sys::bpf_load_cgroup_device(kAllowAll, "toolbox_test").or_throw("load");
  const UniqueFd other = sys::bpf_load_cgroup_device(kAllowAll, "toolbox_test").or_throw("load");
  const UniqueFd group = sys::open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY).or_throw("group");
  EXPECT_EQ(ENOENT, sys::bpf_attach_device(group.get(), program.get(), other.get()).error());
}

}  // namespace
}  // namespace minidocker
