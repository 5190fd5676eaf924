#pragma once
/// \file
/// Groups of a test: only below mini-docker-test-PID, on v1 and on v2, or scopes of systemd named
/// so; cleaned before and after.

#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "features.hpp"
#include "minidocker/cgroups/cgroup.hpp"
#include "minidocker/cgroups/detect.hpp"
#include "minidocker/cgroups/systemd_scope.hpp"
#include "minidocker/testing/leak_check.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/child_steps.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/mountinfo.hpp"
#include "minidocker/toolbox/started_child.hpp"

namespace minidocker::cgroups {

/// Which driver a test is about.
enum class Version { v1, v2, systemd };

/// What a test of that driver has in its name.
inline std::string name_of(const ::testing::TestParamInfo<Version>& version) {
  constexpr const char* kNames[] = {"Cgroup1", "Cgroup2", "Systemd"};
  return kNames[static_cast<std::size_t>(version.param)];
}

inline constexpr const char* kScopeProgram = MD_BINARY_DIR "/bin/mini-scope";

inline std::string test_prefix() { return "/mini-docker-test-" + std::to_string(::getpid()); }

/// The v2 hierarchy wherever it is mounted, also the empty one of a hybrid host.
inline Layout unified_layout() {
  for (const MountEntry& mount : read_mountinfo()) {
    if (mount.type == "cgroup2") return {Mode::v2, {{"", mount.target, "/", false}}};
  }
  return {};
}

inline Layout layout_of(Version version) {
  return version == Version::v2 ? unified_layout() : detect();
}

/// What a child of a test does instead of becoming a program; its value is the exit code.
struct Behave {
  static constexpr StepInfo kInfo{"02-cgroups", "a test"};
  int (*body)();
  StepResult run(ChildContext&) const noexcept { ::_exit(body()); }
  [[nodiscard]] std::string describe() const { return "behave"; }
};

/// Waits for ever: until somebody kills it.
inline int wait_for_death() {
  while (true) ::pause();
}

/// Behaves, once it has been put where it belongs.
class Member {
 public:
  explicit Member(int (*body)()) {
    plan_.add(Sync{SyncPoint::cgroup, "have systemd put it into its scope"});
    plan_.add(Behave{body});
    child_ = StartedChild::start(plan_, {});
    child_.wait_for(SyncPoint::cgroup);
  }
  [[nodiscard]] pid_t pid() const { return child_.process().pid(); }
  void go_on() { child_.resume(); }
  Process& process() { return child_.process(); }

 private:
  ChildPlan plan_;
  StartedChild child_;
};

/// How long a test waits for a process to end, also on an emulated machine.
inline constexpr std::chrono::seconds kEndsWithin{30};

/// What is known of a process that should have ended.
inline std::string who_lives(pid_t pid) {
  const auto look = [pid](const char* file) {
    return testing::find_text("/proc/" + std::to_string(pid) + "/" + file).value_or("gone\n");
  };
  return "process " + std::to_string(pid) + " does not end: state " +
         std::string(1, testing::state_of(pid)) + ", " + look("comm") + look("wchan") + "\n" +
         look("cgroup");
}

/// How it ended. If it does not in time the test fails, and its owner kills it.
inline ExitStatus end_of(Process& process) {
  if (const std::optional<ExitStatus> status = process.wait_for(kEndsWithin)) return *status;
  ADD_FAILURE() << who_lives(process.pid());
  return {};
}

/// Reaps what a test's children have left to us, their subreaper. Who does not end in time fails
/// the test.
inline void reap_orphans(std::chrono::milliseconds patience = kEndsWithin) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (true) {
    const pid_t reaped = ::waitpid(-1, nullptr, WNOHANG);
    if (reaped > 0) continue;
    const std::vector<pid_t> alive = testing::descendants_of(::getpid());
    if (reaped < 0 || alive.empty()) return;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    // Children come before their own.
    if (left.count() > 0 && testing::wait_for_end(alive.front(), left)) continue;
    ADD_FAILURE() << who_lives(alive.front());
    return;
  }
}

class Groups : public ::testing::Test {
 protected:
  /// Call first: skips where `version` cannot be had; `limits`: with controllers.
  void need(Version version, bool limits) {
    if (version == Version::v1) MD_NEEDS("root", "cgroup1");
    if (version == Version::v2 && (limits || unified_layout().mode == Mode::none)) {
      MD_NEEDS("root", "cgroup2");
    }
    if (version == Version::systemd) MD_NEEDS("root", "cgroup2", "systemd");
    MD_NEEDS("root");
    version_ = version;
    layout_ = layout_of(version);
  }
  void TearDown() override {
    for (const Hierarchy& hierarchy : layout_.hierarchies) {
      ::rmdir((hierarchy.mount + test_prefix()).c_str());
    }
  }

  Location place(const std::string& name) const {
    if (version_ != Version::systemd) return locate(layout_, test_prefix() + "/" + name);
    const std::string unit = test_prefix().substr(1) + "-" + name + ".scope";
    return locate_scope(layout_, {"system.slice", unit}, Manager::system, ::geteuid());
  }
  /// Makes it, or has systemd make it.
  Cgroup make(const std::string& name = "web") {
    if (version_ != Version::systemd) return Cgroup::create(place(name));
    Member& resident = residents_.emplace_back(wait_for_death);
    Cgroup group = start_scope({kScopeProgram}, place(name), {}, resident.pid());
    // Groups may be given controllers below a group only if nobody is in that itself.
    Cgroup::create(below(group, "resident")).release();
    Cgroup::reopen(below(group, "resident")).attach(resident.pid());
    return group;
  }
  /// How many processes a new group has: systemd removes a scope in which nobody is.
  [[nodiscard]] unsigned residents() const { return version_ == Version::systemd ? 1 : 0; }
  /// Where group `name` below `group` is.
  static Location below(const Cgroup& group, const std::string& name) {
    Location location = group.location();
    location.manager = Manager::nobody;
    for (Directory& directory : location.directories) directory.group += "/" + name;
    return location;
  }
  static bool exists(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0;
  }
  /// Does any directory of the group exist?
  bool is_there(const std::string& name = "web") const {
    return std::ranges::any_of(place(name).directories,
                               [](const Directory& d) { return exists(d.path()); });
  }
  /// A child in the group that does `body`.
  static Process start_in(Cgroup& group, int (*body)()) {
    ChildPlan plan;
    sys::CloneArgs clone;
    group.enter_by(plan, clone);
    plan.add(Behave{body});
    StartedChild child = StartedChild::start(plan, clone);
    return child.release();
  }
  /// Waits until `group` has `count` processes in each hierarchy, as v1's child enters one after
  /// the other by itself; false after 10 s.
  static bool gets_members(const Cgroup& group, std::size_t count = 1) {
    const auto has_them = [count](const Directory& directory) {
      const std::string pids = testing::read_text(directory.path() + "/cgroup.procs");
      return static_cast<std::size_t>(std::ranges::count(pids, '\n')) >= count;
    };
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!std::ranges::all_of(group.location().directories, has_them)) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      ::poll(nullptr, 0, 1);
    }
    return true;
  }
  /// The error a call throws; fails the test if it throws none.
  static std::string error_of(ErrorKind kind, const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      EXPECT_EQ(kind, error.kind()) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "no error";
    return "";
  }

  testing::LeakCheck leaks_{{.dirs = {}, .cgroups = {test_prefix().substr(1)}}};
  Layout layout_;
  Version version_ = Version::v1;
  std::list<Member> residents_;
};

/// Whatever holds for groups that we make, of v1 and v2 alike.
class Each : public Groups, public ::testing::WithParamInterface<Version> {
 protected:
  /// Where /proc/PID/cgroup says a process of the group is.
  void expect_inside(pid_t pid, const Location& location) {
    const std::map<std::string, std::string> groups = testing::cgroups_of(pid);
    for (const Directory& directory : location.directories) {
      const std::size_t comma = directory.controllers.find(',');
      EXPECT_EQ(directory.group, groups.at(directory.controllers.substr(0, comma)))
          << directory.controllers;
    }
  }
};

/// What processes meet in a group, whoever has made it: v1, v2, systemd.
class EachDriver : public Each {};

#define NEED(limits)          \
  do {                        \
    need(GetParam(), limits); \
    if (IsSkipped()) return;  \
  } while (false)

}  // namespace minidocker::cgroups
