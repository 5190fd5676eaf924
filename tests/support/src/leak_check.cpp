#include "minidocker/testing/leak_check.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <gtest/gtest.h>

#include "minidocker/testing/observe.hpp"

namespace minidocker::testing {
namespace {

namespace fs = std::filesystem;

/// Every directory where a hierarchy is mounted: v2 at the top, v1 and the hybrid's v2 below it.
std::vector<std::string> hierarchies() {
  std::vector<std::string> found;
  for (const std::string& line : mounts_of(::getpid())) {
    const auto dash = line.find(" - cgroup");
    if (dash == std::string::npos) continue;
    std::stringstream stream(line);
    std::string field;
    for (int i = 0; i < 5; ++i) stream >> field;
    found.push_back(field);
  }
  return found;
}

void add_groups(const std::string& dir, std::set<std::string>& into) {
  std::error_code error;
  if (!fs::is_directory(dir, error)) return;
  into.insert(dir);
  for (const auto& entry : fs::directory_iterator(dir, error)) {
    if (entry.is_directory(error)) add_groups(entry.path().string(), into);
  }
}

/// Reaps what has died and was not there before: orphans that came to us as their subreaper.
void reap_orphans(const std::set<pid_t>& before) {
  for (pid_t pid : descendants_of(::getpid())) {
    if (!before.contains(pid) && parent_of(pid) == ::getpid() && state_of(pid) == 'Z') {
      ::waitpid(pid, nullptr, WNOHANG);
    }
  }
}

std::string name_of(pid_t pid) {
  std::string name = "process " + std::to_string(pid);
  try {
    name += " (" + status_field(pid, "Name") + ", state " + status_field(pid, "State") + "):";
    for (const std::string& argument : command_line(pid)) name += " " + argument;
  } catch (const std::runtime_error&) {
    name += " (gone meanwhile)";
  }
  return name;
}

}  // namespace

LeakCheck::LeakCheck(LeakScope scope) : scope_(std::move(scope)), maker_(::getpid()) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  before_ = take();
}

LeakCheck::~LeakCheck() {
  if (dismissed_ || maker_ != ::getpid()) return;
  for (const std::string& leak : leaks()) ADD_FAILURE() << "left behind: " << leak;
}

LeakCheck::Snapshot LeakCheck::take() const {
  Snapshot now;
  for (pid_t pid : descendants_of(::getpid())) now.processes.insert(pid);
  for (const std::string& line : mounts_of(::getpid())) ++now.mounts[line];
  now.fds = open_fds(::getpid());
  for (const std::string& hierarchy : hierarchies()) {
    for (const std::string& name : scope_.cgroups) {
      add_groups(hierarchy + "/" + name, now.cgroups);
      for (const auto& [controller, path] : cgroups_of(::getpid())) {
        if (path != "/") add_groups(hierarchy + path + "/" + name, now.cgroups);
      }
    }
  }
  for (const std::string& dir : scope_.dirs) {
    for (const std::string& file : files_below(dir)) now.files.insert(dir + "/" + file);
  }
  return now;
}

std::vector<std::string> LeakCheck::leaks() const {
  for (pid_t pid : descendants_of(::getpid())) {
    if (!before_.processes.contains(pid)) wait_for_end(pid, scope_.grace);
  }
  reap_orphans(before_.processes);

  const Snapshot now = take();
  std::vector<std::string> found;
  for (pid_t pid : now.processes) {
    if (!before_.processes.contains(pid)) found.push_back(name_of(pid));
  }
  for (const auto& [line, count] : now.mounts) {
    const auto old = before_.mounts.find(line);
    if (old == before_.mounts.end() || old->second < count) found.push_back("mount " + line);
  }
  for (const auto& [fd, target] : now.fds) {
    const auto old = before_.fds.find(fd);
    if (old == before_.fds.end() || old->second != target) {
      found.push_back("descriptor " + std::to_string(fd) + " -> " + target);
    }
  }
  for (const std::string& group : now.cgroups) {
    // The group that holds all of ours stays for the next container.
    const bool is_parent = fs::path(group).filename() == "mini-docker";
    if (!before_.cgroups.contains(group) && !is_parent) found.push_back("cgroup " + group);
  }
  for (const std::string& file : now.files) {
    if (!before_.files.contains(file)) found.push_back("file " + file);
  }
  return found;
}

}  // namespace minidocker::testing
