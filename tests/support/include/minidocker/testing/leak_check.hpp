#pragma once
/// \file
/// What a test leaves behind, by name.

#include <sys/types.h>

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace minidocker::testing {

/// Where a LeakCheck looks besides processes, mounts and descriptors.
struct LeakScope {
  std::vector<std::string> dirs = {};  ///< nothing may be left below these
  /// Groups of these names, at the root of a hierarchy or below our own group. Tests that run at
  /// the same time must not share a name: one that makes no groups says `.cgroups = {}`.
  std::vector<std::string> cgroups = {"mini-docker"};
  std::chrono::milliseconds grace{2000};  ///< how long what is just dying may take
};

/// Compares before and after: descendants of ours, mounts of ours, our descriptors, cgroups,
/// files. Makes us a subreaper, so that orphans of the test are seen. Its destructor fails the
/// running test once for each difference. Use it as the first member of a fixture.
class LeakCheck {
 public:
  /// Remembers what is there now.
  explicit LeakCheck(LeakScope scope = {});
  LeakCheck(const LeakCheck&) = delete;
  LeakCheck& operator=(const LeakCheck&) = delete;
  ~LeakCheck();

  /// What is there now and was not before, each with a name; processes that are just dying get
  /// the scope's grace.
  [[nodiscard]] std::vector<std::string> leaks() const;
  /// The test tells that it has looked itself: the destructor stays quiet.
  void dismiss() { dismissed_ = true; }

 private:
  struct Snapshot {
    std::set<pid_t> processes;
    std::map<std::string, int> mounts;
    std::map<int, std::string> fds;
    std::set<std::string> cgroups;
    std::set<std::string> files;
  };
  [[nodiscard]] Snapshot take() const;

  LeakScope scope_;
  pid_t maker_;
  bool dismissed_ = false;
  Snapshot before_;
};

}  // namespace minidocker::testing
