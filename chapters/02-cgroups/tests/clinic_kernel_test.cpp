// What surprises in cgroups: each errno that is worth a hint, provoked. The chapter's errno clinic
// tells the same.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <gmock/gmock.h>

#include "minidocker/testing/run_command.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "work.hpp"

namespace minidocker::cgroups {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using testing::read_text;
using testing::write_text;

/// The error of a system call, and what it says.
template <class Call>
std::string system_error(int code, Call call) {
  try {
    call();
  } catch (const SystemError& error) {
    EXPECT_EQ(code, error.code()) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

int write_errno(const std::string& path, std::string_view text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return ::write(fd.get(), text.data(), text.size()) < 0 ? errno : 0;
}

/// A process that waits, in no group of the test yet.
Process start_outside() {
  ChildPlan plan;
  plan.add(Behave{wait_for_death});
  return StartedChild::start(plan, {}).release();
}

void end(Process& process) {
  process.send(SIGKILL);
  (void)end_of(process);
}

class V2Clinic : public Groups {
 protected:
  void SetUp() override { need(Version::v2, false); }
  std::string path(const Cgroup& group) const { return group.location().directories[0].path(); }
  Location below(const Cgroup& group) const {
    Location location = group.location();
    location.directories[0].group += "/below";
    return location;
  }
  /// Made by hand, as ours are handed controllers of memory, which no threaded group may have.
  Cgroup make_threaded(const Cgroup& group) const {
    EXPECT_EQ(0, ::mkdir(below(group).directories[0].path().c_str(), 0755));
    write_text(path(group) + "/below/cgroup.type", "threaded");
    return Cgroup::reopen(below(group));
  }
};

TEST_F(V2Clinic, GroupWithProcessesHandsNothingDown) {
  MD_NEEDS("cgroup2");
  Cgroup group = make();
  Process child = start_in(group, wait_for_death);
  EXPECT_EQ(EBUSY, write_errno(path(group) + "/cgroup.subtree_control", "+memory"));
  const Cgroup inner = Cgroup::create(below(group));
  EXPECT_THAT(
      error_of(ErrorKind::unavailable, [&] { inner.apply({.memory = {.limit = Bytes{1 << 24}}}); }),
      HasSubstr("EBUSY, as that group holds processes itself; this group has none"));
  group.kill_all();
}

TEST_F(V2Clinic, GroupThatHandsDownTakesNoProcess) {
  MD_NEEDS("cgroup2");
  const Cgroup group = make();
  const Cgroup inner = Cgroup::create(below(group));
  write_text(path(group) + "/cgroup.subtree_control", "+memory");
  Process process = start_outside();
  EXPECT_THAT(system_error(EBUSY, [&] { group.attach(process.pid()); }),
              HasSubstr("hint: the group hands controllers down"));
  end(process);
}

TEST_F(V2Clinic, BelowAThreadedGroupNoneCanBeMade) {
  const Cgroup group = make();
  const Cgroup threaded = make_threaded(group);
  Location inner = threaded.location();
  inner.directories[0].group += "/inner";
  EXPECT_THAT(error_of(ErrorKind::unavailable, [&] { (void)Cgroup::create(inner); }),
              HasSubstr("would be invalid: a group above it is threaded"));
  EXPECT_FALSE(exists(inner.directories[0].path()));
  Cgroup::reopen(threaded.location()).remove();
}

TEST_F(V2Clinic, GroupBelowAThreadedOneTakesNoProcess) {
  const Cgroup group = make();
  const Cgroup threaded = make_threaded(group);
  Location inner = threaded.location();
  inner.directories[0].group += "/inner";
  ASSERT_EQ(0, ::mkdir(inner.directories[0].path().c_str(), 0755));
  EXPECT_EQ("domain invalid\n", read_text(inner.directories[0].path() + "/cgroup.type"));
  Process process = start_outside();
  EXPECT_THAT(system_error(EOPNOTSUPP, [&] { Cgroup::reopen(inner).attach(process.pid()); }),
              HasSubstr("hint: the group is invalid, as one above it is threaded"));
  end(process);
  Cgroup::reopen(threaded.location()).remove();
}

TEST_F(V2Clinic, ThreadedTreeHasNoMemoryController) {
  MD_NEEDS("cgroup2");
  const Cgroup group = make();
  const Cgroup threaded = make_threaded(group);
  EXPECT_EQ("domain threaded\n", read_text(path(group) + "/cgroup.type"));
  EXPECT_EQ(EOPNOTSUPP, write_errno(path(group) + "/cgroup.subtree_control", "+memory"));
  EXPECT_THAT(error_of(ErrorKind::unavailable,
                       [&] { threaded.apply({.memory = {.limit = Bytes{1 << 24}}}); }),
              HasSubstr("EOPNOTSUPP, as that group is threaded"));
  Cgroup::reopen(threaded.location()).remove();
}

TEST_F(V2Clinic, DepthMayBeBounded) {
  const Cgroup group = make();
  write_text(path(group) + "/cgroup.max.depth", "0");
  EXPECT_THAT(system_error(EAGAIN, [&] { (void)Cgroup::create(below(group)); }),
              HasSubstr("cgroup.max.depth"));
}

TEST_F(V2Clinic, ProcessIsNotMovedOutOfWhatIsDelegated) {
  const Cgroup group = make();
  Process process = start_outside();
  ASSERT_EQ(0, ::chown(path(group).c_str(), testing::unprivileged_user().uid, 0));
  ASSERT_EQ(0,
            ::chown((path(group) + "/cgroup.procs").c_str(), testing::unprivileged_user().uid, 0));
  testing::in_sandbox(
      [&] {
        EXPECT_THAT(system_error(EACCES, [&] { group.attach(process.pid()); }),
                    HasSubstr("the first group above both places"));
      },
      {.flags = 0, .as_user = true});
  end(process);
}

class V1Clinic : public Groups {
 protected:
  void SetUp() override { need(Version::v1, true); }
};

TEST_F(V1Clinic, CpusetWithoutCpusTakesNoProcess) {
  const Cgroup group = make();
  const std::string cpuset = group.location().find("cpuset")->path();
  write_text(cpuset + "/cpuset.cpus", "\n");
  ASSERT_EQ("\n", read_text(cpuset + "/cpuset.cpus"));
  Process process = start_outside();
  EXPECT_THAT(system_error(ENOSPC, [&] { group.attach(process.pid()); }),
              HasSubstr("its cpuset has no CPUs"));
  end(process);
}

TEST_F(V1Clinic, CpusThatTheGroupAboveHasNotAreRefused) {
  const Cgroup above = make("above");
  above.apply({.cpu = {.cpus = "0"}});
  const Cgroup group = make("above/below");
  EXPECT_THAT(system_error(EACCES, [&] { group.apply({.cpu = {.cpus = "1"}}); }),
              HasSubstr("the group above has not all of them"));
}

TEST_F(V1Clinic, MemoryAloneIsNotLimitedAboveMemoryAndSwap) {
  const Cgroup group = make();
  group.apply({.memory = {.limit = Bytes{16 << 20}, .swap = Bytes{16 << 20}}});
  EXPECT_THAT(system_error(EINVAL, [&] { group.update({.memory = {.limit = Bytes{32 << 20}}}); }),
              HasSubstr("memory alone may not be limited above memory and swap together"));
}

TEST_P(Each, MissingProcessIsNotMoved) {
  NEED(false);
  const Cgroup group = make();
  (void)system_error(ESRCH, [&] { group.attach(0x3FFFFF); });
}

/// In a sandbox in which every hierarchy is read-only, as inside of a container.
void read_only(const Layout& layout, const std::function<void()>& body) {
  testing::in_sandbox(
      [&] {
        for (const Hierarchy& hierarchy : layout.hierarchies) {
          const char* mount = hierarchy.mount.c_str();
          ASSERT_EQ(0, ::mount(mount, mount, nullptr, MS_BIND, nullptr));
          ASSERT_EQ(0, ::mount(nullptr, mount, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr));
        }
        body();
      },
      {.flags = CLONE_NEWNS});
}

TEST_P(Each, ReadOnlyHierarchyIsNamed) {
  NEED(false);
  const Location location = place("web");
  read_only(layout_, [&] {
    EXPECT_THAT(system_error(EROFS, [&] { (void)Cgroup::create(location); }),
                HasSubstr("hint: cgroups are mounted read-only here"));
    const Layout seen = version_ == Version::v2 ? Layout{} : detect();
    if (seen.mode == Mode::none) return;
    EXPECT_THAT(error_of(ErrorKind::permission, [&] { (void)locate(seen, "/web"); }),
                HasSubstr("cgroups are mounted read-only"));
  });
  EXPECT_FALSE(is_there());
}

TEST_P(Each, GroupOfAReadOnlyHierarchyStaysAsItIs) {
  NEED(false);
  Cgroup group = make();
  Process member = start_in(group, wait_for_death);
  ASSERT_TRUE(gets_members(group));
  Process outside = start_outside();
  read_only(layout_, [&] {
    const char* hint = "hint: cgroups are mounted read-only here";
    EXPECT_THAT(system_error(EROFS, [&] { group.attach(outside.pid()); }), HasSubstr(hint));
    Cgroup same = Cgroup::reopen(group.location());
    EXPECT_THROW(same.remove(milliseconds(50)), Error);
    if (version_ == Version::v2) {
      // v1 kills by signals and needs no file for it.
      EXPECT_THROW(same.kill_all(milliseconds(50)), Error);
      const std::string path = group.location().directories[0].path();
      if (!exists(path + "/pids.max")) return;  // that of a hybrid host has no controllers
    }
    EXPECT_THAT(system_error(EROFS, [&] { group.update({.pids = 7}); }), HasSubstr(hint));
  });
  EXPECT_THAT(group.processes(), ::testing::ElementsAre(member.pid()));
  EXPECT_EQ(std::nullopt, group.stats().pids.limit);
  end(outside);
}

}  // namespace
}  // namespace minidocker::cgroups
