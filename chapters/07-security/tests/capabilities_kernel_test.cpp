#include <linux/capability.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "minidocker/security/capabilities.hpp"
#include "minidocker/security/users.hpp"
#include "minidocker/testing/leak_check.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/started_child.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/trace_sinks.hpp"

namespace minidocker::security {
namespace {

constexpr CapabilitySet kKill{1U << CAP_KILL};
constexpr CapabilitySet kBind{1U << CAP_NET_BIND_SERVICE};

/// Runs `plan` in a child and tells its five sets, read from outside.
class Observed {
 public:
  explicit Observed(ChildPlan& plan) : child_(start(plan)) {
    child_.wait_for(SyncPoint::ready);
    pid_ = child_.process().pid();
  }
  [[nodiscard]] ProcessCapabilities sets() const {
    const auto set = [&](const char* field) {
      return CapabilitySet{testing::capabilities(pid_, field)};
    };
    return {set("CapBnd"), set("CapEff"), set("CapPrm"), set("CapInh"), set("CapAmb")};
  }
  [[nodiscard]] std::string status(const char* field) const {
    return testing::status_field(pid_, field);
  }

 private:
  static StartedChild start(ChildPlan& plan) {
    plan.add(Sync{SyncPoint::ready, "look at the child"});
    return StartedChild::start(plan, {});
  }
  StartedChild child_;
  pid_t pid_ = -1;
};

CapabilitySet own(const char* field) { return {testing::capabilities(::getpid(), field)}; }

class Capabilities : public ::testing::Test {
 protected:
  testing::LeakCheck leaks_{{.cgroups = {}}};
};

TEST_F(Capabilities, KnownToTheKernelAreFoundInSixCalls) {
  trace::Recording calls;
  const trace::Session session(&calls);
  const CapabilitySet known = kernel_capabilities();
  EXPECT_EQ(6U, calls.count("prctl"));
  const std::string last = testing::read_text("/proc/sys/kernel/cap_last_cap");
  EXPECT_EQ((std::uint64_t{2} << std::stoi(last)) - 1, known.bits);
}

TEST_F(Capabilities, RootKeepsOnlyWhatItWasGiven) {
  MD_NEEDS("root");
  ChildPlan plan;
  plan.add(DropBounding{kKill | kBind, own("CapBnd")});
  plan.add(SetCapabilities{kKill, kKill | kBind, {}});
  const Observed child(plan);
  EXPECT_EQ((ProcessCapabilities{kKill | kBind, kKill, kKill | kBind, {}, {}}), child.sets());
}

TEST_F(Capabilities, UserGetsThemThroughKeepAndAmbient) {
  MD_NEEDS("root");
  ChildPlan plan;
  auto* slot = plan.make<UserSlot>();
  slot->uid = 1000;
  slot->gid = 1000;
  plan.add(DropBounding{kKill | kBind, own("CapBnd")});
  plan.add(KeepCapabilities{});
  plan.add(SetIds{slot});
  plan.add(SetCapabilities{kKill, kKill, kKill});
  plan.add(RaiseAmbient{kKill});
  const Observed child(plan);
  EXPECT_EQ((ProcessCapabilities{kKill | kBind, kKill, kKill, kKill, kKill}), child.sets());
  EXPECT_EQ("1000\t1000\t1000\t1000", child.status("Uid"));
}

TEST_F(Capabilities, UserWithoutKeepLosesThemAll) {
  MD_NEEDS("root");
  ChildPlan plan;
  auto* slot = plan.make<UserSlot>();
  slot->uid = 1000;
  plan.add(SetIds{slot});
  const Observed child(plan);
  EXPECT_TRUE(child.sets().permitted.empty());
  EXPECT_TRUE(child.sets().effective.empty());
}

TEST_F(Capabilities, AmbientOfOurCallerIsEmptied) {
  MD_NEEDS("root");
  ChildPlan plan;
  const CapabilitySet permitted = own("CapPrm");
  plan.add(SetCapabilities{permitted, permitted, kKill});
  plan.add(RaiseAmbient{kKill});
  plan.add(ClearAmbient{});
  const Observed child(plan);
  EXPECT_TRUE(child.sets().ambient.empty());
  EXPECT_EQ(kKill, child.sets().inheritable);
}

TEST_F(Capabilities, AmbientNeedsInheritable) {
  MD_NEEDS("root");
  testing::in_child([] {
    ChildContext context;
    EXPECT_EQ(EPERM, RaiseAmbient{kKill}.run(context).error);
  });
}

TEST_F(Capabilities, DropTakesOneCallForEachThatIsThere) {
  MD_NEEDS("root");
  testing::in_child([] {
    trace::Recording calls;
    const trace::Session session(&calls);
    ChildContext context;
    EXPECT_TRUE((DropBounding{kKill, kKill | kBind}.run(context)));
    EXPECT_EQ(1U, calls.count("prctl"));
  });
}

TEST_F(Capabilities, WhoeverMayNotDropIsRefusedOnlyWhatIsThere) {
  MD_NEEDS("root");
  testing::in_child([] {
    ChildContext context;
    ASSERT_TRUE((DropBounding{{}, kKill}.run(context)));
    ASSERT_TRUE((SetCapabilities{{}, {}, {}}.run(context)));
    EXPECT_TRUE((DropBounding{{}, kKill}.run(context))) << "nothing is left to drop";
    EXPECT_EQ(EPERM, (DropBounding{{}, kBind}.run(context).error));
  });
}

TEST_F(Capabilities, DroppingEndsAtTheFirstNumberThatTheKernelDoesNotKnow) {
  MD_NEEDS("root");
  testing::in_child([] {
    const CapabilitySet known = kernel_capabilities();
    const CapabilitySet before = own("CapBnd");
    trace::Recording calls;
    const trace::Session session(&calls);
    ChildContext context;
    EXPECT_TRUE((DropBounding{known - kKill, {~std::uint64_t{0}}}.run(context)));
    EXPECT_EQ(2U, calls.count("prctl")) << "CAP_KILL, and one that is not known";
    EXPECT_EQ(before - kKill, own("CapBnd"));
  });
}

TEST_F(Capabilities, UserMayNeitherDropNorSet) {
  testing::in_sandbox(
      [] {
        ChildContext context;
        EXPECT_EQ(EPERM, (DropBounding{{}, kKill}.run(context).error));
        EXPECT_EQ(EPERM, (SetCapabilities{kKill, kKill, {}}.run(context).error));
      },
      {.flags = 0, .as_user = true});
}

}  // namespace
}  // namespace minidocker::security
