// The rules of capability_rules.hpp, asked of the kernel.
#include <linux/capability.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/security/capability_rules.hpp"
#include "minidocker/security/no_new_privs.hpp"
#include "minidocker/security/users.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/started_child.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/tree.hpp"

namespace minidocker::security {
namespace {

constexpr CapabilitySet kNone{};
constexpr CapabilitySet kChown{1U << CAP_CHOWN};
constexpr CapabilitySet kKill{1U << CAP_KILL};
constexpr CapabilitySet kBind{1U << CAP_NET_BIND_SERVICE};

constexpr const char* kProgram = "/tmp/sleep";

/// Copies a program and writes its capabilities beside it, as setcap(8) does.
void make_program(const std::optional<FileCapabilities>& file) {
  ASSERT_EQ(0, testing::run_command({"cp", "-f", "/bin/sleep", kProgram}).exit_code);
  if (!file) return;
  const auto low = [](CapabilitySet set) { return static_cast<std::uint32_t>(set.bits); };
  struct vfs_cap_data data{};
  data.magic_etc = VFS_CAP_REVISION_2 | (file->effective ? VFS_CAP_FLAGS_EFFECTIVE : 0U);
  data.data[0] = {low(file->permitted), low(file->inheritable)};
  const UniqueFd program = sys::open(kProgram, O_RDONLY).or_throw(kProgram);
  sys::fsetxattr(program.get(), "security.capability", &data, sizeof(data)).or_throw(kProgram);
}

/// Becomes a process with the sets `before` and executes the program.
void make_plan(ChildPlan& plan, const ProcessCapabilities& before, const Execution& how) {
  auto* user = plan.make<UserSlot>();
  user->uid = user->gid = how.as_root ? 0 : 1000;
  if (how.no_new_privs) plan.add(SetNoNewPrivs{});
  plan.add(DropBounding{before.bounding, kAllKnown});
  plan.add(KeepCapabilities{});
  plan.add(SetIds{user});
  plan.add(SetCapabilities{before.effective, before.permitted, before.inheritable});
  plan.add(RaiseAmbient{before.ambient});
  const std::vector<std::string> argv{kProgram, "1000"};
  plan.add(Exec{kProgram, plan.copy_array(argv), plan.copy_array({})});
}

/// What the kernel makes of it, seen from outside; nothing if it refuses.
std::optional<ProcessCapabilities> executed(const ProcessCapabilities& before,
                                            const Execution& how) {
  ChildPlan plan;
  make_plan(plan, before, how);
  StartedChild child = StartedChild::start(plan, {});
  try {
    child.wait_for_exec();
  } catch (const StepError& error) {
    EXPECT_EQ(EPERM, error.code()) << error.what();
    return std::nullopt;
  }
  const auto set = [&](const char* field) {
    return CapabilitySet{testing::capabilities(child.process().pid(), field)};
  };
  return ProcessCapabilities{set("CapBnd"), set("CapEff"), set("CapPrm"), set("CapInh"),
                             set("CapAmb")};
}

std::string in_words(const std::optional<ProcessCapabilities>& sets) {
  if (!sets) return "EPERM";
  using security::in_words;
  return "bounding " + in_words(sets->bounding) + ", effective " + in_words(sets->effective) +
         ", permitted " + in_words(sets->permitted) + ", inheritable " +
         in_words(sets->inheritable) + ", ambient " + in_words(sets->ambient);
}

TEST(CapabilityRules, AreTheKernels) {
  MD_NEEDS("root");
  const std::vector<ProcessCapabilities> all_before{
      {kChown | kKill | kBind, kNone, kNone, kNone, kNone},
      {kKill | kBind, kKill, kKill | kBind, kBind, kNone},
      {kKill | kBind | kChown, kKill | kBind, kKill | kBind, kKill | kBind, kKill},
      {kKill, kChown, kChown, kNone, kNone}};
  const std::vector<std::optional<FileCapabilities>> all_files{
      std::nullopt, FileCapabilities{kKill, kNone, true}, FileCapabilities{kKill, kBind, false},
      FileCapabilities{kNone, kBind, true}, FileCapabilities{kChown, kNone, true}};
  testing::in_sandbox([&] {
    // Not nosuid, as the sandbox's own is: there no file has capabilities.
    ASSERT_EQ(0, ::mount("tmpfs", "/tmp", "tmpfs", 0, "mode=755"));
    for (const std::optional<FileCapabilities>& file : all_files) {
      make_program(file);
      for (const ProcessCapabilities& before : all_before) {
        for (const bool as_root : {false, true}) {
          for (const bool no_new_privs : {false, true}) {
            const Execution how{file, as_root, no_new_privs};
            EXPECT_EQ(in_words(executed(before, how)), in_words(after_execve(before, how)))
                << "from " << in_words(before) << "; file " << (&file - all_files.data())
                << (as_root ? ", root" : "") << (no_new_privs ? ", no new privs" : "");
          }
        }
      }
    }
  });
}

TEST(CapabilityRules, OurOwnSetsAreWhatTheKernelSays) {
  EXPECT_EQ(testing::capabilities(::getpid(), "CapEff"), process_capabilities().effective.bits);
  EXPECT_EQ(process_capabilities(), process_capabilities(::getpid()));
}

}  // namespace
}  // namespace minidocker::security
