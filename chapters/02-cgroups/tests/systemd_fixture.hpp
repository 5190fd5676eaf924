#pragma once
/// \file
/// Scopes of a test: processes to be put into them, and what systemd and the kernel say of them.

#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "group_fixture.hpp"
#include "minidocker/cgroups/systemd_scope.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::cgroups {

/// A script to be run in the place of mini-scope.
inline std::string program_in(const TempDir& directory, const std::string& script) {
  const std::string path = directory.path() + "/program";
  testing::write_text(path, "#!/bin/sh\n" + script + "\n");
  ::chmod(path.c_str(), 0755);
  return path;
}

/// The error a call throws; fails the test if it throws none.
template <class Call>
std::string scope_error(ErrorKind kind, Call call) {
  try {
    (void)call();
  } catch (const Error& error) {
    EXPECT_EQ(kind, error.kind()) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

class SystemdScope : public ::testing::Test {
 protected:
  [[nodiscard]] static Location place(const std::string& name, Manager manager = Manager::system) {
    const std::string slice = default_slice(manager);
    return locate_scope(detect(), {slice, "mini-docker-test-" + name + ".scope"}, manager,
                        ::geteuid());
  }
  static std::string file(const Cgroup& group, const std::string& name) {
    std::string text =
        testing::find_text(group.location().directories[0].path() + "/" + name).value_or("gone");
    while (text.ends_with('\n')) text.pop_back();
    return text;
  }
  static std::string property(const Location& location, const std::string& name) {
    const std::string& group = location.directories[0].group;
    std::vector<std::string> command{
        "systemctl", "show", "--value", "-p", name, group.substr(group.find_last_of('/') + 1)};
    if (location.manager == Manager::user) command.insert(command.begin() + 1, "--user");
    std::string text = testing::run_command(command).out;
    while (text.ends_with('\n')) text.pop_back();
    return text;
  }
  /// systemd removes a scope when it has seen that nobody is in it.
  static bool goes(const Location& location) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (exists(location.directories[0].path()) || property(location, "LoadState") == "loaded") {
      if (std::chrono::steady_clock::now() > deadline) return false;
      ::poll(nullptr, 0, 5);
    }
    return true;
  }
  /// Kills and reaps what is left of a test's processes, orphans included.
  void end_all(const Cgroup& group) {
    group.kill_all();
    anchor_.process().send(SIGKILL);
    (void)end_of(anchor_.process());
    reap_orphans();
  }
  static bool exists(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0;
  }
  /// A member that waits for its death keeps a scope alive: systemd removes an empty one.
  Member anchor_{wait_for_death};
};

}  // namespace minidocker::cgroups
